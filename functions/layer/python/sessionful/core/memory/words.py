"""The words of a text that say what it is about, as far as that can be told without knowing its language."""

import re
import unicodedata

MOST = 64
"""Words of one text that are looked at, by default."""

_DIACRITIC = 10  # canonical combining classes from here on are accents and vowel points
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_FIRST_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_ENDING = re.compile(r"(?:ies|ing|ed|es|s|e|y)$")
_SENTENCE = re.compile("(?<=[.!?])\\s+|\n+|(?<=[\u3002\uff01\uff1f])")
_EMPTY_WORDS = """
about after again all also and any anyone anything are because been before being but can could did does doing
done each for from get gets give going had has have having hello help her here hers him his how into its just know
let lets like mine more most much must myself need now off once one only other our ours out over own please really
remember said say says she should some something such tell than thank thanks that the their theirs them then there
these they thing things this those through told too under until user users very want wants was were what whats when
where which while who whom whose why will with would you your yours yourself
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
NEGATIONS = frozenset({"no", "not", "never", "nor", "none", "without"})
"""They are what a fact says, not what it is about."""


def content_words(text: str, most: int = MOST) -> list[str]:
    """In lower case and without accents, each once, in order. Scripts that put no space between words give pairs of
    their characters; of other words those that are short and those that say nothing in English are left out."""
    found: dict[str, None] = {}
    for run in _RUN.findall(_plain(text)):
        if _FIRST_UNSPACED.match(run):
            pairs = [run[at : at + 2] for at in range(max(len(run) - 1, 1))]
            found.update(dict.fromkeys(pairs))
        elif run not in _EMPTY and (len(run) > 2 or any(map(str.isdigit, run)) or run in NEGATIONS):
            found[run] = None
        if len(found) >= most:
            break
    return list(found)[:most]


def roots(text: str, most: int = MOST) -> tuple[str, ...]:
    """The same without the endings of English, in order: what two ways to put a fact have in common."""
    return tuple(dict.fromkeys(root(word) for word in content_words(text, most)))


def root(word: str) -> str:
    if not word.isascii() or len(word) < 4:
        return word
    return _ENDING.sub("", word) or word


def sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.split(text) if sentence.strip()]


def statements(text: str) -> str:
    """What a text says, without what it asks."""
    return " ".join(sentence for sentence in sentences(text) if not is_question(sentence))


def is_question(sentence: str) -> bool:
    return sentence.rstrip().endswith(("?", "\uff1f"))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in letters if unicodedata.combining(letter) < _DIACRITIC)
    return unicodedata.normalize("NFKC", bare).casefold()
