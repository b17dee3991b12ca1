from sessionful.core.reply import Reply
from sessionful.domain.message import Message
from sessionful.domain.usage import Usage
from sessionful.ports import CallPiece, Finish
from tests.core.conversation import Conversation, add


def whole(*pieces: CallPiece) -> Message:
    reply = Reply()
    for piece in pieces:
        list(reply.take(piece))
    return reply.message()


def test_calls_that_a_model_gives_the_same_id_or_none_get_ids_of_their_own() -> None:
    said = whole(CallPiece(0, "call_2", "f"), CallPiece(1, "call_2", "f"), CallPiece(2, "", "f"))
    assert [call.id for call in said.tool_calls] == ["call_2", "call_2_1", "call_2_2"]


async def test_two_calls_with_the_same_id_both_run_and_both_have_their_result() -> None:
    pieces = [CallPiece(n, "c", "add", f'{{"a": {n}, "b": 1}}') for n in range(2)]
    talk = await Conversation([[*pieces, Finish("tool_use", Usage())], "so"], [add]).open()
    record = await talk.ask("go")
    assert [result.content for result in record.tool_results] == ["1", "2"]
    assert len({call.id for call in record.tool_calls}) == 2
