"""What a build with BuildKit is given, and what its Job and pod say of it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from kapsa.core import labels
from kapsa.core.builds.buildkit import BuildKit
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import BuildOrder, BuildSecrets, BuildSettings, Origin
from kapsa.core.workloads.pod_trouble import trim_pod
from kapsa.models.build import Build, BuildVariable

DIGEST = f"sha256:{'ab' * 32}"
CREATED, ENDED = "2026-01-02T03:04:05Z", "2026-01-02T03:05:06Z"
ORDER = BuildOrder(
    name="shop-1",
    key="a-key",
    attempt=2,
    requested_at="",
    origin=Origin("team", "shop", "a-uid", "shop-main"),
    repository="https://git.example.com:8443/acme/shop.git",
    commit="4f2e8c1d" * 5,
    build=Build(strategy="dockerfile"),
    image="registry.example.com:5000/acme/shop:kapsa-a-key",
    cache="",
    insecure=False,
    with_ca=False,
    with_git_credentials=True,
    timeout=60,
    settings=BuildSettings("kapsa-builds", "buildkit", ""),
)
SECRETS = BuildSecrets("ann", "the-password", '{"auths": {}}', "the-certificates")


def files(order: BuildOrder = ORDER) -> dict[str, str]:
    """Return the files of a build."""
    (secret, _) = BuildKit().objects(order, SECRETS)
    return {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}


def job(*conditions: tuple[str, str], message: str = "") -> dict[str, Any]:
    """Return a Job as it is in the cluster, with conditions of a type and a reason."""
    _, built = BuildKit().objects(ORDER, SECRETS)
    told = [
        {"type": type_, "status": "True", "reason": reason, "message": message,
         "lastTransitionTime": ENDED}
        for type_, reason in conditions
    ]  # fmt: skip
    metadata = {**built["metadata"], "uid": "job-uid", "creationTimestamp": CREATED}
    return {**built, "metadata": metadata, "status": {"conditions": told}}


def pod(
    *ends: tuple[str, int, str],
    phase: str = "Failed",
    reason: str = "Error",
    status: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return a pod of the build, as the cache has trimmed it; its containers have ended so."""
    _, built = BuildKit().objects(ORDER, SECRETS)
    told = [
        {"name": name, "state": {"terminated": {"exitCode": code, "reason": reason, "message": m}}}
        for name, code, m in ends
    ]
    return trim_pod(
        {
            "metadata": {"name": "shop-1-x", "labels": built["metadata"]["labels"]},
            "spec": {"restartPolicy": "Never"},
            "status": {
                "phase": phase,
                "initContainerStatuses": [item for item in told if item["name"] == "source"],
                "containerStatuses": [item for item in told if item["name"] == "build"],
                **status,
            },
        }
    )


def read(manifest: dict[str, Any], *pods: dict[str, Any]) -> LiveBuild:
    """Return what they say of the build."""
    found = BuildKit().read(manifest, pods)
    assert found is not None
    return found


COMPLETE, FAILED = ("Complete", ""), ("Failed", "BackoffLimitExceeded")


def test_the_secret_is_first_and_the_build_last() -> None:
    kinds = [item["kind"] for item in BuildKit().objects(ORDER, SECRETS)]
    assert kinds == ["Secret", "Job"]


def test_the_password_of_the_repository_is_for_its_host_only() -> None:
    assert files()["gitconfig"].splitlines() == [
        "[http]",
        "\tfollowRedirects = false",
        '[credential "https://git.example.com:8443"]',
        '\thelper = "!cat /kapsa/git/git-credentials; :"',
    ]
    assert files()["git-credentials"] == "username=ann\npassword=the-password\n"


def test_a_public_repository_gets_no_password() -> None:
    assert files(replace(ORDER, with_git_credentials=False))["git-credentials"] == ""


@pytest.mark.parametrize(
    ("insecure", "with_ca", "expected"),
    [
        (False, False, ""),
        (True, False, '[registry."registry.example.com:5000"]\n  http = true\n'),
        (
            False,
            True,
            '[registry."registry.example.com:5000"]\n  ca = ["/kapsa/registry/ca.crt"]\n',
        ),
    ],
)
def test_buildkit_is_told_of_the_registry_what_is_unusual(
    insecure: bool, with_ca: bool, expected: str
) -> None:
    found = files(replace(ORDER, insecure=insecure, with_ca=with_ca))
    assert found["buildkitd.toml"] == expected
    assert found.get("ca.crt") == ("the-certificates" if with_ca else None)


def test_nothing_secret_is_in_the_job() -> None:
    _, built = BuildKit().objects(replace(ORDER, with_ca=True), SECRETS)
    text = json.dumps(built)
    forms = ("the-password", base64.b64encode(b"ann:the-password").decode(), "the-certificates")
    assert [form for form in forms if form in text] == []


def test_the_container_that_runs_a_dockerfile_does_not_get_the_password_of_the_repository() -> None:
    _, built = BuildKit().objects(ORDER, SECRETS)
    spec = built["spec"]["template"]["spec"]
    volumes = {item["name"]: item for item in spec["volumes"]}
    (build,) = spec["containers"]
    keys = [
        item["key"]
        for mount in build["volumeMounts"]
        for item in (volumes[mount["name"]].get("secret") or {}).get("items", ())
    ]
    assert keys == ["config.json", "buildkitd.toml"]


