"""Histories as models and callers make them: anything that the types allow."""

from hypothesis import strategies as st

from sessionful.domain.message import Message, Part, Text, Thinking, ToolCall, ToolResult

TEXTS = st.sampled_from(
    ["", " ", "\n", "well", "a longer answer in several words", "ünïcödé \u0000", "ends with space "]
)
IDS = st.sampled_from(["", "c0", "c1", "call.2", "x" * 70, "toolu_01", "☃"])
NAMES = st.sampled_from(["echo", "fails", "functions.echo", "", "nobody knows", "n" * 200])
ARGUMENTS = st.dictionaries(st.sampled_from(["text", "n"]), st.none() | st.integers(0, 3) | TEXTS, max_size=2)

texts = st.builds(Text, text=TEXTS)
thoughts = st.builds(
    Thinking, text=TEXTS, signature=st.none() | st.just("c2ln"), redacted=st.none() | st.just("cmVkYWN0ZWQ=")
)
calls = st.builds(
    ToolCall, id=IDS, name=NAMES, arguments=ARGUMENTS, invalid=st.none() | st.sampled_from(["{", "[1]", "null"])
)
results = st.builds(ToolResult, call_id=IDS, name=NAMES, content=TEXTS, is_error=st.booleans())


def _parts(*kinds: st.SearchStrategy[Part], most: int = 4) -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(st.one_of(*kinds), max_size=most).map(tuple)


messages = st.one_of(
    st.builds(Message, role=st.just("user"), parts=_parts(texts, results)),
    st.builds(Message, role=st.just("assistant"), parts=_parts(texts, thoughts, calls)),
    st.builds(Message, role=st.just("tool"), parts=_parts(results)),
    st.builds(Message, role=st.just("system"), parts=_parts(texts)),
)
"""Whatever a caller may put in by hand."""

_called = st.sampled_from(["echo", "fails", "pay", "pay", "functions.echo", "", "nobody knows"])
_asked = st.builds(
    ToolCall,
    id=st.sampled_from(["", "c0", "c1", "c2", "call.2", "x" * 70]),
    name=_called,
    arguments=ARGUMENTS,
    invalid=st.none() | st.none() | st.sampled_from(["{", "[1]"]),
)
replies = st.builds(Message, role=st.just("assistant"), parts=_parts(texts, thoughts, _asked, _asked, most=5))
"""Whatever a model may say."""
