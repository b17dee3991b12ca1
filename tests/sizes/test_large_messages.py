"""Messages, replies, tool results and images by the megabyte: kept whole, given back whole, on every store."""

from sessionful.domain.message import Message, Text
from sessionful.domain.session import NewSession
from tests.contracts.samples import bulk
from tests.sizes.stores import Open
from tests.sizes.talk import AGENT, ALL_OF_IT, OWNER, calling, long_words, picture, reading, talk

MESSAGE, REPLY = long_words(900_000, 1), long_words(900_000, 2)
RESULT = bulk(5_000_000, "the report goes on. ")
PICTURE = picture(4_000_000)


async def test_a_message_and_a_reply_of_900_kb_are_kept_and_shown_to_the_model_again(another: Open) -> None:
    async with talk(another(), [REPLY, "yes"], **ALL_OF_IT) as one:
        await one.open()
        record = await one.say(MESSAGE)
        assert (record.status, record.response) == ("completed", REPLY)
        assert (await one.say("Did you get that?")).status == "completed"
        assert [message.text for message in one.shown()] == [MESSAGE, REPLY, "Did you get that?"]
        page = await one.service.history(OWNER, AGENT, one.id, limit=2)
        assert [message.text for message in page.messages] == [MESSAGE, REPLY]


async def test_what_is_larger_than_the_window_is_left_out_of_the_next_prompt_and_the_talk_goes_on(
    another: Open,
) -> None:
    async with talk(another(), [REPLY, "yes"]) as one:
        await one.open()
        await one.say(MESSAGE)
        assert (await one.say("Go on")).response == "yes"
        assert [message.text for message in one.shown()] == ["Go on"]
        assert len(await one.messages()) == 4


async def test_a_tool_result_of_5_mb_is_kept_and_shown_where_the_limit_allows_it(another: Open) -> None:
    limits = {"tool_result_chars": 6_000_000}
    async with talk(another(), [calling("read_report"), "read"], [reading(RESULT)], limits=limits) as one:
        await one.open()
        record = await one.say("Read it")
        assert (record.status, record.response) == ("completed", "read")
        assert [result.content == RESULT for result in record.tool_results] == [True]
        assert one.shown()[-1].tool_results[0].content == RESULT
        found = await one.service.get_turn(OWNER, AGENT, one.id, record.turn_id)
        assert found.tool_results == record.tool_results


async def test_a_tool_result_above_the_limit_is_cut_and_the_cut_is_told_to_model_and_reader(another: Open) -> None:
    async with talk(another(), [calling("read_report"), "read"], [reading(RESULT)]) as one:
        await one.open()
        (result,) = (await one.say("Read it")).tool_results
        assert result.content.startswith(RESULT[:50_000])
        assert result.content.endswith("[cut: 50000 of 5000000 characters are shown]")
        assert one.shown()[-1].tool_results == (result,)


async def test_an_image_of_4_mb_comes_back_in_history_export_import_and_the_next_prompt(another: Open) -> None:
    asked = Message.user([Text(text="What is it?"), PICTURE])
    async with talk(another(), ["a house", "red"]) as one:
        await one.open()
        assert (await one.say(list(asked.parts))).response == "a house"
        assert one.shown() == [asked]
        await one.say("Which colour?")
        assert one.shown()[0] == asked
        page = await one.service.history(OWNER, AGENT, one.id, limit=1)
        assert page.messages[0].parts == asked.parts
        document = await one.service.export_session(OWNER, AGENT, one.id)
        await one.service.import_session(OWNER, AGENT, document, f"{one.id}-again")
        assert (await one.service.messages(OWNER, AGENT, f"{one.id}-again"))[0] == asked


async def test_a_history_of_megabytes_can_be_what_a_session_starts_with(another: Open) -> None:
    past = (Message.user([PICTURE]), Message.assistant(REPLY), Message.user("Shorter"), Message.assistant("No."))
    async with talk(another(), ["well"], **ALL_OF_IT) as one:
        await one.service.create_session(OWNER, AGENT, NewSession(session_id=one.id, messages=past))
        await one.say("Please")
        assert one.shown() == [*past, Message.user("Please")]
        child = await one.service.fork_session(OWNER, AGENT, one.id)
        await one.service.delete_session(OWNER, AGENT, one.id)
        assert (await one.service.messages(OWNER, AGENT, child.key.id))[:4] == list(past)
        await one.service.delete_session(OWNER, AGENT, child.key.id)
