"""Digests: stable for ever, since they are in names and annotations."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.utils.hashing import text_digest, value_digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_digests_never_change() -> None:
    assert text_digest("feature/login") == "df7c7aeb35"
    assert value_digest({"a": [1, "x", None]}) == "cf946966268a847c"


def test_lone_surrogates_have_digests_of_their_own() -> None:
    texts = ("\ud83d\ude00", "\N{GRINNING FACE}", "\ud83d", "\ufffd", "?")

    assert len({text_digest(text) for text in texts}) == len(texts)


@given(st.text(), st.integers(min_value=1, max_value=64))
def test_a_digest_has_the_length_asked_for(text: str, length: int) -> None:
    assert len(text_digest(text, length)) == length
    assert set(text_digest(text, length)) <= set("0123456789abcdef")


@given(st.dictionaries(st.text(), JSON))
def test_the_order_of_keys_does_not_count(value: dict[str, Any]) -> None:
    assert value_digest(dict(reversed(value.items()))) == value_digest(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [([1, 2], [2, 1]), (1, "1"), (True, 1), (None, "null"), ({}, []), ({"a": None}, {})],
)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert value_digest(one) != value_digest(other)
