"""Talk of the usual length: sessions of many turns, and an answer as it streams in."""

import os
from collections.abc import Iterator

from sessionful.domain.message import Message
from sessionful.domain.session import Position, Session
from sessionful.domain.turn import Ending, Entry, Window
from sessionful.domain.usage import Usage
from tests.contracts.clock import NOON
from tests.contracts.samples import KEY, a_key, a_session, an_entry
from tests.contracts.writer import Writer, begin
from tests.stores.dynamodb_servers import Bench

HUNDRED = "It is a hundred characters long, as most of what people write to one another in a chat tends to be."
WINDOW = Window(entries=16, bytes=64_000)

ANSWER = """\
Three days are enough for a first look at Rome, as long as you do not try to see everything. On the first
morning start early at the Colosseum, before the groups arrive, and walk from there across the Forum up to the
Capitol; the view from the terrace behind the town hall is free and explains the whole valley better than any
map. Have lunch in the Monti quarter, where the streets are shady and the prices still bearable, and leave the
afternoon to the Pantheon, Piazza Navona and whatever church happens to be open on your way. In the evening
cross the river to Trastevere, eat late, and walk back along the water.

The second day belongs to the Vatican. Book a ticket for the museums weeks ahead, for half past eight if you can
get it, and go straight to the Sistine Chapel; you can return to the map gallery and the Raphael rooms
afterwards, against the stream. The basilica takes an hour, the dome another one and five hundred steps.
Afterwards you will want to sit down: the gardens of Castel Sant'Angelo have benches, and the bridge with the
angels is at its best in the late sun. If there is strength left, take bus 64 to the Spanish Steps and look into
the small streets around Via Margutta, where painters used to live and where some fountains still have fewer
visitors than cats.

Keep the third day for one thing outside the centre. The Borghese gallery is the finest small museum of the
city, lets in only a few people at a time and lies in a park with bicycles for hire. If you would rather have
ruins and silence, ride out on the Appian Way, past the catacombs, until the paving stones get too rough; on
Sundays cars are kept away. With children I would choose Ostia Antica instead: the train takes half an hour, the
old port is as large as Pompeii and almost empty, and nobody minds if they climb into the theatre and shout.
Whatever you choose, be back by six, have a last ice cream at Giolitti's or at any place where the pistachio is
brown instead of green, and throw your coin into the Trevi fountain after midnight, when you can at last hear
the water. One more word about money and feet: single tickets for the bus are sold in tobacco shops, taxis from
the airport have a fixed price, and new shoes are a mistake. Learn three words of Italian, drink the water of
the street fountains, carry a light scarf for the churches, and do not be ashamed to sleep for an hour after
lunch: the Romans have done so for two thousand years, and the stones will still be there at five o'clock. Have
a good journey!
"""
"""Five hundred tokens, in round numbers."""

NOISE = os.urandom(1_500).hex()
"""Too much for a head, however compressed."""


def groups_of(answer: str, count: int = 43) -> Iterator[str]:
    """The answer as it is flushed every 0.7 s of thirty."""
    length = -(-len(answer) // count)
    for start in range(0, len(answer), length):
        text = answer[start : start + length].replace("\n", "\\n")
        yield f'{{"s":1,"a":1,"p":{start},"e":[["t",0,"{text}"]]}}'


def spoken(turn: int) -> Entry:
    """A turn as `take_a_turn` leaves it."""
    return an_entry(
        position=Position(turn, 1),
        turn_id=f"turn_{turn}_01jd2ghsx0abcdefghjkmnpqrs",
        given=(Message.user(HUNDRED),),
        reply=Message.assistant(HUNDRED),
        usage=Usage(input_tokens=800, output_tokens=25),
        ending=Ending(status="completed", ended_at=NOON, steps=1, usage=Usage(input_tokens=800, output_tokens=25)),
        message_count=2 * turn,
        usage_total=Usage(input_tokens=800 * turn, output_tokens=25 * turn),
    )


async def a_session_of(table: Bench, turns: int, id: str = "trip") -> Session:
    given = a_session(
        a_key(id),
        at=table.clock(),
        turns=turns,
        last=Position(turns, 1),
        message_count=2 * turns,
        usage=Usage(input_tokens=800 * turns, output_tokens=25 * turns),
        timeout=86_400,
    )
    table.relay.watch = None  # nobody asks what the making of ten thousand entries costs
    made = await table.log.create(given, [spoken(turn) for turn in range(1, turns + 1)])
    table.relay.watch = table.meter.watch
    table.meter.reset()
    return made


async def take_a_turn(table: Bench, **fields: object) -> Writer:
    writer = await begin(table.log, KEY, HUNDRED, WINDOW, **fields)
    await writer.settle(HUNDRED)
    return writer
