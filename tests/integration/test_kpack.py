"""Builds with kpack: real CRDs, kpack's own validation, and its controller played by a stand-in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import lab
from kapsa.core.builds.kpack import Kpack
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import BuildOrder
from kapsa.core.manifests.build_namespace import build_namespace
from kapsa.core.workloads.pod_trouble import trim_pod
from kapsa.models.build import Builder
from lab.images import push_image
from lab.kpack import examine, install_kpack, remove_kpack
from lab.kpack_stand_in import KpackStandIn
from lab.objects import read_object, read_objects
from lab.operator import OperatorProcess
from lab.scenario import Application, condition, wait_for
from tests.integration.building import REGISTRY, builds_registry, kpack_builds_of
from tests.orders import build_order, build_secrets

Manifest = dict[str, Any]

NAMESPACE = "kapsa-builds"
BUILDPACK = {"strategy": "buildpack"}
BUILDER = {**BUILDPACK, "builder": {"kind": "ClusterBuilder", "name": "base"}}

ORDERS = {
    "default": build_order(BUILDPACK, name="shop-aaaaaaaa01"),
    "everything": build_order(
        {
            **BUILDPACK,
            "context": "services/web-1.2/.hidden",
            "builder": {"image": f"ghcr.io/acme/builder@sha256:{'ab' * 32}"},
            "env": [{"name": "BP_JVM_VERSION", "value": "21"}, {"name": "a.b_C"}],
        },
        name="shop-aaaaaaaa02",
        cache="registry.example.com/acme/shop:kapsa-cache",
        requested_at="2026-01-01T00:00:00Z",
        timeout=1,
    ),
    "public, without limits": build_order(
        {**BUILDPACK, "context": "."},
        name="shop-aaaaaaaa03",
        with_git_credentials=False,
        limits={},
    ),
    "longest name": build_order(BUILDPACK, name=f"{'s' * 39}-aaaaaaaa04"),
    "cluster builder": build_order(
        {**BUILDER, "context": "web", "env": [{"name": "BP_JVM_VERSION", "value": "21"}]},
        name="shop-aaaaaaaa05",
    ),
    "builder": build_order(
        {**BUILDPACK, "builder": {"kind": "Builder", "name": "base.team"}},
        name="shop-aaaaaaaa06",
        cache="registry.example.com/acme/shop:kapsa-cache",
        limits={},
    ),
    "longest name of an image": build_order(BUILDER, name=f"{'s' * 39}-aaaaaaaa07"),
}


MANY = 100
BUILDER_IMAGE = Builder.model_json_schema()["properties"]["image"]["anyOf"][0]["pattern"]


def find_all(values: st.SearchStrategy[str]) -> list[str]:
    """Return many values, the same ones each time."""
    found: list[str] = []

    @seed(0)
    @settings(max_examples=MANY, database=None, suppress_health_check=list(HealthCheck))
    @given(values)
    def collect(value: str) -> None:
        found.append(value)

    collect()
    return found[:MANY]


@pytest.fixture(scope="module")
def kpack(platform: lab.Platform) -> KpackStandIn:
    """The laboratory with kpack's CRDs, and the namespace of builds."""
    install_kpack(platform)
    apply(platform, build_namespace(NAMESPACE))
    return KpackStandIn(platform, NAMESPACE)


def apply(platform: lab.Platform, *manifests: Manifest, dry_run: str = "none") -> list[Manifest]:
    """Apply manifests as the operator does; return what is stored, or would be."""
    items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    done = platform.kubectl(
        "apply",
        "--server-side",
        "--field-manager=kapsa",
        f"--dry-run={dry_run}",
        "-o",
        "json",
        "-f",
        "-",
        input=json.dumps(items),
    )
    said = json.loads(done)
    found: list[Manifest] = said["items"] if said["kind"] == "List" else [said]
    return found


