"""The two guarantees of names: always valid labels, never the same for two texts."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kapsa.utils import names

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LIMITS = st.integers(min_value=14, max_value=63)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=250)
LABELS = st.from_regex(LABEL, fullmatch=True).filter(lambda text: len(text) <= 200)
BRANCHES = ANY_TEXT | LABELS | st.text("aB-/0f", max_size=80)

TRICKY = (
    "a/b",
    "a-b",
    "A/B",
    "A-B",
    "a_b",
    "a--b",
    "-a-b-",
    "a.b",
    "a\nb",
    "a b",
    "",
    "-",
    "/",
    "a" * 200,
    "a" * 199 + "b",
    "a" * 63,
    "a" * 64,
    "-" * 200,
    "überprüfung",
    "uberprufung",
    "功能/登录",
    "功能-登录",
    "\N{KELVIN SIGN}",
    "k",
    "\ud83d\ude00",
    "\N{GRINNING FACE}",
    "\ud800",
    "\udfff",
    "ab\n",
    "ab",
)


def digested_forms(text: str) -> list[str]:
    """Return what an attacker might call a branch to land on the name of `text`."""
    once = names.slug(text)
    return [once, names.slug(once), names.with_digest(text, text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login", "login"),
        ("pr-42", "pr-42"),
        ("a" * 63, "a" * 63),
        ("feature/login", "feature-login-df7c7aeb35"),
        ("Login", "login-9d6322c1f4"),
        ("", "e3b0c44298"),
        ("x-0123456789", "x-0123456789-a3fc88ed89"),
    ],
)
def test_a_label_is_kept_and_anything_else_gets_a_digest(text: str, expected: str) -> None:
    assert names.slug(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pr-42", "pr-42"),
        ("x-0123456789", "x-0123456789"),
        ("x-0123456789ab", "x-0123456789ab-2b433c209337"),
        ("Login", "login-9d6322c1f4d9"),
    ],
)
def test_a_label_keeps_even_the_digest_of_a_slug(text: str, expected: str) -> None:
    assert names.label(text) == expected


def test_tricky_texts_give_distinct_labels() -> None:
    texts = {*TRICKY, *(form for text in TRICKY for form in digested_forms(text))}
    made = {text: names.slug(text) for text in texts}

    assert len(set(made.values())) == len(texts)
    assert all(LABEL.fullmatch(name) and len(name) <= 63 for name in made.values())


@given(BRANCHES, LIMITS)
def test_a_slug_is_a_label_within_its_limit(text: str, limit: int) -> None:
    name = names.slug(text, limit)

    assert LABEL.fullmatch(name)
    assert len(name) <= limit


@given(BRANCHES, BRANCHES, LIMITS)
@example("a/b", "a-b", 63)
@example("feature/login", "feature-login-df7c7aeb35", 63)
def test_distinct_texts_give_distinct_slugs(one: str, other: str, limit: int) -> None:
    assert (names.slug(one, limit) == names.slug(other, limit)) == (one == other)


@given(BRANCHES, LIMITS)
def test_no_text_lands_on_the_digested_form_of_another(text: str, limit: int) -> None:
    name = names.slug(text, limit)

    assert name == text or names.slug(name, limit) != name


@given(BRANCHES, BRANCHES, LIMITS)
def test_a_join_is_a_label_within_its_limit(prefix: str, name: str, limit: int) -> None:
    joined = names.join(prefix, name, limit)

    assert LABEL.fullmatch(joined)
    assert len(joined) <= limit


@given(BRANCHES, BRANCHES, BRANCHES, LIMITS)
def test_distinct_names_with_one_prefix_give_distinct_joins(
    prefix: str, one: str, other: str, limit: int
) -> None:
    joined = names.join(prefix, one, limit), names.join(prefix, other, limit)

    assert (joined[0] == joined[1]) == (one == other)


@given(LABELS, LABELS, LIMITS)
def test_a_name_that_reads_like_a_cut_join_does_not_land_on_it(
    prefix: str, name: str, limit: int
) -> None:
    joined = names.join(prefix, name, limit)
    forged = joined.removeprefix(f"{prefix}-")

    assert forged in (joined, name) or names.join(prefix, forged, limit) != joined


@given(LABELS.filter(lambda text: len(text) <= 40), BRANCHES)
def test_a_slug_that_fits_beside_its_prefix_is_not_digested_twice(prefix: str, text: str) -> None:
    slug = names.slug(text, names.LABEL_LIMIT - len(prefix) - 1)
    kept = f"{prefix}-{slug}"

    assert names.join(prefix, slug) == kept or re.search(r"-[0-9a-f]{12}$", kept)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "b-c"), ("a-b", "c")), (("a\nb", "c"), ("a", "b\nc")), (("1\na", "b"), ("", "1\nab"))],
)
def test_distinct_pairs_give_distinct_digested_joins(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert names.join_digested(*one) != names.join_digested(*other)


@given(st.tuples(BRANCHES, BRANCHES), st.tuples(BRANCHES, BRANCHES), LIMITS)
def test_digested_joins_are_distinct_labels(
    one: tuple[str, str], other: tuple[str, str], limit: int
) -> None:
    made = [names.join_digested(*pair, limit) for pair in (one, other)]

    assert all(LABEL.fullmatch(name) and len(name) <= limit for name in made)
    assert (made[0] == made[1]) == (one == other)


@given(BRANCHES, BRANCHES, BRANCHES)
def test_distinct_identities_give_distinct_names_whatever_they_show(
    text: str, one: str, other: str
) -> None:
    made = names.with_digest(text, one), names.with_digest(text, other)

    assert (made[0] == made[1]) == (one == other)


@pytest.mark.parametrize(
    "make", [names.slug, lambda text, limit: names.with_digest(text, text, limit)]
)
@pytest.mark.parametrize("text", TRICKY)
def test_the_smallest_limit_still_holds(make: Callable[[str, int], str], text: str) -> None:
    name = make(text, 12)

    assert LABEL.fullmatch(name)
    assert len(name) <= 12
