"""The applier: what it writes, what it leaves alone, and when it gives up."""

import copy
from typing import Any

import pytest

from kapsa.adapters.api_errors import Conflict
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Manifest
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.drift import stamp
from kapsa.core.manifests.namespace import namespace
from kapsa.models.reasons import Reason
from tests.builders import environment_manifest, project, uid
from tests.fakes import FakeCluster

OWNER = uid("Environment", "web", "team-a")


def deployment(image: str = "a@sha256:1", owner: str = OWNER, **spec: Any) -> Manifest:
    reference = labels.owner_reference("kapsa-project.io/v1alpha1", "Environment", "web", owner)
    return stamp(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "web",
                "namespace": "team-a",
                "labels": dict(labels.MANAGED),
                "ownerReferences": [reference],
            },
            "spec": {"image": image, **spec},
        }
    )


def mine(live: Manifest) -> bool:
    return labels.is_owned_by(live, OWNER)


class Rig:
    def __init__(self) -> None:
        self.cluster, self.state = FakeCluster(), State()
        self.cluster.feed(*self.state.all)
        self.applier = Applier(self.cluster, self.state)

    async def apply(self, manifest: Manifest) -> Manifest:
        return await self.applier.apply(manifest, mine)

    async def refusal(self, manifest: Manifest) -> AdapterError:
        with pytest.raises(AdapterError) as raised:
            await self.apply(manifest)
        return raised.value

    def live(self) -> Manifest:
        return self.cluster.live("Deployment", "web", "team-a")


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_what_is_missing_is_applied_after_a_look_and_without_a_uid(rig: Rig) -> None:
    await rig.apply(deployment())
    assert rig.cluster.reads == ["get Deployment web"]
    assert [(str(write), write.uid) for write in rig.cluster.writes] == [
        ("apply Deployment team-a/web", "")
    ]
    assert rig.state.deployments.get("team-a", "web") is not None


async def test_nothing_is_written_when_nothing_differs(rig: Rig) -> None:
    await rig.apply(deployment())
    rig.cluster.writes.clear()
    rig.cluster.reads.clear()
    for _ in range(3):
        await rig.apply(deployment())
    assert rig.cluster.writes == []
    assert rig.cluster.reads == []


async def test_a_restart_writes_nothing(rig: Rig) -> None:
    await rig.apply(deployment())
    again = State()
    rig.cluster.feed(*again.all)
    rig.cluster.writes.clear()
    await Applier(rig.cluster, again).apply(deployment(), mine)
    assert rig.cluster.writes == []


async def test_what_others_add_is_left_alone(rig: Rig) -> None:
    await rig.apply(deployment())
    live = rig.live()
    live["spec"]["replicas"] = 3
    live["metadata"]["annotations"]["theirs"] = "x"
    rig.cluster.put(live)
    rig.cluster.writes.clear()
    await rig.apply(deployment())
    assert rig.cluster.writes == []


async def test_drift_is_put_right_in_the_object_that_is_meant(rig: Rig) -> None:
    await rig.apply(deployment())
    live = rig.live()
    live["spec"]["image"] = "evil"
    rig.cluster.put(live)
    await rig.apply(deployment())
    assert rig.live()["spec"]["image"] == "a@sha256:1"
    assert rig.cluster.writes[-1].uid == live["metadata"]["uid"]


async def test_a_field_that_is_not_wanted_any_more_is_given_up(rig: Rig) -> None:
    await rig.apply(deployment(paused=True))
    await rig.apply(deployment())
    assert "paused" not in rig.cluster.writes[-1].body["spec"]
    assert len(rig.cluster.writes) == 2


