"""What was said in some turns, as the model reads it that looks for what to remember.

Only what users and assistants said and what tools found: never system text, instructions, a tool's schema, or what the
memory's own tools gave, which would be remembered once more.
"""

from collections.abc import AsyncIterator, Iterator, Sequence

from sessionful.core.memory.tokens import estimated
from sessionful.core.past import failed_before_told
from sessionful.domain.message import Message, Text
from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Entry
from sessionful.ports import SessionLog

TOOLS = ("remember", "recall", "forget")
"""The memory's own tools."""

_PAGE = 100
_CHUNK_TOKENS = 6000  # read by the model at a time
_SAID_CHARACTERS = 6000  # of one message
_FOUND_CHARACTERS = 2000  # of one tool's result

Turn = list[Entry]


async def ended_turns(log: SessionLog, session: Session, after: Position) -> AsyncIterator[Turn]:
    """The turns of the visible past behind that place, oldest first, without one that still runs."""
    turn: Turn = []
    while True:
        page = await log.read(session, _PAGE, after=after)
        for entry in page:
            if turn and turn[-1].position.turn != entry.position.turn:
                yield turn
                turn = []
            turn.append(entry)
        if len(page) < _PAGE:
            break
        after = page[-1].position
    if turn and turn[-1].ending is not None:
        yield turn


def chunks(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """As many turns at a time as the model reads at once."""
    chunk: list[Turn] = []
    size = 0
    for turn in turns:
        tokens = estimated(transcript([turn]))
        if chunk and size + tokens > _CHUNK_TOKENS:
            yield chunk
            chunk, size = [], 0
        chunk.append(turn)
        size += tokens
    if chunk:
        yield chunk


def transcript(turns: Sequence[Turn]) -> str:
    """Empty when nothing of it may be read."""
    told = ((turn[0].position.turn, list(_lines(turn))) for turn in turns)
    return "\n\n".join("\n".join([f"[turn {number}]", *lines]) for number, lines in told if lines)


def user_texts(turns: Sequence[Turn]) -> list[str]:
    return [
        message.text for turn in turns for message in _messages(turn) if message.role == "user" and message.text.strip()
    ]


def _lines(turn: Turn) -> Iterator[str]:
    for message in _messages(turn):
        for result in message.tool_results:
            if result.name not in TOOLS and not result.is_error:
                yield f"tool {result.name}: {_cut(result.content, _FOUND_CHARACTERS)}"
        text = " ".join(part.text for part in message.parts if isinstance(part, Text))
        if message.role in ("user", "assistant") and text.strip():
            yield f"{message.role}: {_cut(text, _SAID_CHARACTERS)}"


def _messages(turn: Turn) -> Iterator[Message]:
    for entry in turn:
        if not failed_before_told(entry):
            yield from entry.messages


def _cut(text: str, characters: int) -> str:
    """In one line: a line that begins like another message would be taken for one."""
    line = " ".join(text.split())
    return line if len(line) <= characters else f"{line[: characters // 2]} […] {line[-characters // 2 :]}"
