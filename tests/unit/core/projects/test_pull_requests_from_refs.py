"""Open pull requests of a server that shows them through its refs alone."""

import pytest

from kapsa.core.projects.listings import RefListing
from kapsa.core.projects.previews import pull_requests_from_refs

MAIN = frozenset({"main"})


@pytest.mark.parametrize(
    ("branches", "heads", "expected"),
    [
        pytest.param(
            {"main": "1", "a": "2"}, {7: "2"}, {7: "a"}, id="open-while-a-branch-is-there"
        ),
        pytest.param({"main": "1"}, {7: "2"}, {}, id="closed-when-its-branch-is-gone"),
        pytest.param({"main": "1", "a": "3"}, {7: "2"}, {}, id="closed-when-its-branch-moved-on"),
        pytest.param({"main": "2"}, {7: "2"}, {}, id="merged-by-fast-forward"),
        pytest.param({"main": "2", "a": "2"}, {7: "2"}, {}, id="merged-though-its-branch-is-kept"),
        pytest.param(
            {"main": "1", "b": "2", "a": "2"},
            {7: "2"},
            {7: "a"},
            id="the-first-of-several-branches",
        ),
        pytest.param({"main": "1", "a": "2"}, {}, {}, id="none"),
    ],
)
def test_pull_requests_from_refs(
    branches: dict[str, str], heads: dict[int, str], expected: dict[int, str]
) -> None:
    listing = pull_requests_from_refs(RefListing(branches, True, heads), MAIN)

    assert {item.number: item.head for item in listing.items} == expected
    assert listing.certain


@pytest.mark.parametrize(
    "refs",
    [
        pytest.param(RefListing({}, True), id="without-any-branch"),
        pytest.param(RefListing({"main": "1"}, False), id="incomplete"),
    ],
)
def test_refs_that_are_no_proof_prove_no_pull_request_closed(refs: RefListing) -> None:
    assert not pull_requests_from_refs(refs, MAIN).certain