def owned_by_kapsa(live: Manifest) -> Manifest:
    """Return the Deployment with the record that Kapsa set its number of pods."""
    owner = {
        "manager": "kapsa",
        "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }
    return {**live, "metadata": {**live["metadata"], "managedFields": [owner]}}


async def test_the_number_of_pods_is_held_by_another_before_it_is_left_out(rig: Rig) -> None:
    await rig.apply(deployment(replicas=3))
    live = rig.cluster.put(owned_by_kapsa(rig.live()))
    rig.cluster.writes.clear()
    await rig.apply(deployment())
    held, applied = rig.cluster.writes
    assert (held.verb, held.uid, held.body["spec"]) == (
        "hold",
        live["metadata"]["uid"],
        {"replicas": 3},
    )
    assert applied.verb == "apply"
    assert "replicas" not in applied.body["spec"]


async def test_what_only_counts_at_first_is_applied_once(rig: Rig) -> None:
    await rig.applier.apply(deployment(), mine, at_first=deployment_that_begins_with(2))
    assert rig.live()["spec"]["replicas"] == 2
    await rig.applier.apply(deployment(), mine, at_first=deployment_that_begins_with(3))
    assert rig.cluster.verbs() == ["apply Deployment team-a/web"]


def deployment_that_begins_with(replicas: int) -> Manifest:
    """Return the Deployment with a number of pods that its stamp doesn't know of."""
    stamped = deployment()
    return {**stamped, "spec": {**stamped["spec"], "replicas": replicas}}


async def test_a_number_that_others_set_is_theirs_already(rig: Rig) -> None:
    await rig.apply(deployment(image="old"))
    live = rig.live()
    live["spec"]["replicas"] = 3
    rig.cluster.put(live)
    rig.cluster.writes.clear()
    await rig.apply(deployment())
    assert rig.cluster.verbs() == ["apply Deployment team-a/web"]


async def test_the_owner_is_asked_for_only_where_pods_could_be_lost(rig: Rig) -> None:
    await rig.apply(deployment(replicas=1))
    rig.cluster.reads.clear()
    await rig.apply(deployment())
    assert rig.cluster.reads == []


async def test_pods_are_not_lost_where_somebody_scales_in_between(rig: Rig) -> None:
    await rig.apply(deployment(replicas=3))
    rig.cluster.put(owned_by_kapsa(rig.live()))
    rig.cluster.writes.clear()
    rig.cluster.fail(Conflict("Reconciling", "somebody else set it", 1.0), "hold")
    assert isinstance(await rig.refusal(deployment()), Waiting)
    assert [write.verb for write in rig.cluster.writes] == ["hold"]


async def test_a_strangers_object_is_untouched(rig: Rig) -> None:
    stranger = deployment()
    stranger["metadata"] = {"name": "web", "namespace": "team-a"}
    before = rig.cluster.put(stranger)
    error = await rig.refusal(deployment())
    assert isinstance(error, Stalled)
    assert error.reason == "NameConflict"
    assert "Deployment web in namespace team-a" in error.message
    assert rig.live() == before
    assert rig.cluster.writes == []


async def test_what_a_former_namesake_left_is_waited_for_until_it_is_collected(rig: Rig) -> None:
    rig.cluster.put(deployment(owner="uid-of-the-former"))
    error = await rig.refusal(deployment())
    assert isinstance(error, Waiting)
    assert error.reason == "NamePending"
    assert rig.cluster.writes == []


async def test_the_object_of_another_environment_is_untouched(rig: Rig) -> None:
    other = rig.cluster.put(environment_manifest("other"))
    rig.cluster.put(deployment(owner=other["metadata"]["uid"]))
    assert (await rig.refusal(deployment())).reason == "NameConflict"
    assert rig.cluster.writes == []


async def test_a_strangers_namespace_has_a_reason_of_its_own(rig: Rig) -> None:
    manifest = stamp(namespace(project()))
    rig.cluster.put({**manifest, "metadata": {"name": manifest["metadata"]["name"]}})
    with pytest.raises(Stalled) as raised:
        await rig.applier.apply(
            manifest, lambda live: labels.is_owned_by(live, "x"), Reason.NAMESPACE_CONFLICT
        )
    assert raised.value.reason == "NamespaceConflict"
    assert "in namespace" not in raised.value.message


async def test_an_object_whose_label_somebody_took_off_is_adopted_again(rig: Rig) -> None:
    await rig.apply(deployment())
    live = rig.live()
    del live["metadata"]["labels"][labels.MANAGED_BY]
    rig.cluster.put(live)
    assert rig.state.deployments.get("team-a", "web") is None
    await rig.apply(deployment())
    assert rig.live()["metadata"]["labels"] == dict(labels.MANAGED)
    assert rig.live()["metadata"]["uid"] == live["metadata"]["uid"]
    assert rig.state.deployments.get("team-a", "web") is not None


async def test_what_was_deleted_and_made_anew_by_others_while_the_watch_is_late(rig: Rig) -> None:
    await rig.apply(deployment())
    rig.cluster.watch_is_late = True
    rig.cluster.remove("Deployment", "web", "team-a")
    stranger = deployment(image="theirs")
    stranger["metadata"] = {"name": "web", "namespace": "team-a"}
    rig.cluster.put(stranger)
    error = await rig.refusal(deployment(image="new"))
    assert isinstance(error, Waiting), "the UID did not fit: look again"
    assert rig.live()["spec"]["image"] == "theirs"
    rig.cluster.catch_up()
    assert (await rig.refusal(deployment(image="new"))).reason == "NameConflict"


async def test_an_object_that_is_being_deleted_is_left_to_go(rig: Rig) -> None:
    await rig.apply(deployment())
    live = rig.live()
    live["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x"]}
    rig.cluster.put(live)
    rig.cluster.writes.clear()
    assert (await rig.apply(deployment()))["metadata"]["deletionTimestamp"]
    assert rig.cluster.writes == []


