"""Docstrings in the three common styles."""

import pytest

from sessionful.tools.docstring import read_docstring

GOOGLE = """Get orders for a user.

    Newest first.

    Args:
        user_id (str): Whose orders,
            as the shop counts them.
        limit (Optional[Callable[[int], str]], optional): How many: at most 50.

        **filters: Fields and values.

    Returns:
        The orders as JSON.
    """

NUMPY = """Get orders for a user.

    Newest first.

    Parameters
    ----------
    user_id : str
        Whose orders,
        as the shop counts them.
    limit, offset : int, optional
        How many: at most 50.

    Returns
    -------
    str
        The orders as JSON.
    """

REST = """Get orders for a user.

    Newest first.

    :param str user_id: Whose orders,
        as the shop counts them.
    :type user_id: str
    :param limit: How many: at most 50.
    :returns: The orders as JSON.
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_every_common_style_gives_the_arguments_their_texts(text: str) -> None:
    described = read_docstring(text)
    assert described.arguments["user_id"] == "Whose orders, as the shop counts them."
    assert described.arguments["limit"] == "How many: at most 50."


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_the_description_is_the_rest_of_the_docstring(text: str) -> None:
    description = read_docstring(text).description
    assert description.startswith("Get orders for a user.\n\nNewest first.\n\n")
    assert "The orders as JSON." in description
    assert "at most 50" not in description and "user_id" not in description


def test_numpy_may_describe_two_arguments_at_once() -> None:
    described = read_docstring(NUMPY).arguments
    assert described["limit"] == described["offset"]


def test_google_may_describe_what_comes_by_keyword() -> None:
    assert read_docstring(GOOGLE).arguments["filters"] == "Fields and values."


def test_a_docstring_without_sections_is_all_description() -> None:
    assert read_docstring("Say hello: politely.") == ("Say hello: politely.", {})


def test_there_may_be_no_docstring() -> None:
    assert read_docstring(None) == ("", {})
