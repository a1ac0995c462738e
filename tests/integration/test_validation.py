"""What the API server refuses, where, and in which words."""

from collections.abc import Iterator

import pytest

import lab
from kapsa.models import KINDS, Model
from tests.integration.dry_run import DryRun, dry_runs
from tests.manifests.cases import INVALID, TYPOS, UPDATES, is_around
from tests.manifests.invalid import Invalid, InvalidUpdate
from tests.manifests.typos import Typo
from tests.manifests.valid import FULL, MINIMAL, Manifest, manifest_of

VALID = [(kind, spec) for kind in KINDS for spec in (MINIMAL[kind], *FULL[kind])]


@pytest.fixture(scope="module")
def server(platform: lab.Platform) -> Iterator[DryRun]:
    with dry_runs(platform.api_server) as found:
        yield found


@pytest.mark.parametrize("case", INVALID, ids=str)
def test_an_invalid_manifest_is_refused_at_its_field_in_words_that_help(
    server: DryRun, case: Invalid
) -> None:
    answer = server.create(case.manifest)

    assert (case.path, case.message) in answer.causes
    assert [field for field, _ in answer.causes if not is_around(field, case.path)] == []


@pytest.mark.parametrize("case", UPDATES, ids=str)
def test_a_change_of_what_can_not_be_changed_is_refused(
    server: DryRun, case: InvalidUpdate
) -> None:
    stored = server.create(case.before, store=True)
    assert stored.accepted, stored.causes
    try:
        metadata = stored.body["metadata"]
        answer = server.update({**case.after, "metadata": metadata})
        unchanged = server.update({**case.before, "metadata": {**metadata, "labels": {"a": "b"}}})
    finally:
        server.delete(case.before)

    assert answer.causes == ((case.path, case.message),)
    assert unchanged.accepted, unchanged.causes


@pytest.mark.parametrize("case", TYPOS, ids=str)
def test_a_field_that_nobody_knows_is_refused_by_its_path(server: DryRun, case: Typo) -> None:
    answer = server.create(case.manifest)

    assert answer.status == 400
    assert f'unknown field "{case.path}"' in answer.body["message"]


@pytest.mark.parametrize(("kind", "spec"), VALID)
def test_what_is_applied_means_the_same_when_it_comes_back(
    server: DryRun, kind: type[Model], spec: Manifest
) -> None:
    written = manifest_of(kind, spec)
    answer = server.create(written)

    assert answer.accepted, answer.causes
    assert kind.model_validate(answer.body).spec == kind.model_validate(written).spec  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "spec"), VALID)
def test_the_canonical_form_comes_back_as_it_was_written(
    server: DryRun, kind: type[Model], spec: Manifest
) -> None:
    canonical = kind.model_validate(manifest_of(kind, spec)).to_json()
    written = manifest_of(kind, canonical.get("spec", {}))

    answer = server.create(written)

    assert answer.accepted, answer.causes
    assert answer.body["spec"] == written["spec"]


@pytest.mark.parametrize(("kind", "spec"), [(kind, spec) for kind in KINDS for spec in FULL[kind]])
def test_nothing_is_added_to_a_manifest_that_says_everything(
    server: DryRun, kind: type[Model], spec: Manifest
) -> None:
    assert server.create(manifest_of(kind, spec)).body["spec"] == spec