def test_whatever_a_project_says_is_no_part_of_a_script() -> None:
    hostile = "$(id); `id` && \"id\" 'id'"
    order = replace(
        ORDER,
        build=Build(strategy="dockerfile", args=(BuildVariable(name="A", value=hostile),)),
    )
    scripts = [
        [item["command"] for kind in ("initContainers", "containers") for item in spec[kind]]
        for _, built in (BuildKit().objects(ORDER, SECRETS), BuildKit().objects(order, SECRETS))
        for spec in (built["spec"]["template"]["spec"],)
    ]
    assert scripts[0] == scripts[1]


def test_what_builds_is_known_from_its_object() -> None:
    assert read(job()) == LiveBuild(
        name="shop-1",
        kind="Job",
        uid="job-uid",
        project_uid="a-uid",
        environment="shop-main",
        key="a-key",
        commit=ORDER.commit,
        attempt=2,
        requested_at="",
        state=BuildState.RUNNING,
        created_at=CREATED,
        timeout=60,
    )


def test_the_digest_is_in_the_termination_message() -> None:
    message = json.dumps({"containerimage.digest": DIGEST, "containerimage.config.digest": "x"})
    found = read(job(COMPLETE), pod(("source", 0, ""), ("build", 0, message), phase="Succeeded"))
    assert (found.state, found.digest, found.ended_at) == (BuildState.SUCCEEDED, DIGEST, ENDED)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        '{"containerimage.digest": 7}',
        '{"containerimage.digest": "sha256:ab"}',
        json.dumps({"containerimage.digest": f"{DIGEST}\n"}),
    ],
)
def test_a_build_that_tells_no_digest_has_succeeded_all_the_same(message: str) -> None:
    found = read(job(COMPLETE), pod(("build", 0, message), phase="Succeeded"))
    assert (found.state, found.digest) == (BuildState.SUCCEEDED, "")


def test_a_success_whose_pod_is_gone_is_one() -> None:
    assert read(job(COMPLETE)).state is BuildState.SUCCEEDED


def failure(*pods: dict[str, Any], reason: str = FAILED[1], message: str = "") -> tuple[str, bool]:
    """Return why a build failed, and whether that may pass."""
    found = read(job(("Failed", reason), message=message), *pods)
    assert found.state is BuildState.FAILED
    return found.message, found.is_transient


def test_a_command_that_fails_is_the_commits_own_fault() -> None:
    log = 'error: failed to solve: process "/x" did not complete successfully: exit code: 1'
    ended = pod(("source", 0, ""), ("build", 1, log))
    assert failure(ended) == ("container build ended with exit code 1", False)


def test_a_forge_that_can_not_be_reached_may_be_back_soon() -> None:
    said = "fatal: unable to access 'https://x/': Could not resolve host: x"
    assert failure(pod(("source", 128, said))) == (
        "container source ended with exit code 128",
        True,
    )


def test_too_little_memory_is_told_with_the_setting() -> None:
    message, may_pass = failure(pod(("build", 137, ""), reason="OOMKilled"))
    assert "exit code 137 (OOMKilled)" in message
    assert "KAPSA_BUILD_LIMITS" in message
    assert not may_pass


def test_a_node_that_forbids_user_namespaces_is_told() -> None:
    log = "[rootlesskit:parent] error: failed to setup UID/GID map: newuidmap 1 failed"
    assert "user.max_user_namespaces" in failure(pod(("build", 1, log)))[0]


def test_too_long_is_too_long() -> None:
    expected = ("it was ended after 60 s, which is build.timeout", False)
    assert failure(reason="DeadlineExceeded", message="Job was active longer") == expected


def test_an_evicted_or_lost_pod_may_go_well_elsewhere() -> None:
    said = (
        "Pod kapsa-builds/shop-1-x has condition DisruptionTarget matching FailJob rule at index 0"
    )
    message, may_pass = failure(reason="PodFailurePolicy", message=said)
    assert (may_pass, said in message) == (True, True)


def test_a_build_that_fills_its_volume_would_do_so_again() -> None:
    said = 'Usage of EmptyDir volume "state" exceeds the limit "20Gi".'
    expected = (f"its pod was ended: Evicted: {said}", False)
    assert failure(pod(status={"reason": "Evicted", "message": said})) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"initContainerStatuses": [{"name": "source", "state": {"waiting": {
                "reason": "ImagePullBackOff", "message": "not found"}}}]},
            "container source: ImagePullBackOff: not found",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False",
                             "reason": "Unschedulable", "message": "0/3 nodes: too little cpu"}]},
            "Unschedulable: 0/3 nodes: too little cpu",
        ),
    ],
)  # fmt: skip
def test_why_a_build_does_not_begin_is_told(status: dict[str, Any], expected: str) -> None:
    assert read(job(), pod(phase="Pending", status=status)).message == expected


@pytest.mark.parametrize(
    "manifest",
    [
        {"kind": "Secret", "metadata": {"name": "shop-1"}},
        {"kind": "Job", "metadata": {"name": "migrate", "labels": {}}},
        {"kind": "Job", "metadata": {"name": "other", "labels": {labels.BUILD: "shop-1"}}},
    ],
)
def test_other_objects_are_no_builds(manifest: dict[str, Any]) -> None:
    assert BuildKit().read(manifest, ()) is None


def test_of_pods_that_do_not_build_no_message_is_kept() -> None:
    ended = {"name": "web", "state": {"terminated": {"exitCode": 0, "message": "a novel"}}}
    manifest = {
        "metadata": {"name": "web", "labels": labels.MANAGED},
        "status": {"phase": "Succeeded", "containerStatuses": [ended]},
    }
    assert "a novel" not in str(trim_pod(manifest))
