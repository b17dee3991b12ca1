"""A message is a role and typed parts. Values without identity: ids, times and versions belong to the log."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

Role = Literal["system", "user", "assistant", "tool"]


def storable(text: str) -> str:
    """The text with `?` for each half of a surrogate pair: those can be neither stored nor sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


Words = Annotated[str, AfterValidator(storable)]


class Value(BaseModel):
    """A frozen value. Unknown fields are refused, so that a misspelt one is never lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Text(Value):
    type: Literal["text"] = "text"
    text: Words


class Thinking(Value):
    """The model's reasoning. `signature` and `redacted` go back to the vendor verbatim within a tool loop."""

    type: Literal["thinking"] = "thinking"
    text: Words = ""
    signature: str | None = None
    redacted: str | None = None


class ToolCall(Value):
    """`invalid` holds the argument text as the model wrote it when it was no JSON object; `arguments` is then empty."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    invalid: str | None = None


class ToolResult(Value):
    type: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str = ""
    content: Words
    is_error: bool = False


class Image(Value):
    """Base64 `data` with its `media_type`, or a `url` that the model's vendor fetches."""

    type: Literal["image"] = "image"
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class File(Value):
    type: Literal["file"] = "file"
    name: str = ""
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


Part = Annotated[Text | Thinking | ToolCall | ToolResult | Image | File, Field(discriminator="type")]


class Message(Value):
    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined; of a message that holds only tool results, their contents."""
        texts = [part.text for part in self.parts if isinstance(part, Text)]
        if not texts:
            texts = [part.content for part in self.parts if isinstance(part, ToolResult)]
        return "".join(texts)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolResult))

    @classmethod
    def user(cls, content: "str | Part | list[Part]") -> Self:
        return cls(role="user", parts=_parts(content))

    @classmethod
    def assistant(cls, content: "str | Part | list[Part]") -> Self:
        return cls(role="assistant", parts=_parts(content))

    @classmethod
    def system(cls, content: str) -> Self:
        return cls(role="system", parts=_parts(content))

    @classmethod
    def tool(cls, content: str, call_id: str, name: str = "", is_error: bool = False) -> Self:
        return cls(role="tool", parts=(ToolResult(call_id=call_id, name=name, content=content, is_error=is_error),))


def _parts(content: "str | Part | list[Part]") -> "tuple[Part, ...]":
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(content) if isinstance(content, list) else (content,)


MESSAGES: TypeAdapter[tuple[Message, ...]] = TypeAdapter(tuple[Message, ...], config=ConfigDict(defer_build=True))
"""Reads and writes a sequence of messages as JSON."""
