"""What is not worth remembering, whatever a model says of it."""

import re
from collections.abc import Sequence

from sessionful.core.memory.words import content_words, is_question, roots, sentences

LONGEST = 1000
"""Characters of one fact."""

_SAID_WORDS = 5000
_RESTATED = 0.8  # of a fact's words that stand in one sentence of the instructions
_GREETING = re.compile(
    r"^(hi|hello|hey|thanks|thank you|good (morning|evening|night)|bye|goodbye|welcome|sure|okay|ok)\b", re.IGNORECASE
)
_ABOUT_THE_TALK = re.compile(
    r"\b(the )?user (has |had |just )?(greet|ask|said (hi|hello|thank)|thank|request|inquir|enquir|want(s|ed) to know|"
    r"is asking|start(s|ed) (a|the) conversation)"
    r"|\b(the|this|an?) (ai |helpful )?(assistant|chatbot|conversation|language model|system prompt)\b"
    r"|\bas an ai\b|\bi am an? (ai|assistant)\b",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"\b(sk-|ghp_|github_pat_|xox[abp]-|AKIA)\w{8,}|-----BEGIN [A-Z ]*KEY|\b(?:\d[ -]?){13,19}\b"
    r"|\b(password|passwort|passphrase|api key|secret key|access token|pin code)\b.*\b(is|ist|:|=)",
    re.IGNORECASE,
)


def is_junk(text: str, restated: Sequence[str]) -> bool:
    """`restated`: what the agent was told and the user did not say."""
    if not 1 <= len(text) <= LONGEST or is_question(text):
        return True
    if not content_words(text) or _GREETING.search(text) or _ABOUT_THE_TALK.search(text) or has_secret(text):
        return True
    words = set(roots(text))
    return any(len(words & set(roots(told))) >= _RESTATED * len(words) for told in restated)


def is_said(text: str, transcript: str) -> bool:
    """Whether the transcript has at least a word of it: else a model made it up. In another script than that one's it
    cannot be told."""
    if text.isascii() and not transcript.isascii():
        return True
    return not set(roots(text)).isdisjoint(roots(transcript, _SAID_WORDS))


def has_secret(text: str) -> bool:
    return _SECRET.search(text) is not None


def told_sentences(*texts: str | None) -> list[str]:
    return [sentence for text in texts if text for sentence in sentences(text)]
