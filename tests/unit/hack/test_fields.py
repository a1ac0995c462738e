"""The history of the fields is complete, and what is planned is not there yet."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.crd import definition_of
from hack.fields import Change, Place, Planned, changes, fields_page, places, planned
from hack.generate import ROOT
from hack.schema import Schema, kind_schema
from kapsa.models import KINDS

FIELDS = {place.id for place in places()}
FRAGMENTS = ROOT / "docs" / "changelog.d"
NUMBERED = [pytest.param(change, id=change.number) for change in changes()]


def fields_of(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every field below a schema, by its path."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields_of(f"{path}.{name}", field.get("items", field))


def plain_path(place: Place) -> str:
    """Return the path of a field, with its kind and without the marks of lists."""
    return f"{place.kind}.{place.path.replace('[]', '')}"


IN_CRDS = {
    path: schema
    for model in KINDS
    for path, schema in fields_of(definition_of(model).kind, kind_schema(model))
    if ".metadata" not in path
}


def test_every_field_came_with_exactly_one_change() -> None:
    named = Counter(identity for change in changes() for identity in change.fields)

    assert FIELDS - set(named) == set()
    assert {identity for identity, count in named.items() if count > 1} == set()


@pytest.mark.parametrize("change", NUMBERED)
def test_a_change_names_no_field_that_is_gone(change: Change) -> None:
    assert (change.fields | set(change.values)) - FIELDS == set()


@pytest.mark.parametrize("change", NUMBERED)
def test_the_values_of_a_change_exist_and_are_of_fields_that_came_before(change: Change) -> None:
    schemas = {place.id: IN_CRDS[plain_path(place)] for place in places()}

    for identity, values in change.values.items():
        assert identity not in change.fields
        assert set(values) < set(schemas[identity]["enum"])


def test_the_fields_of_the_history_are_those_of_the_crds() -> None:
    assert {plain_path(place) for place in places()} == set(IN_CRDS)


@pytest.mark.parametrize("change", NUMBERED)
def test_a_change_is_called_as_its_fragment_begins(change: Change) -> None:
    # A release takes the fragments away.
    for fragment in FRAGMENTS.glob(f"{change.number}.*.md"):
        text = " ".join(Path(fragment).read_text(encoding="utf-8").split())
        assert text.startswith(change.title)


@pytest.mark.parametrize("item", [pytest.param(item, id=item.what) for item in planned()])
def test_what_is_planned_is_not_there_yet(item: Planned) -> None:
    for entry in item.paths:
        path, _, value = entry.partition(": ")
        if value:
            assert value not in IN_CRDS[path]["enum"]
        else:
            assert path not in IN_CRDS
            assert path.split(".")[0] in {definition_of(model).kind for model in KINDS}


def test_the_page_lists_a_new_field_without_what_is_in_it_and_new_values() -> None:
    lines = fields_page().splitlines()

    assert "## Change 4: The API explains itself and refuses nonsense" in lines
    assert "| Project | `spec.runtime.probes` |  |" in lines
    assert not [line for line in lines if "`spec.runtime.probes." in line]
    assert "| DomainPool | `spec.naming` | `nested` |" in lines


def test_the_page_lists_what_a_kind_has_in_several_places_once() -> None:
    assert fields_page().count("runtime.probes`") == 2  # of Project and of Environment
