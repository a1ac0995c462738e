"""Pull Secrets: made once for a namespace, rotated, and given up."""

from typing import Any

import pytest

from kapsa.adapters.errors import Waiting
from kapsa.core.manifests.namespace import namespace as made_namespace
from kapsa.models.reasons import Reason
from tests.builders import DIGEST
from tests.unit.controllers.environment_rig import roll_out
from tests.unit.controllers.pull_rig import MADE, PULL, SHOP, PullRig
from tests.unit.controllers.world import IMAGE, secret

OTHER = f"other.example.com/acme/shop@{DIGEST}"


@pytest.fixture
async def rig() -> PullRig:
    return PullRig()


def pod(rig: PullRig, namespace: str = "team-a") -> dict[str, Any]:
    template = rig.cluster.live("Deployment", "web", namespace)["spec"]["template"]
    spec: dict[str, Any] = template["spec"]
    return spec


def labelled(rig: PullRig, name: str, **labels: str) -> None:
    """Store a namespace as an admin would label it."""
    metadata = {"name": name, "labels": labels}
    rig.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


async def test_the_pods_of_an_environment_that_stands_alone_name_the_secret(rig: PullRig) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    assert rig.secrets() == [PULL]
    assert rig.password() == "hunter2"
    live = rig.cluster.live("Secret", PULL, "team-a")
    assert live["type"] == "kubernetes.io/dockerconfigjson"
    assert live["metadata"]["ownerReferences"][0]["kind"] == "Registry"
    assert pod(rig)["imagePullSecrets"] == [{"name": PULL}]
    assert rig.registry_ready() == ("True", "RegistryReady")


async def test_no_pod_starts_before_the_secret_is_there(rig: PullRig) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    kinds = [verb for verb in rig.written() if " Secret " in verb or " Deployment " in verb]
    assert kinds[0] == f"apply Secret team-a/{PULL}"


async def test_in_a_made_namespace_the_service_account_names_the_secret(rig: PullRig) -> None:
    rig.offer()
    rig.cluster.put(made_namespace(SHOP))
    rig.of_project()
    await rig.settle()
    assert rig.secrets(MADE) == [PULL]
    account = rig.cluster.live("ServiceAccount", "kapsa-shop", MADE)
    assert account["imagePullSecrets"] == [{"name": PULL}]
    assert pod(rig, MADE)["serviceAccountName"] == "kapsa-shop"
    assert "imagePullSecrets" not in pod(rig, MADE)


async def test_no_pod_starts_before_its_service_account_names_the_secret(rig: PullRig) -> None:
    rig.offer(imagePullSecret=None)
    rig.cluster.put(made_namespace(SHOP))
    rig.of_project(image=None)
    await rig.settle()
    rig.offer()
    rig.of_project()
    await rig.pull_secrets.reconcile((MADE, "harbor"))
    await rig.environments.reconcile((MADE, "web"))
    assert not rig.cluster.has("Deployment", "web", MADE)
    assert rig.registry_ready(namespace=MADE) == ("False", "PullSecretPending")
    await rig.settle()
    assert rig.cluster.has("Deployment", "web", MADE)
    assert rig.registry_ready(namespace=MADE) == ("True", "RegistryReady")


async def test_previews_come_and_go_without_another_write_of_the_secret(rig: PullRig) -> None:
    rig.offer()
    for number in range(20):
        rig.alone(f"pr-{number}")
    await rig.settle()
    assert sum(" Secret " in verb for verb in rig.written()) == 1
    for number in range(19):
        rig.cluster.remove("Environment", f"pr-{number}", "team-a")
    await rig.pass_time(60)
    assert [verb for verb in rig.written() if " Secret " in verb] == []


async def test_after_convergence_nothing_is_written(rig: PullRig) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    roll_out(rig)
    await rig.settle()
    rig.written()
    rig.pull_secrets.look_at_all()
    await rig.pass_time(120)
    assert rig.written() == []


async def test_a_rotated_password_reaches_every_copy_within_a_minute(rig: PullRig) -> None:
    rig.offer()
    namespaces = [f"team-{number}" for number in range(5)]
    for namespace in namespaces:
        rig.alone(namespace=namespace)
    await rig.settle()
    rig.rotate("hunter3")
    rig.cluster.reads.clear()
    await rig.pass_time(55)
    assert {rig.password(namespace) for namespace in namespaces} == {"hunter3"}
    assert rig.cluster.reads.count("get Secret harbor-pull") <= 3


async def test_no_cache_holds_the_password(rig: PullRig) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    packed = rig.cluster.live("Secret", PULL, "team-a")["data"][".dockerconfigjson"]
    kept = "".join(repr(manifest) for cache in rig.state.all for manifest in cache)
    assert packed not in kept
    assert "hunter2" not in kept