def pruned(value: Any) -> Any:
    """Return a value without the empty structures that Go writes."""
    if isinstance(value, dict):
        return {
            key: kept for key, item in value.items() if (kept := pruned(item)) not in ({}, None)
        }
    return [pruned(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_what_is_rendered_is_taken_by_the_api_server_and_by_kpack_as_it_is(
    kpack: KpackStandIn, order: BuildOrder
) -> None:
    objects = Kpack().objects(order, build_secrets())
    stored = apply(kpack.platform, *objects[:-1])
    (build,) = apply(kpack.platform, objects[-1], dry_run="server")
    assert [item["metadata"]["name"] for item in stored] == [
        item["metadata"]["name"] for item in objects[:-1]
    ]

    (verdict,) = examine(kpack.platform, objects)

    assert verdict.error == ""
    assert pruned(verdict.defaulted["spec"]) == pruned(build["spec"]) == pruned(objects[-1]["spec"])
    assert not (verdict.defaulted["spec"].get("cache") or {}).get("volume")
    meta = {**verdict.pod["metadata"], "ownerReferences": []}
    (pod,) = apply(kpack.platform, {**verdict.pod, "metadata": meta}, dry_run="server")
    assert pod["spec"]["activeDeadlineSeconds"] == order.timeout
    assert pod["spec"]["imagePullSecrets"] == [{"name": order.name}]
    mounted = {item["secret"]["secretName"] for item in pod["spec"]["volumes"] if "secret" in item}
    assert mounted == {item["metadata"]["name"] for item in stored if item["kind"] == "Secret"}
    tokens = [item for item in pod["spec"]["volumes"] if "projected" in item]
    assert not tokens, "the pod has a token of its ServiceAccount"


@pytest.fixture(scope="module")
def restricted(platform: lab.Platform) -> Iterator[str]:
    """A namespace with the strictest level of Pod Security."""
    name = "kpack-restricted"
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": name, "labels": level}
    apply(platform, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    platform.kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("order", [ORDERS["everything"], ORDERS["cluster builder"]])
def test_pods_of_kpack_need_no_rights(
    kpack: KpackStandIn, restricted: str, order: BuildOrder
) -> None:
    (verdict,) = examine(kpack.platform, Kpack().objects(order, build_secrets()))
    meta = {"name": verdict.pod["metadata"]["name"], "namespace": restricted}
    spec = {**verdict.pod["spec"], "serviceAccountName": "default"}

    apply(kpack.platform, {**verdict.pod, "metadata": meta, "spec": spec}, dry_run="server")


def test_kpack_refuses_what_it_does_not_know(kpack: KpackStandIn) -> None:
    build = Kpack().objects(ORDERS["default"], build_secrets())[-1]
    wrong = [{**build["spec"], "tagss": []}, {**build["spec"], "tags": ["UPPER/case:1"]}]

    verdicts = examine(kpack.platform, [{**build, "spec": spec} for spec in wrong])

    assert [verdict.error for verdict in verdicts] == [
        'json: unknown field "tagss"',
        "invalid value: UPPER/case:1: spec.tags[0]",
    ]


def test_each_builder_that_a_project_may_name_is_one_that_kpack_takes(kpack: KpackStandIn) -> None:
    named = find_all(st.from_regex(BUILDER_IMAGE, fullmatch=True).filter(lambda it: len(it) <= 255))
    orders = [
        build_order({**BUILDPACK, "builder": {"image": image}}, with_git_credentials=False)
        for image in named
    ]
    builds = [Kpack().objects(order, build_secrets())[-1] for order in orders]

    refused = {verdict.error for verdict in examine(kpack.platform, builds) if verdict.error}

    assert len(builds) == MANY
    assert refused == set()


def live(kpack: KpackStandIn, order: BuildOrder) -> LiveBuild:
    """Return a build as the operator reads it of the objects that are stored."""
    kind = "Image" if order.build.builder else "Build"
    manifest = read_object(kpack.platform.api_server, kind, order.name, NAMESPACE)
    assert manifest is not None
    selector = f"kapsa-project.io/build={order.name}"
    pods = read_objects(kpack.platform.api_server, "pods", labelSelector=selector)
    found = Kpack().read(manifest, [trim_pod(pod) for pod in pods])
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["Build", "Image"])
def test_a_build_is_read_from_what_is_stored(kpack: KpackStandIn, kind: str) -> None:
    registry = kpack.platform.registry
    assert registry is not None
    digest = push_image(registry, "acme/kpack", kind.lower())
    order = build_order(
        BUILDPACK if kind == "Build" else BUILDER,
        name=f"good-{kind.lower()}-0123456789",
        image=f"{registry.host}/acme/kpack:{kind.lower()}",
    )
    apply(kpack.platform, *Kpack().objects(order, build_secrets()))
    assert live(kpack, order).state is BuildState.RUNNING

    kpack.begin(kind, order.name)
    assert live(kpack, order).state is BuildState.RUNNING
    kpack.succeed(kind, order.name, digest)

    found = live(kpack, order)
    assert (found.state, found.digest, found.message) == (BuildState.SUCCEEDED, digest, "")
    assert found.ended_at >= found.created_at


@pytest.mark.parametrize("kind", ["Build", "Image"])
def test_a_failure_is_read_from_what_is_stored(kpack: KpackStandIn, kind: str) -> None:
    order = build_order(
        BUILDPACK if kind == "Build" else BUILDER, name=f"bad-{kind.lower()}-0123456789"
    )
    apply(kpack.platform, *Kpack().objects(order, build_secrets()))

    kpack.begin(kind, order.name)
    kpack.fail(kind, order.name, "detect", 20)

    found = live(kpack, order)
    assert (found.state, found.is_transient) == (BuildState.FAILED, False)
    assert found.message == (
        "container detect ended with exit code 20: no buildpack of the builder fits the source"
    )


def test_a_build_whose_secret_is_missing_fails_and_says_so(kpack: KpackStandIn) -> None:
    order = build_order(BUILDPACK, name="lost-0123456789")
    objects = Kpack().objects(order, build_secrets())
    apply(kpack.platform, *objects[1:])

    kpack.begin("Build", order.name)

    assert live(kpack, order).message == f'kpack says: secrets "{order.name}" not found'


@pytest.fixture
def without_kpack(admin: lab.Platform) -> Iterator[None]:
    """The laboratory without kpack's CRDs, and with the Registry `builds`."""
    remove_kpack(admin)
    apply(admin, *builds_registry(admin))
    yield
    admin.kubectl("delete", "registries", REGISTRY)


def leftovers(app: Application, build: str) -> list[str]:
    """Return the kinds of what is beside a build."""
    selector = f"kapsa-project.io/build={build}"
    kinds = "secrets,serviceaccounts"
    return [item["kind"] for item in app.list(kinds, labelSelector=selector)]


@pytest.mark.parametrize("kind", ["Build", "Image"])
def test_from_a_commit_by_kpack_to_the_digest_that_runs(
    without_kpack: None, operator: OperatorProcess, app: Application, kind: str
) -> None:
    build = BUILDPACK if kind == "Build" else BUILDER
    first = app.commit(image=False)
    app.apply(app.project(build=build, registry={"name": REGISTRY}))
    why = app.wait_for_condition("BuildSucceeded", "BuildNotPossible")
    assert "the cluster has no kpack" in why["message"]

    # Kapsa ends when kpack has come, and is started again.
    operator.stop()
    install_kpack(app.platform)
    operator.start()
    kpack = KpackStandIn(app.platform, NAMESPACE)
    (made,) = wait_for("kpack is asked to build", lambda: kpack_builds_of(app, kind))
    name = made["metadata"]["name"]
    assert made["spec"]["source"]["git"]["revision"] == first
    assert leftovers(app, name) == ["Secret", "Secret", "ServiceAccount"]
    tag = made["spec"]["tags"][0] if kind == "Build" else made["spec"]["tag"]
    path, _, version = tag.removeprefix(f"{app.registry.host}/").rpartition(":")
    kpack.begin(kind, name)
    app.wait_for_condition("ImageReady", "Building", slug="production")
    digest = push_image(app.registry, path, version)
    kpack.succeed(kind, name, digest)

    running = app.wait_until_running("production", first)
    assert running["status"]["image"] == f"{app.registry.host}/{path}@{digest}"
    wait_for("nothing is left beside the build", lambda: not leftovers(app, name))
    assert condition(app.get("project", app.name), "BuildSucceeded")["status"] == "True"

    second = app.commit(image=False)

    def next_build() -> Manifest | None:
        found = (item for item in kpack_builds_of(app, kind) if item["metadata"]["name"] != name)
        return next(found, None)

    failing = wait_for("the next commit is built", next_build)["metadata"]["name"]
    kpack.begin(kind, failing)
    kpack.fail(kind, failing, "detect", 20)
    why = app.wait_for_condition("BuildSucceeded", "BuildFailed")
    assert second[:12] in why["message"]
    assert "no buildpack of the builder fits the source" in why["message"]
    wait_for("nothing is left beside the failure", lambda: not leftovers(app, failing))
    environment = app.environment("production")
    assert environment is not None
    assert environment["status"]["image"] == running["status"]["image"], "what ran keeps running"
