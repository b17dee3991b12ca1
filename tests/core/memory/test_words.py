"""The words that say what a text is about."""

import pytest

from sessionful.core.memory.words import content_words, is_question, roots, sentences


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where does my sister MIA live?", ["sister", "mia", "live"]),
        ("Die Straße in Zürich", ["die", "strasse", "zurich"]),
        ("Что ест кошка?", ["что", "ест", "кошка"]),
        ("京都に住む", ["京都", "都に", "に住", "住む"]),
        ("order ORD-4711 of 3 May", ["order", "ord", "4711", "3", "may"]),
        ("I do not eat nuts", ["not", "eat", "nuts"]),
        ("hello, and thank you!", []),
        ("?! …", []),
    ],
)
def test_what_says_nothing_is_left_out_in_any_script(text: str, words: list[str]) -> None:
    assert content_words(text) == words


def test_endings_do_not_count_and_the_order_does() -> None:
    assert roots("Mia is living in Oslo") == roots("Mia lived, in Oslo")
    assert roots("Mia teaches Tom") != roots("Tom teaches Mia")
    assert roots("Mia eats nuts") != roots("Mia does not eat nuts")


def test_a_long_text_is_looked_at_up_to_a_limit() -> None:
    words = " ".join(f"word{n}" for n in range(1000))
    assert content_words(words, 10) == [f"word{n}" for n in range(10)]
    assert len(content_words("漢" * 999 + words)) <= 64


def test_questions_are_told_from_statements() -> None:
    assert sentences("It rains. Is it cold?\nYes! 寒い。はい") == ["It rains.", "Is it cold?", "Yes!", "寒い。", "はい"]
    assert is_question("Is it cold? ")
    assert not is_question("It is cold.")
