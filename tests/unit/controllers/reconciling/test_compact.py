"""What caches hold: equal to what was read, in less memory, and understood once."""

import json
from typing import Any

from kapsa.controllers.reconciling.compact import held, lighten
from kapsa.controllers.state import State, parse
from kapsa.models import Environment
from tests.builders import condition, environment_manifest


def read() -> Any:
    """Return an object as it comes from the API server: every text in it is its own."""
    manifest = environment_manifest(
        image="registry.example.com/shop:1", status={"conditions": [condition("Ready")]}
    )
    return json.loads(json.dumps(manifest))


def test_what_is_held_is_equal_to_what_was_read() -> None:
    manifest = {**read(), "spec": {"a": [1, 2.5, None, True, {"b": "c"}], "d": {}}}
    assert held(manifest) == manifest
    assert json.dumps(held(manifest)) == json.dumps(manifest)


def test_texts_of_different_objects_are_the_same() -> None:
    first, second = read(), read()
    assert first["spec"]["image"] is not second["spec"]["image"]
    assert held(first)["spec"]["image"] is held(second)["spec"]["image"]
    keys = [next(iter(held(one)["spec"])) for one in (first, second)]
    assert keys[0] is keys[1]


def test_texts_without_end_are_not_remembered_without_end() -> None:
    for number in range(30_000):
        held({"uid": f"uid-{number}"})
    texts = held.__globals__["_texts"]
    assert len(texts) <= 10_000


def test_models_share_the_names_of_their_fields_and_stay_as_they_are() -> None:
    first, second = (Environment.model_validate(read()) for _ in range(2))
    for model in (first, second):
        lighten(model)
    assert first == second == Environment.model_validate(read())
    assert first.model_fields_set is second.model_fields_set
    (ready,), (also,) = first.status.conditions, second.status.conditions
    assert ready.model_fields_set is also.model_fields_set
    changed = first.model_copy(update={"status": second.status})
    assert "status" in changed.model_fields_set
    assert first.spec.model_dump(exclude_unset=True) == second.spec.model_dump(exclude_unset=True)


def test_a_copy_of_a_lightened_model_has_names_of_its_own() -> None:
    first, second = (Environment.model_validate(read()) for _ in range(2))
    for model in (first, second):
        lighten(model)
    copied = first.spec.model_copy(update={"branch": "other"})
    assert "branch" in copied.model_fields_set
    assert "branch" not in second.spec.model_fields_set


def test_an_object_in_a_cache_is_parsed_once_and_anew_when_it_changes() -> None:
    cache = State().environments
    cache.observe("ADDED", read())
    live = cache.get("team-a", "web")
    assert live is not None
    assert parse(Environment, live) is parse(Environment, live)
    changed = read()
    changed["spec"]["image"] = "registry.example.com/shop:2"
    cache.observe("MODIFIED", changed)
    now = cache.get("team-a", "web")
    assert now is not None
    parsed = parse(Environment, now)
    assert isinstance(parsed, Environment)
    assert parsed.spec.image == "registry.example.com/shop:2"


def test_what_was_made_from_a_held_object_is_parsed_as_it_is() -> None:
    live = held(read())
    parse(Environment, live)
    made = parse(Environment, {**live, "spec": {"image": "registry.example.com/shop:3"}})
    assert isinstance(made, Environment)
    assert made.spec.image == "registry.example.com/shop:3"
