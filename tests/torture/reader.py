"""What one reader of a stream has on its screen, in any of the three dialects, across lost lines and new servers."""

from typing import Literal

from tests.surfaces.frames import Frame

Dialect = Literal["chunks", "typed", "events"]
DIALECTS: tuple[Dialect, ...] = ("chunks", "typed", "events")

_TERMINAL = {"turn_completed": "completed", "turn_failed": "failed", "turn_cancelled": "cancelled"}
Place = tuple[int, int, int]


class Screen:
    """`ending` is None until the stream's closing frame, and `broken` when the server could tell no more although the
    turn may go on. `faults` is what a reader should never see."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.text = ""
        self.cursor = ""
        self.ending: str | None = None
        self.error: str | None = None
        self.superseded = 0
        self.cuts = 0
        self.faults: list[str] = []
        self._steps = 0

    @property
    def path(self) -> str:
        return "message/stream" if self.dialect == "typed" else "messages/stream"

    @property
    def query(self) -> dict[str, str]:
        return {"events": "full"} if self.dialect == "events" else {}

    @property
    def headers(self) -> dict[str, str]:
        return {"Last-Event-ID": self.cursor} if self.cursor else {}

    def take(self, frame: Frame) -> None:
        if self.ending is not None:
            self.faults.append(f"a frame behind the end: {frame}")
        self._move(frame)
        {"chunks": self._chunk, "typed": self._typed, "events": self._event}[self.dialect](frame)

    def _move(self, frame: Frame) -> None:
        """Cursors never go back; only the error and the end of a stream may share their place with what was before."""
        if not frame.own_id:
            return
        here, before = _place(frame.id), _place(self.cursor) if self.cursor else None
        if before is not None and here < before:
            self.faults.append(f"the cursor went back from {self.cursor} to {frame.id}")
        if before is not None and here[0] != before[0]:
            self.faults.append(f"from {self.cursor} into another turn, {frame.id}, without an end")
        self.cursor = frame.id

    def _chunk(self, frame: Frame) -> None:
        if frame.event == "superseded":
            self._go_back(frame.json["keep"])
        elif frame.event == "error":
            self.error = frame.json["error"]["code"]
        elif frame.data == "[DONE]":
            self._end(frame)
        else:
            self.text += frame.json["chunk"]

    def _typed(self, frame: Frame) -> None:
        if frame.event == "superseded":
            self._go_back(frame.json["keep"])
        elif frame.event == "text_delta":
            self.text += frame.json["text"]
        elif frame.event == "error":
            self.error = frame.json["error"]["code"]
        elif frame.event == "done":
            self._end(frame)

    def _event(self, frame: Frame) -> None:
        told = frame.json
        if frame.event == "turn_superseded":
            self._go_back(told["keep"])
        elif frame.event == "text_delta":
            self.text += told["text"]
        elif frame.event == "step_completed":
            if told["step"] != self._steps + 1:
                self.faults.append(f"step {told['step']} behind step {self._steps}")
            self._steps = told["step"]
        elif frame.event == "error":
            self.error, self.ending = told["error"]["code"], "broken"
        elif frame.event in _TERMINAL:
            self.ending = _TERMINAL[frame.event]
            self.error = told["error"]["code"] if frame.event == "turn_failed" else None

    def _end(self, frame: Frame) -> None:
        """A stream that a server could not read to the turn's end is closed without a place: it can be resumed."""
        cancelled = self.error == "turn_cancelled"
        told = "completed" if self.error is None else "cancelled" if cancelled else "failed"
        self.ending = told if frame.own_id else "broken"

    def resumed(self) -> None:
        """The line was lost, or the server gave up: it goes on behind the cursor."""
        self.cuts += 1
        self.ending, self.error = None, None

    def _go_back(self, keep: int) -> None:
        if keep > len(self.text):
            self.faults.append(f"told to keep {keep} of {len(self.text)} characters")
        self.superseded += 1
        self.text = self.text[:keep]


def _place(cursor: str) -> Place:
    turn, attempt, position = map(int, cursor.split("."))
    return turn, attempt, position
