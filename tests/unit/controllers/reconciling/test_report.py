"""The one exit of statuses."""

from typing import Any

import pytest
from pydantic import ValidationError

from kapsa.adapters.errors import Waiting
from kapsa.controllers.state import parse
from kapsa.models import Environment
from kapsa.models.environment import EnvironmentStatus
from tests.builders import condition, environment_manifest
from tests.unit.controllers.world import World

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"


@pytest.fixture
async def world() -> World:
    return World()


async def write(world: World, new: EnvironmentStatus, previous: EnvironmentStatus) -> None:
    live = world.state.environments.get("team-a", "web")
    assert live is not None
    await world.reporter.report(world.state.environments, live, new=new, previous=previous)


async def test_a_status_is_written_once_and_seen_at_once(world: World) -> None:
    world.cluster.put(environment_manifest())
    world.cluster.watch_is_late = True
    await write(world, EnvironmentStatus(phase="Running"), EnvironmentStatus())
    cached = world.state.environments.get("team-a", "web")
    assert cached is not None
    assert cached["status"] == {"observedGeneration": 0, "phase": "Running"}
    assert world.written() == ["status Environment team-a/web"]


async def test_what_says_nothing_new_is_not_written(world: World) -> None:
    world.cluster.put(environment_manifest())
    await write(world, EnvironmentStatus(phase="Running"), EnvironmentStatus(phase="Running"))
    assert world.written() == []


async def test_the_status_of_what_was_made_anew_meanwhile_is_not_written(world: World) -> None:
    world.cluster.put(environment_manifest())
    world.cluster.watch_is_late = True
    world.cluster.remove("Environment", "web", "team-a")
    world.cluster.put(environment_manifest(metadata={"uid": "second"}))
    with pytest.raises(Waiting):
        await write(world, EnvironmentStatus(phase="Running"), EnvironmentStatus())
    assert world.status("Environment", "web", "team-a") == {}


async def tell(world: World, now: str = NOW, **changes: Any) -> None:
    world.cluster.put(environment_manifest(**{"type": "imaginary", **changes}))
    live = world.state.environments.get("team-a", "web")
    assert live is not None
    error = parse(Environment, live)
    assert isinstance(error, ValidationError)
    await world.reporter.report_invalid(world.state.environments, live, error, now)


async def test_what_is_wrong_with_an_object_is_said_by_its_field(world: World) -> None:
    await tell(world)
    ready, stalled = world.status("Environment", "web", "team-a")["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", "InvalidSpec")
    assert (stalled["type"], stalled["status"]) == ("Stalled", "True")
    assert "spec.type: Input should be 'permanent' or 'preview'" in ready["message"]


async def test_it_is_said_once(world: World) -> None:
    await tell(world)
    world.written()
    live = world.state.environments.get("team-a", "web")
    assert live is not None
    error = parse(Environment, live)
    assert isinstance(error, ValidationError)
    await world.reporter.report_invalid(world.state.environments, live, error, LATER)
    assert world.written() == []


async def test_the_rest_of_the_status_is_kept(world: World) -> None:
    await tell(world, status={"host": "a.example.com", "conditions": [condition("Ready")]})
    assert world.status("Environment", "web", "team-a")["host"] == "a.example.com"


@pytest.mark.parametrize("stored", [[{"type": "Ready"}], [None], "?"], ids=repr)
async def test_conditions_that_make_no_sense_are_replaced(world: World, stored: Any) -> None:
    await tell(world, status={"conditions": stored})
    assert world.condition("Ready", "Environment", "web", "team-a") == ("False", "InvalidSpec")


async def test_a_value_that_somebody_wrote_is_on_one_line_and_bounded(world: World) -> None:
    await tell(world, commit="x\n" * 5000)
    for item in world.status("Environment", "web", "team-a")["conditions"]:
        assert len(item["message"]) <= 1024
        assert "\n" not in item["message"]
