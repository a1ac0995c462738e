"""The namespace of builds: made, kept as it should be, and no stranger's taken."""

from typing import Any

import pytest

from kapsa.adapters.errors import Stalled
from kapsa.config import Settings
from kapsa.controllers.builds.namespace import BuildNamespace
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from tests.fakes import FakeCluster

NAME = "kapsa-builds"


class Rig:
    """A cluster, and who sees to the namespace."""

    def __init__(self) -> None:
        self.cluster, self.state = FakeCluster(), State()
        self.cluster.feed(*self.state.all)
        self.home = BuildNamespace(
            self.state,
            Applier(self.cluster, self.state),
            NAME,
            Settings().build_egress_except,
        )

    async def see_to(self) -> Blocked | None:
        return await self.home.see_to()

    def ports(self) -> list[int]:
        """Return at which ports builds reach the world."""
        policy = self.cluster.live("NetworkPolicy", "kapsa", NAME)
        return [item["port"] for item in policy["spec"]["egress"][1]["ports"]]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def registry(endpoint: str) -> dict[str, Any]:
    name = endpoint.partition(":")[0]
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "Registry",
        "metadata": {"name": name},
        "spec": {"endpoint": endpoint},
    }


async def test_it_is_made_with_its_policy_and_then_left_as_it_is(rig: Rig) -> None:
    assert await rig.see_to() is None
    assert rig.cluster.verbs() == [
        f"apply Namespace {NAME}",
        f"apply NetworkPolicy {NAME}/kapsa",
    ]
    assert await rig.see_to() is None
    assert len(rig.cluster.writes) == 2


async def test_what_is_deleted_by_hand_comes_back(rig: Rig) -> None:
    await rig.see_to()
    rig.cluster.remove("NetworkPolicy", "kapsa", NAME)
    rig.cluster.remove("Namespace", NAME)
    assert await rig.see_to() is None
    assert rig.cluster.has("Namespace", NAME)
    assert rig.cluster.has("NetworkPolicy", "kapsa", NAME)


async def test_a_policy_that_somebody_opens_is_closed_again(rig: Rig) -> None:
    await rig.see_to()
    before = rig.cluster.live("NetworkPolicy", "kapsa", NAME)
    rig.cluster.put({**before, "spec": {**before["spec"], "egress": [{}]}})
    await rig.see_to()
    assert rig.cluster.live("NetworkPolicy", "kapsa", NAME)["spec"] == before["spec"]


@pytest.mark.parametrize("own", [{}, dict(labels.MANAGED), {labels.BUILDS: "true"}])
async def test_a_namespace_that_is_not_for_builds_is_left_alone(
    rig: Rig, own: dict[str, str]
) -> None:
    before = rig.cluster.put({"kind": "Namespace", "metadata": {"name": NAME, "labels": own}})
    blocked = await rig.see_to()
    assert blocked is not None
    assert (blocked.reason, blocked.stalled) == ("NamespaceConflict", True)
    assert NAME in blocked.message
    assert rig.cluster.live("Namespace", NAME) == before
    assert not rig.cluster.writes


async def test_a_strangers_policy_is_left_alone_and_nothing_is_built(rig: Rig) -> None:
    theirs = {"kind": "NetworkPolicy", "metadata": {"name": "kapsa", "namespace": NAME}}
    before = rig.cluster.put(theirs)
    blocked = await rig.see_to()
    assert blocked is not None
    assert blocked.reason == "NameConflict"
    assert rig.cluster.live("NetworkPolicy", "kapsa", NAME) == before


async def test_one_that_is_on_its_way_out_is_waited_for(rig: Rig) -> None:
    await rig.see_to()
    live = rig.cluster.live("Namespace", NAME)
    going = {**live["metadata"], "deletionTimestamp": "2026-01-02T03:04:05Z"}
    rig.cluster.put({**live, "metadata": going})
    blocked = await rig.see_to()
    assert blocked is not None
    assert (blocked.reason, blocked.stalled) == ("NamespaceTerminating", False)
    assert blocked.retry_after


async def test_a_refusal_is_told(rig: Rig) -> None:
    rig.cluster.fail(Stalled("ApplyRefused", "no"), "apply", "NetworkPolicy")
    blocked = await rig.see_to()
    assert blocked is not None
    assert blocked.reason == "ApplyRefused"


async def test_registries_are_reached_at_their_ports(rig: Rig) -> None:
    rig.cluster.put(registry("one.example.com"), registry("two.example.com:5000"))
    await rig.see_to()
    assert rig.ports() == [22, 80, 443, 5000]
