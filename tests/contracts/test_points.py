"""Going back on every store: messages and state come back together, also out of a log that others share."""

from sessionful.core.agent import Agent
from sessionful.core.service import Service
from sessionful.domain.message import Message
from sessionful.domain.session import NewSession, SessionChange
from sessionful.models.scripted import ScriptedModel
from sessionful.ports import SessionLog
from tests.contracts.clock import ManualClock


class Traveller:
    """An owner of sessions whose turns each leave a state behind: `{"n": <its number>}`."""

    def __init__(self, log: SessionLog, clock: ManualClock) -> None:
        self.service = Service([Agent("guide", ScriptedModel(["answer"]), log)], clock=clock)

    async def turn(self, session: str, n: int) -> None:
        await self.service.change_session("ada", None, session, SessionChange(state={"n": n}))
        handle = await self.service.start_turn("ada", None, session, Message.user(f"question {n}"))
        assert (await handle.result()).status == "completed"

    async def back(self, session: str, to: str) -> tuple[object, list[str]]:
        """The state, and what was asked."""
        moved = await self.service.rewind_session("ada", None, session, to)
        assert moved == await self.service.get_session("ada", None, session)
        messages = await self.service.messages("ada", None, session)
        assert len(messages) == moved.message_count
        return moved.state.get("n"), [message.text.removeprefix("question ") for message in messages[::2]]


async def test_a_session_goes_back_and_forth(log: SessionLog, clock: ManualClock) -> None:
    ada = Traveller(log, clock)
    await ada.service.create_session("ada", None, NewSession(session_id="s"))
    for n in (1, 2, 3):
        await ada.turn("s", n)
    point = await ada.service.create_checkpoint("ada", None, "s", "three")
    assert await ada.service.checkpoints("ada", None, "s") == [point]
    assert await ada.back("s", "1") == (1, ["1"])
    await ada.turn("s", 4)
    assert await ada.back("s", "4") == (4, ["1", "4"])
    assert await ada.back("s", "three") == (3, ["1", "2", "3"])
    await ada.service.clear_session("ada", None, "s")
    await ada.service.add_messages("ada", None, "s", [Message.user("question 5")])
    assert await ada.back("s", "5") == (3, ["5"])


async def test_a_fork_goes_back_into_what_it_shares_though_its_parent_is_gone(
    log: SessionLog, clock: ManualClock
) -> None:
    ada = Traveller(log, clock)
    past = (Message.user("question 1"), Message.assistant("answer"))
    await ada.service.create_session("ada", None, NewSession(session_id="s", state={"n": 1}, messages=past))
    for n in (2, 3, 4):
        await ada.turn("s", n)
    child = await ada.service.fork_session("ada", None, "s", "child", at="3")
    assert child.state == {"n": 3}
    await ada.turn("child", 5)
    await ada.service.create_checkpoint("ada", None, "child", "five")
    await ada.service.delete_session("ada", None, "s")
    assert await ada.back("child", "2") == (2, ["1", "2"])
    assert await ada.back("child", "1") == (1, ["1"])
    assert await ada.back("child", "five") == (5, ["1", "2", "3", "5"])
