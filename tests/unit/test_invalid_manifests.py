"""The table of invalid manifests is complete, and is refused without a cluster as with one.

What the API server says of each is in tests/integration/test_validation.py.
"""

from collections import Counter

import pytest

from kapsa.cli.validation.check import find_problems
from kapsa.models import KINDS, Model
from tests.manifests.cases import INVALID, TYPOS, UPDATES, is_around
from tests.manifests.constraints import RULES, all_constraints, nodes_below, root_of
from tests.manifests.invalid import Invalid, InvalidUpdate
from tests.manifests.patterns import WRONG
from tests.manifests.places import all_places
from tests.manifests.rules import ROOT
from tests.manifests.typos import Typo
from tests.manifests.valid import FULL, MINIMAL, manifest_of


def test_each_constraint_of_a_spec_is_broken_by_a_case() -> None:
    broken = {case.breaks for case in INVALID} | {case.breaks for case in UPDATES}
    missing = [
        f"{where}: {constraint}"
        for constraint, where in all_constraints().items()
        if constraint not in broken
    ]

    assert missing == []


def test_the_largest_manifests_have_each_field() -> None:
    said = {place.node.within for place in all_places()}
    missing = [
        f"{kind.__name__} {node.path}"
        for kind in KINDS
        for node in nodes_below(root_of(kind))
        if node.within not in said
    ]

    assert missing == []


def test_no_pattern_of_the_table_is_one_that_is_gone() -> None:
    messages = {found.detail for found in all_constraints() if found.keyword == RULES}

    assert set(WRONG) <= messages


def test_each_case_has_a_name_of_its_own() -> None:
    names = Counter(map(str, (*INVALID, *UPDATES, *TYPOS)))

    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("case", INVALID, ids=str)
def test_an_invalid_manifest_is_found_without_a_cluster_at_the_same_field(case: Invalid) -> None:
    found = [problem.path for problem in find_problems(case.manifest)]

    assert plain(case.path) in map(plain, found)
    assert [path for path in found if not is_around(path or ROOT, case.path)] == []


@pytest.mark.parametrize("case", TYPOS, ids=str)
def test_a_field_that_nobody_knows_is_found_without_a_cluster(case: Typo) -> None:
    found = {problem.path: problem.message for problem in find_problems(case.manifest)}

    assert "unknown field" in found[case.path]


@pytest.mark.parametrize("case", UPDATES, ids=str)
def test_a_change_that_is_refused_is_one_between_valid_objects(case: InvalidUpdate) -> None:
    assert find_problems(case.before) == []
    assert find_problems(case.after) == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_found_in_a_valid_manifest(kind: type[Model]) -> None:
    for spec in (MINIMAL[kind], *FULL[kind]):
        assert find_problems(manifest_of(kind, spec)) == []


def plain(path: str) -> str:
    """Return a path in one spelling: the API server writes keys of maps in two ways."""
    return "" if path == ROOT else path.replace("[", ".").replace("]", "")
