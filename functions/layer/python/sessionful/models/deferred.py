"""A model that is made when it is first asked: a process that asks none does not load its adapter."""

from collections.abc import AsyncIterator, Callable

from sessionful.core.memory.tokens import counter_of
from sessionful.domain.message import Message
from sessionful.ports import Model, ModelRequest, Piece


class DeferredModel:
    """`name` is what users are told before. What making it raises, the first request raises."""

    def __init__(self, name: str, make: Callable[[], Model]) -> None:
        self._name, self._make = name, make
        self._made: Model | None = None

    @property
    def name(self) -> str:
        return self._made.name if self._made is not None else self._name

    def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        return self._model().stream(request)

    def tokens(self, message: Message) -> int:
        """See core.memory.tokens. Makes the model, too: whoever counts is about to ask it."""
        return counter_of(self._model())(message)

    def _model(self) -> Model:
        if self._made is None:
            self._made = self._make()
        return self._made