@pytest.mark.parametrize(
    "how",
    ["another registry", "deleted", "registry deleted", "no secret wanted", "made by others"],
)
async def test_the_secret_goes_with_the_last_one_that_needs_it(rig: PullRig, how: str) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    if how == "another registry":
        rig.offer("other", endpoint="other.example.com", imagePullSecret=None)
        rig.alone(registry={"name": "other"}, image=OTHER)
    elif how == "deleted":
        rig.cluster.remove("Environment", "web", "team-a")
    elif how == "registry deleted":
        rig.cluster.remove("Registry", "harbor")
    elif how == "no secret wanted":
        rig.offer(imagePullSecret=None)
    else:
        rig.offer(imagePullSecret={"name": PULL, "generatePerNamespace": False})
    await rig.pass_time(3)
    assert rig.secrets() == []


async def test_what_was_deleted_while_nobody_looked_leaves_nothing(rig: PullRig) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    rig.cluster.remove("Environment", "web", "team-a")
    rig.pull_secrets.queue._due.clear()
    rig.pull_secrets.look_at_all()
    await rig.settle()
    assert rig.secrets() == []


async def test_a_namespace_that_may_not_use_the_registry_gets_nothing(rig: PullRig) -> None:
    rig.offer(allowedNamespaces={"selector": {"matchLabels": {"registry": "yes"}}})
    labelled(rig, "team-a")
    rig.alone()
    await rig.settle()
    assert rig.secrets() == []
    assert rig.registry_ready() == ("False", "NamespaceNotAllowed")
    assert not rig.cluster.has("Deployment", "web", "team-a")


async def test_a_namespace_that_may_not_use_the_registry_any_more_loses_the_secret(
    rig: PullRig,
) -> None:
    rig.offer()
    labelled(rig, "team-a")
    rig.alone()
    await rig.settle()
    rig.offer(allowedNamespaces={"selector": {"matchLabels": {"registry": "yes"}}})
    await rig.settle()
    assert rig.secrets() == []
    assert rig.registry_ready() == ("False", "NamespaceNotAllowed")
    assert rig.cluster.has("Deployment", "web", "team-a")


async def test_who_claims_to_be_of_somebody_elses_project_gets_nothing(rig: PullRig) -> None:
    rig.offer(allowedNamespaces={"selector": {"matchLabels": {"registry": "yes"}}})
    labelled(rig, "team-a", registry="yes")
    labelled(rig, "team-b")
    rig.cluster.put(made_namespace(SHOP))
    rig.of_project()
    reference = rig.cluster.live("Environment", "web", MADE)["spec"]["projectRef"]
    rig.alone(namespace="team-b", projectRef=reference)
    await rig.settle()
    assert rig.secrets(MADE) == [PULL]
    assert rig.secrets("team-b") == []


async def test_an_image_of_another_team_is_not_run_and_needs_no_secret(rig: PullRig) -> None:
    rig.offer(repositoryTemplate="{namespace}/{imageRepository}")
    rig.alone(image="registry.example.com/team-b/shop:1")
    await rig.settle()
    assert rig.secrets() == []
    assert rig.registry_ready() == ("False", "RepositoryNotAllowed")
    assert not rig.cluster.has("Deployment", "web", "team-a")


async def test_what_runs_keeps_its_secret_while_a_wrong_image_is_asked_for(rig: PullRig) -> None:
    rig.offer(repositoryTemplate="acme/{imageRepository}")
    rig.alone()
    await rig.settle()
    rig.alone(image="registry.example.com/elsewhere/shop:1")
    await rig.pass_time(60)
    assert rig.secrets() == [PULL]
    assert rig.registry_ready() == ("False", "RepositoryNotAllowed")
    assert pod(rig)["containers"][0]["image"] == IMAGE


async def test_while_an_image_is_built_the_secret_stays(rig: PullRig) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    rig.alone(image=None)
    await rig.pass_time(60)
    assert rig.secrets() == [PULL]


async def test_a_strangers_secret_is_left_alone_and_said_to_be_in_the_way(rig: PullRig) -> None:
    rig.offer()
    rig.cluster.put(secret(PULL, "team-a", mine="all mine"))
    rig.alone()
    await rig.settle()
    assert rig.cluster.live("Secret", PULL, "team-a")["data"] == {"mine": "all mine"}
    assert rig.registry_ready() == ("False", "NameConflict")
    assert not rig.cluster.has("Deployment", "web", "team-a")
    rig.written()
    rig.pull_secrets._problems.clear()  # as after a restart
    rig.environment_queue.add(("team-a", "web"))
    await rig.pass_time(60)
    assert [verb for verb in rig.written() if "status" in verb] == []
    rig.cluster.remove("Secret", PULL, "team-a")
    await rig.pass_time(60)
    assert rig.password() == "hunter2"
    assert rig.registry_ready() == ("True", "RegistryReady")


