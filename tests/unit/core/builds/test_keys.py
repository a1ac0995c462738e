"""The key of a build: the same for what gives the same image, another for anything else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.core.builds.keys import (
    build_key,
    cache_of,
    is_built_so,
    key_of,
    names_paths,
    reference_of,
    source_digest,
)
from kapsa.models.build import Build
from kapsa.utils.image_reference import parse_reference

REPOSITORY = "registry.example.com/acme/shop"
FILES = (("README.md", "100644 aa"), ("docs/guide.md", "100644 bb"), ("src/main.go", "100644 cc"))


def build(**fields: Any) -> Build:
    return Build.model_validate({"strategy": "dockerfile", **fields})


def key(changes: dict[str, Any] | None = None, source: str = "") -> str:
    given = build(**(changes or {}))
    return build_key(given, source or source_digest("tree", FILES, given))


@pytest.mark.parametrize(
    "changes",
    [
        {"dockerfile": "Dockerfile.web"},
        {"context": "web"},
        {"args": [{"name": "A", "value": "1"}]},
        {"paths": {"exclude": ["docs/*"]}},
        {"strategy": "buildpack"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_the_image_shows_of_the_build_is_in_the_key(changes: dict[str, Any]) -> None:
    assert key(changes) != key()


@pytest.mark.parametrize(
    "changes", [{"timeout": "1h"}, {"dockerfile": "Dockerfile"}, {"context": "."}]
)
def test_what_changes_nothing_of_the_image_is_not_in_the_key(changes: dict[str, Any]) -> None:
    assert key(changes) == key()


def test_the_order_of_arguments_does_not_count() -> None:
    one = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert key({"args": one}) == key({"args": one[::-1]})


def test_without_paths_the_tree_alone_decides() -> None:
    assert source_digest("tree", (), build()) == source_digest("tree", FILES, build())
    assert source_digest("tree", (), build()) != source_digest("other", (), build())


def test_with_paths_a_change_of_an_excluded_file_gives_the_same_key() -> None:
    given = build(paths={"exclude": ["docs/*", "*.md"]})
    changed = (*FILES[:1], ("docs/guide.md", "100644 dd"), ("NEWS.md", "100644 ee"), FILES[2])
    assert names_paths(given)
    assert source_digest("old", FILES, given) == source_digest("new", changed, given)


@pytest.mark.parametrize(
    "changed",
    [(*FILES[:2], ("src/main.go", "100644 dd")), (*FILES, ("src/new.go", "100644 cc")), FILES[:2]],
    ids=["changed", "added", "removed"],
)
def test_with_paths_a_change_of_an_included_file_gives_another_key(
    changed: tuple[tuple[str, str], ...],
) -> None:
    given = build(paths={"include": ["src/*"]})
    assert source_digest("tree", FILES, given) != source_digest("tree", changed, given)


@given(st.text(min_size=1), st.text(max_size=40))
def test_the_tag_is_valid_for_any_source_and_gives_the_key_back(tree: str, value: str) -> None:
    given = build(args=[{"name": "A", "value": value}])
    made = build_key(given, source_digest(tree, (), given))
    reference = reference_of(REPOSITORY, made)
    assert parse_reference(reference).repository == REPOSITORY
    assert key_of(reference) == made
    assert len(made) <= 63


def test_a_tag_tells_whether_it_was_built_so() -> None:
    reference = reference_of(REPOSITORY, key())
    assert is_built_so(reference, REPOSITORY, build())
    assert not is_built_so(reference, REPOSITORY, build(dockerfile="Other"))
    assert not is_built_so(reference, f"{REPOSITORY}2", build())
    assert not is_built_so("", REPOSITORY, build())
    assert not is_built_so(cache_of(REPOSITORY), REPOSITORY, build())
