"""How a turn is shown, told by a real service with a scripted model and real tools."""

import io
from collections.abc import AsyncIterator, Sequence

from sessionful.cli.telling import Telling
from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.domain.agent import AgentSettings, Reasoning
from sessionful.domain.event import Cursor, MessageStart, TextDelta, Told, TurnCompleted, TurnSuperseded
from sessionful.domain.message import Message, Text, Thinking, ToolCall
from sessionful.domain.session import NewSession
from sessionful.domain.usage import Usage
from sessionful.models.scripted import ScriptedModel
from sessionful.stores.in_memory import InMemoryLog
from sessionful.tools.function import tool


@tool
def write_file(name: str, content: str) -> str:
    """Write a file."""
    return f"{name}: {len(content)} characters written"


CALL = ToolCall(id="c1", name="write_file", arguments={"name": "hello.py", "content": "print('Hello')"})
REPLIES = [
    Message.assistant([Thinking(text="A file, then."), Text(text="Let me create that file..."), CALL]),
    "The program is there.",
]


async def shown(reasoning: Reasoning, *, streaming: bool = True, together: bool = False) -> tuple[str, str]:
    """What went to stdout and what to stderr."""
    settings = AgentSettings(reasoning=reasoning)
    service = Service([Agent("coder", ScriptedModel(REPLIES), InMemoryLog(), settings, tools=[write_file])])
    session = await service.create_session("local", "coder", NewSession(session_id="s"))
    handle = await service.start_turn("local", "coder", session.key.id, Message.user("Write hello.py"))
    out, aside = io.StringIO(), io.StringIO()
    telling = Telling(reasoning, streaming=streaming, out=out, aside=out if together else aside)
    ending = await telling.tell(handle.events())
    assert isinstance(ending, TurnCompleted)
    await service.close()
    return out.getvalue(), aside.getvalue()


async def test_tool_calls_are_shown_beside_the_answer_when_the_agent_says_so() -> None:
    assert await shown(Reasoning(show_tool_execution=True)) == (
        "Let me create that file...\nThe program is there.\n",
        '[Tool: write_file("hello.py", "print(\'Hello\')")]\nhello.py: 14 characters written\n',
    )


async def test_in_a_chat_they_stand_between_the_prose() -> None:
    assert (await shown(Reasoning(show_tool_execution=True), together=True))[0] == (
        "Let me create that file...\n"
        '[Tool: write_file("hello.py", "print(\'Hello\')")]\n'
        "hello.py: 14 characters written\n"
        "The program is there.\n"
    )


async def test_without_the_settings_only_prose_is_shown() -> None:
    assert await shown(Reasoning()) == ("Let me create that file...\nThe program is there.\n", "")


async def test_thinking_is_shown_beside_the_answer() -> None:
    assert (await shown(Reasoning(show_thinking=True)))[1] == "[Thinking: A file, then.]\n"


async def test_debug_facts_are_shown_beside_the_answer() -> None:
    aside = (await shown(Reasoning(show_debug_info=True)))[1]
    assert aside.startswith("[Session: s]\n[Message: 1]\n[Memory: ")


async def test_without_streaming_the_answer_is_the_last_step() -> None:
    assert (await shown(Reasoning(), streaming=False))[0] == "The program is there.\n"


async def test_after_a_take_over_what_still_holds_is_written_again() -> None:
    out, aside = io.StringIO(), io.StringIO()
    ending = TurnCompleted(turn_id="turn_1_x", usage=Usage(), steps=2)
    events = [
        MessageStart(step=1),
        TextDelta(text="Kept. "),
        MessageStart(step=2),
        TextDelta(text="Lost"),
        TurnSuperseded(keep=6),
        MessageStart(step=2),
        TextDelta(text="Again."),
        ending,
    ]
    telling = Telling(Reasoning(), streaming=True, out=out, aside=aside)
    assert await telling.tell(_told(events)) == ending
    assert out.getvalue() == "Kept. \nLost\nKept. \nAgain.\n"
    assert "starts over" in aside.getvalue()


async def _told(events: Sequence[object]) -> AsyncIterator[Told]:
    for position, event in enumerate(events):
        yield Told(Cursor(1, 1, position + 1), event)  # type: ignore[arg-type]