@pytest.mark.parametrize("how", ["changed", "deleted", "without its labels"])
async def test_a_secret_that_somebody_meddled_with_is_put_right(rig: PullRig, how: str) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    before = rig.cluster.live("Secret", PULL, "team-a")
    if how == "deleted":
        rig.cluster.remove("Secret", PULL, "team-a")
    elif how == "changed":
        rig.cluster.put(before | {"data": {".dockerconfigjson": "e30="}})
    else:
        bare = {key: value for key, value in before["metadata"].items() if key != "labels"}
        rig.cluster.put(before | {"metadata": bare})
    await rig.settle()
    after = rig.cluster.live("Secret", PULL, "team-a")
    assert after["data"] == before["data"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


async def test_two_registries_of_one_namespace_have_a_secret_each(rig: PullRig) -> None:
    rig.offer()
    rig.offer("other", "other-password", endpoint="other.example.com")
    rig.alone()
    rig.alone("second", registry={"name": "other"}, image=OTHER)
    await rig.settle()
    one, two = rig.secrets()
    assert {rig.password(name=one), rig.password(name=two)} == {"hunter2", "other-password"}
    template = rig.cluster.live("Deployment", "second", "team-a")["spec"]["template"]
    (named,) = template["spec"]["imagePullSecrets"]
    assert rig.password(name=named["name"]) == "other-password"


async def test_when_the_first_of_two_goes_the_second_gets_its_name(rig: PullRig) -> None:
    rig.offer()
    rig.offer("other", "other-password", endpoint="other.example.com")
    rig.alone("web", registry={"name": "other"}, image=OTHER)
    await rig.settle()
    assert rig.secrets() != [PULL]
    rig.cluster.remove("Registry", "harbor")
    await rig.settle()
    assert rig.secrets() == [PULL]
    assert pod(rig)["imagePullSecrets"] == [{"name": PULL}]


@pytest.mark.parametrize("gone", ["missing", "malformed"])
async def test_without_credentials_nothing_starts_and_what_runs_is_not_touched(
    rig: PullRig, gone: str
) -> None:
    rig.offer()
    rig.alone()
    await rig.settle()
    if gone == "missing":
        rig.cluster.remove("Secret", "harbor-pull", "kapsa-system")
    else:
        rig.cluster.put(secret("harbor-pull", "kapsa-system", rubbish="e30="))
    await rig.pass_time(60)
    assert rig.password() == "hunter2"
    assert rig.registry_ready() == ("True", "RegistryReady")
    rig.alone(namespace="team-b")
    await rig.settle()
    assert rig.secrets("team-b") == []
    reason = "SecretNotFound" if gone == "missing" else "SecretInvalid"
    assert rig.registry_ready(namespace="team-b") == ("False", reason)
    rig.rotate("hunter3")
    await rig.pass_time(60)
    assert rig.password("team-b") == rig.password() == "hunter3"


async def test_a_suspended_environment_gets_nothing_and_keeps_what_there_is(rig: PullRig) -> None:
    rig.offer()
    rig.alone(suspend=True)
    await rig.settle()
    assert rig.secrets() == []
    rig.alone(suspend=False)
    await rig.settle()
    assert rig.secrets() == [PULL]
    rig.alone(suspend=True)
    await rig.pass_time(60)
    assert rig.secrets() == [PULL]


async def test_a_registry_that_does_not_exist_is_named(rig: PullRig) -> None:
    rig.alone()
    await rig.settle()
    assert rig.registry_ready() == ("False", "RegistryNotFound")
    rig.offer()
    await rig.settle()
    assert rig.registry_ready() == ("True", "RegistryReady")


async def test_a_registry_without_pull_secret_needs_none(rig: PullRig) -> None:
    rig.offer(imagePullSecret=None)
    rig.alone()
    await rig.settle()
    assert rig.secrets() == []
    assert "imagePullSecrets" not in pod(rig)
    assert rig.registry_ready() == ("True", "RegistryReady")


async def test_a_secret_that_somebody_else_makes_is_named_and_not_waited_for(rig: PullRig) -> None:
    rig.offer(imagePullSecret={"name": "theirs", "generatePerNamespace": False})
    rig.alone()
    await rig.settle()
    assert rig.secrets() == []
    assert pod(rig)["imagePullSecrets"] == [{"name": "theirs"}]


async def test_an_api_server_that_fails_once_is_asked_again(rig: PullRig) -> None:
    rig.offer()
    rig.cluster.fail(Waiting(Reason.API_SERVER_UNAVAILABLE, "down", 1.0), "apply", "Secret")
    rig.alone()
    await rig.pass_time(30)
    assert rig.secrets() == [PULL]
    assert rig.registry_ready() == ("True", "RegistryReady")