def rewriting(manifest: Manifest) -> Manifest:
    changed = copy.deepcopy(manifest)
    if changed["kind"] == "Deployment":
        changed["spec"]["image"] = "mirror/" + changed["spec"]["image"].removeprefix("mirror/")
    return changed


async def test_a_webhook_that_rewrites_is_given_up_after_two_tries(rig: Rig) -> None:
    rig.cluster.admission = rewriting
    await rig.apply(deployment())
    error = await rig.refusal(deployment())
    assert (error.reason, len(rig.cluster.writes)) == ("NotConverging", 2)
    assert "spec.image" in error.message
    for _ in range(5):
        assert (await rig.refusal(deployment())).reason == "NotConverging"
    assert len(rig.cluster.writes) == 2, "it rests"


async def test_it_tries_again_when_the_object_changes(rig: Rig) -> None:
    rig.cluster.admission = rewriting
    await rig.apply(deployment())
    await rig.refusal(deployment())
    rig.cluster.admission = lambda manifest: manifest
    live = rig.live()
    live["spec"]["replicas"] = 2
    rig.cluster.put(live)
    await rig.apply(deployment())
    assert rig.live()["spec"]["image"] == "a@sha256:1"


async def test_it_tries_again_when_something_else_is_wanted(rig: Rig) -> None:
    rig.cluster.admission = rewriting
    await rig.apply(deployment())
    await rig.refusal(deployment())
    await rig.apply(deployment(image="b@sha256:2"))
    assert (await rig.refusal(deployment(image="b@sha256:2"))).reason == "NotConverging"
    assert len(rig.cluster.writes) == 4


async def test_what_converged_once_has_two_tries_again(rig: Rig) -> None:
    rig.cluster.admission = rewriting
    await rig.apply(deployment())
    rig.cluster.admission = lambda manifest: manifest
    await rig.apply(deployment())
    rig.cluster.admission = rewriting
    await rig.apply(deployment(image="c"))
    assert (await rig.refusal(deployment(image="c"))).reason == "NotConverging"


async def test_objects_that_never_converged_are_not_remembered_for_ever(rig: Rig) -> None:
    rig.cluster.admission = rewriting
    for number in range(1100):
        manifest = deployment()
        manifest["metadata"]["name"] = f"web-{number}"
        await rig.apply(manifest)
        rig.cluster.remove("Deployment", f"web-{number}", "team-a")
    assert len(rig.applier._attempts) <= 1000


async def test_prune_deletes_what_is_not_wanted_any_more_by_its_uid(rig: Rig) -> None:
    await rig.apply(deployment())
    live = rig.live()
    await rig.applier.prune(OWNER, [deployment()], rig.state.children)
    assert rig.cluster.writes[-1].verb == "apply"
    await rig.applier.prune(OWNER, [], rig.state.children)
    assert (rig.cluster.writes[-1].verb, rig.cluster.writes[-1].uid) == (
        "delete",
        live["metadata"]["uid"],
    )
    assert not rig.cluster.has("Deployment", "web", "team-a")


@pytest.mark.parametrize("finalizers", [[], ["x"]], ids=["goes at once", "is held"])
@pytest.mark.parametrize("is_late", [False, True], ids=["", "while the watch is late"])
async def test_prune_asks_for_no_deletion_twice(
    rig: Rig, finalizers: list[str], is_late: bool
) -> None:
    await rig.apply(deployment())
    live = rig.live()
    live["metadata"]["finalizers"] = finalizers
    rig.cluster.put(live)
    rig.cluster.watch_is_late = is_late
    for _ in range(3):
        await rig.applier.prune(OWNER, [], rig.state.children)
    assert [write.verb for write in rig.cluster.writes] == ["apply", "delete"]


async def test_prune_leaves_what_kapsa_did_not_make_even_where_it_names_the_owner(rig: Rig) -> None:
    ingress = deployment() | {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}
    del ingress["metadata"]["labels"]
    rig.cluster.put(ingress | {"spec": {"rules": [{"host": "a.example.com"}]}})
    await rig.applier.prune(OWNER, [], rig.state.children)
    assert rig.cluster.writes == []


async def test_prune_never_deletes_a_namesake_that_it_has_not_seen(rig: Rig) -> None:
    await rig.apply(deployment())
    rig.cluster.watch_is_late = True
    rig.cluster.remove("Deployment", "web", "team-a")
    rig.cluster.put(deployment(owner="somebody-else"))
    await rig.applier.prune(OWNER, [], rig.state.children)
    assert rig.cluster.has("Deployment", "web", "team-a")


async def test_a_write_that_the_server_refuses_is_not_taken_for_done(rig: Rig) -> None:
    rig.cluster.fail(Stalled("ApplyRefused", "no"), "apply")
    await rig.refusal(deployment())
    assert rig.state.deployments.get("team-a", "web") is None
    await rig.apply(deployment())
    assert len(rig.cluster.writes) == 2
