"""Which tag is the newest version."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.utils.versions import newest, precedence

# The order of https://semver.org/spec/v2.0.0.html#spec-item-11, among neighbours of all sorts.
IN_ORDER = [
    "",
    "latest",
    "nightly-2026",
    "v1.2.3.4",
    "v1.x",
    "0",
    "0.0.1",
    "v0.9",
    "1.0.0-0",
    "1.0.0-9",
    "1.0.0-10",
    "1.0.0--",
    "1.0.0-Z",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1",
    "v1.0.1",
    "1.2",
    "v1.9.0",
    "v1.10.0-rc.1",
    "v1.10.0",
    "2026.01.05",
    "2026.9.1",
    "2026.11.02",
]

NUMBER = st.integers(0, 10**30)
IDENTIFIER = st.from_regex(r"[0-9A-Za-z-]{1,8}", fullmatch=True)
NAME = st.text(max_size=40)


@st.composite
def versions(draw: st.DrawFn) -> str:
    """Return a version of Semantic Versioning, perhaps with a `v`, a pre-release and a build."""
    text = draw(st.sampled_from(["", "v"]))
    text += ".".join(str(draw(NUMBER)) for _ in range(draw(st.integers(1, 3))))
    if pre_release := draw(st.lists(IDENTIFIER, max_size=3)):
        text += "-" + ".".join(pre_release)
    if build := draw(st.lists(IDENTIFIER, max_size=2)):
        text += "+" + ".".join(build)
    return text


@pytest.mark.parametrize(
    ("lower", "higher"), list(pairwise(IN_ORDER)), ids=lambda name: name or "empty"
)
def test_of_two_the_higher_version_is_the_newest(lower: str, higher: str) -> None:
    assert newest([lower, higher]) == newest([higher, lower]) == higher


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["1.0.0", "v1.0.0"], id="the-v-means-nothing"),
        pytest.param(["1", "1.0", "1.0.0"], id="what-is-left-out-is-zero"),
        pytest.param(["1.0.0", "1.0.0+a", "1.0.0+b"], id="builds-make-no-difference"),
        pytest.param(["2026.1.5", "2026.01.05"], id="zeros-in-front-neither"),
    ],
)
def test_versions_that_are_equal(names: list[str]) -> None:
    assert len({precedence(name) for name in names}) == 1
    assert newest(names) == max(names)


def test_of_no_names_none_is_the_newest() -> None:
    assert newest([]) is None


@pytest.mark.parametrize(
    "name",
    [
        "V1",
        "v",
        "1.",
        ".1",
        "1..2",
        "1-",
        "1+",
        "1.0-a..b",
        " 1",
        "1\n",
        "\N{ARABIC-INDIC DIGIT ONE}.0",
        "1.0-ä",
    ],
)
def test_what_is_no_version_is_lower_than_all_versions(name: str) -> None:
    assert newest([name, "0.0.0-0"]) == "0.0.0-0"


@given(versions(), NAME)
def test_a_version_beats_every_name_that_is_none(version: str, name: str) -> None:
    if not precedence(name).numbers:
        assert newest([version, name]) == version


@given(versions(), IDENTIFIER)
def test_a_pre_release_is_lower_than_its_release(version: str, identifier: str) -> None:
    release = version.partition("+")[0].partition("-")[0]
    assert newest([release, f"{release}-{identifier}"]) == release


@given(st.lists(versions() | NAME, min_size=1, max_size=8), st.data())
def test_the_newest_is_one_of_them_in_whatever_order(names: list[str], data: st.DataObject) -> None:
    assert newest(data.draw(st.permutations(names))) == newest(names)
    assert newest(names) in names


@given(st.tuples(NUMBER, NUMBER, NUMBER), st.tuples(NUMBER, NUMBER, NUMBER))
def test_releases_are_ordered_by_their_numbers(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    text = {numbers: "v" + ".".join(map(str, numbers)) for numbers in (one, other)}
    assert newest(text.values()) == text[max(one, other)]
