"""The three vendors' rules over one request, as our adapters would send it."""

from sessionful.models.anthropic import AnthropicModel
from sessionful.models.bedrock import BedrockModel
from sessionful.models.openai import OpenAIModel
from sessionful.ports import ModelRequest
from tests.validators import anthropic, bedrock, openai

_CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
_OPENAI = OpenAIModel("gpt-4o", "key")
_ANTHROPIC = AnthropicModel("claude-sonnet-4-5", "key")
_BEDROCK = BedrockModel(_CLAUDE)


def check_request(request: ModelRequest) -> None:
    """Raises Refused where any vendor would refuse it."""
    openai.check(_OPENAI.body(request))
    anthropic.check(_ANTHROPIC.body(request))
    bedrock.check(_BEDROCK.body(request))
