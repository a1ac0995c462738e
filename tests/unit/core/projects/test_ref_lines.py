"""The output of `git ls-remote`, read."""

import pytest

from kapsa.core.projects.listings import RefListing
from kapsa.core.projects.ref_lines import read_refs
from tests.builders import sha

A, B, TAG = sha("a"), sha("b"), sha("tag")


def lines(*refs: tuple[str, str]) -> bytes:
    return "".join(f"{commit}\t{ref}\n" for commit, ref in refs).encode()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(
            lines(
                (A, "refs/heads/main"),
                (B, "refs/pull/7/head"),
                (B, "refs/merge-requests/8/head"),
                (A, "refs/tags/v1"),
            ),
            RefListing({"main": A}, True, {7: B, 8: B}, {"v1": A}),
            id="branches-pull-requests-and-tags",
        ),
        pytest.param(
            lines((TAG, "refs/tags/v1"), (A, "refs/tags/v1^{}"), (B, "refs/tags/v2")),
            RefListing({}, True, {}, {"v1": A, "v2": B}),
            id="an-annotated-tag-by-its-commit",
        ),
        pytest.param(
            lines((A, "refs/tags/v1^{}"), (TAG, "refs/tags/v1")),
            RefListing({}, True, {}, {"v1": A}),
            id="in-whatever-order",
        ),
        pytest.param(
            lines((A, "HEAD"), (A, "refs/heads/main")),
            RefListing({"main": A}, False),
            id="with-a-line-that-is-no-ref",
        ),
        pytest.param(
            lines((TAG, "refs/tags/v1"), (A, "refs/tags/v1^{}"))[:-1],
            RefListing({}, False, {}, {"v1": TAG}),
            id="broken-off",
        ),
        pytest.param(
            lines((A, "refs/notes/x"), (A, "refs/tags/"), (A, "refs/pull/0/head")),
            RefListing({}, True),
            id="nothing-that-counts",
        ),
    ],
)
def test_read_refs(output: bytes, expected: RefListing) -> None:
    assert read_refs(output) == expected
