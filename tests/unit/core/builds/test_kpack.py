"""Builds with kpack: what is rendered in which order, and what its status says."""

from base64 import b64decode
from typing import Any

import pytest

from kapsa.core.builds.failures import is_transient as is_transient_log
from kapsa.core.builds.kpack import Kpack
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.workloads.pod_trouble import trim_pod
from tests.orders import build_order, build_secrets

Manifest = dict[str, Any]

IMAGE = {"strategy": "buildpack"}
BUILDER = {"strategy": "buildpack", "builder": {"kind": "ClusterBuilder", "name": "base"}}
DIGEST = "sha256:" + "cd" * 32
ENDED = "2026-01-01T00:05:00Z"


def rendered(build: dict[str, Any], **changes: Any) -> tuple[Manifest, ...]:
    return Kpack().objects(build_order(build, **changes), build_secrets())


def stored(build: dict[str, Any], **status: Any) -> Manifest:
    """Return the Build or Image as the API server has it, with what kpack wrote."""
    manifest = rendered(build)[-1]
    meta = {**manifest["metadata"], "uid": "uid-1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {**manifest, "metadata": meta, "status": status}


def condition(kind: str, status: str, **fields: Any) -> Manifest:
    return {"type": kind, "status": status, "lastTransitionTime": ENDED, **fields}


def pod(**status: Any) -> Manifest:
    """Return the pod of the build as the cache keeps it."""
    own = rendered(IMAGE)[-1]["metadata"]["labels"]
    return trim_pod(
        {
            "metadata": {"name": "shop-0123456789-build-pod", "labels": own},
            "spec": {"restartPolicy": "Never"},
            "status": status,
        }
    )


def ended(name: str, code: int, **fields: Any) -> Manifest:
    return {"name": name, "state": {"terminated": {"exitCode": code, **fields}}}


def read(manifest: Manifest, *pods: Manifest) -> LiveBuild:
    found = Kpack().read(manifest, pods)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("build", "private", "kinds"),
    [
        (IMAGE, True, ["Secret", "Secret", "ServiceAccount", "Build"]),
        (IMAGE, False, ["Secret", "ServiceAccount", "Build"]),
        (BUILDER, True, ["Secret", "Secret", "ServiceAccount", "Image"]),
    ],
)
def test_secrets_come_first_and_the_build_last(
    build: dict[str, Any], private: bool, kinds: list[str]
) -> None:
    objects = rendered(build, with_git_credentials=private)

    assert [item["kind"] for item in objects] == kinds
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    assert len(set(names)) == len(names)
    named = [item["name"] for item in objects[-2]["secrets"]]
    assert named == [item["metadata"]["name"] for item in objects if item["kind"] == "Secret"]


def test_credentials_are_in_secrets_only() -> None:
    *secrets, account, build = rendered(IMAGE)

    assert "correct-horse" not in str((account, build))
    assert "cHVzaDpiYXR0ZXJ5" not in str((account, build))
    said = {key: b64decode(text) for item in secrets for key, text in item["data"].items()}
    assert said["password"] == b"correct-horse"


def test_the_builders_image_is_the_projects_and_else_the_admins() -> None:
    own = {**IMAGE, "builder": {"image": "registry.example.com/builder:2"}}

    assert rendered(own)[-1]["spec"]["builder"]["image"] == "registry.example.com/builder:2"
    assert rendered(IMAGE)[-1]["spec"]["builder"]["image"].endswith("/builder-jammy-base")


def test_without_a_cache_nothing_is_read_or_written_beside_the_image() -> None:
    spec = rendered(IMAGE, cache="")[-1]["spec"]

    assert "cache" not in spec
    assert "lastBuild" not in spec


NOT_BEGUN = "kpack has not begun it yet; if it stays so, see whether its controller runs"


@pytest.mark.parametrize(
    ("status", "state", "digest", "message"),
    [
        ({}, BuildState.RUNNING, "", NOT_BEGUN),
        (
            {"conditions": [condition("Succeeded", "Unknown")], "podName": "p"},
            BuildState.RUNNING,
            "",
            "",
        ),
        (
            {"conditions": [condition("Succeeded", "Unknown", message="pulling: denied")]},
            BuildState.RUNNING,
            "",
            "pulling: denied",
        ),
        (
            {
                "conditions": [condition("Succeeded", "True")],
                "latestImage": f"registry.example.com/acme/shop@{DIGEST}",
            },
            BuildState.SUCCEEDED,
            DIGEST,
            "",
        ),
        (
            {"conditions": [condition("Succeeded", "True")], "latestImage": "shop:latest"},
            BuildState.SUCCEEDED,
            "",
            "",
        ),
        (
            {"conditions": [condition("Succeeded", "False", message='secrets "x" not found')]},
            BuildState.FAILED,
            "",
            'kpack says: secrets "x" not found',
        ),
        ({"conditions": [condition("Succeeded", "False")]}, BuildState.FAILED, "", ""),
        (
            {
                "conditions": [condition("Succeeded", "False")],
                "stepStates": [
                    {"terminated": {"exitCode": 0}},
                    {"terminated": {"exitCode": 51, "reason": "Error"}},
                    {"waiting": {"reason": "PodInitializing"}},
                ],
            },
            BuildState.FAILED,
            "",
            "container no. 2 ended with exit code 51",
        ),
    ],
)
def test_a_build_is_as_far_as_its_status_says(
    status: dict[str, Any], state: BuildState, digest: str, message: str
) -> None:
    found = read(stored(IMAGE, **status))

    assert (found.state, found.digest, found.message) == (state, digest, message)
    assert found.ended_at == ("" if state is BuildState.RUNNING else ENDED)
    assert not found.is_transient
    assert (found.kind, found.uid, found.project_uid) == (
        "Build",
        "uid-1",
        "uid-project-team-a-shop",
    )


@pytest.mark.parametrize(
    ("status", "state", "message"),
    [
        ({}, BuildState.RUNNING, NOT_BEGUN),
        (
            {"conditions": [condition("Ready", "Unknown", message="shop-build-1 is executing")]},
            BuildState.RUNNING,
            "",
        ),
        (
            {
                "conditions": [
                    condition("Ready", "Unknown"),
                    condition("BuilderReady", "False", message="Builder base is not ready"),
                ]
            },
            BuildState.RUNNING,
            "Builder base is not ready",
        ),
        (
            {
                "conditions": [
                    condition(
                        "Ready",
                        "False",
                        reason="BuilderNotFound",
                        message="Unable to find builder base.",
                    )
                ]
            },
            BuildState.FAILED,
            "kpack says: Unable to find builder base.",
        ),
        (
            {"conditions": [condition("Ready", "True")], "latestImage": f"r/shop@{DIGEST}"},
            BuildState.SUCCEEDED,
            "",
        ),
        # A new version of the builder, for which kpack builds again; the image is there already.
        (
            {"conditions": [condition("Ready", "Unknown")], "latestImage": f"r/shop@{DIGEST}"},
            BuildState.SUCCEEDED,
            "",
        ),
        (
            {"conditions": [condition("Ready", "False")], "latestImage": f"r/shop@{DIGEST}"},
            BuildState.SUCCEEDED,
            "",
        ),
    ],
)
def test_an_image_is_a_build_that_ends_with_its_first_image(
    status: dict[str, Any], state: BuildState, message: str
) -> None:
    found = read(stored(BUILDER, **status))

    assert (found.kind, found.state, found.message) == ("Image", state, message)
    assert found.digest == (DIGEST if state is BuildState.SUCCEEDED else "")


FAILED = {"conditions": [condition("Succeeded", "False")]}
MORE_MEMORY = "it needs more memory than the operator's setting KAPSA_BUILD_LIMITS allows"
OVERUSED = "Pod ephemeral local storage usage exceeds the total limit of containers 20Gi."


@pytest.mark.parametrize(
    ("pod_status", "message", "is_transient"),
    [
        (
            {"initContainerStatuses": [ended("prepare", 0), ended("detect", 20, reason="Error")]},
            "container detect ended with exit code 20: no buildpack of the builder fits the source",
            False,
        ),
        (
            {"initContainerStatuses": [ended("build", 137, reason="OOMKilled")]},
            f"container build ended with exit code 137 (OOMKilled); {MORE_MEMORY}",
            False,
        ),
        (
            {"reason": "DeadlineExceeded", "message": "Pod was active on the node too long"},
            "it was ended after 1800 s, which is build.timeout",
            False,
        ),
        (
            {"reason": "Evicted", "message": "The node was low on resource: memory."},
            "its pod was ended: Evicted: The node was low on resource: memory.",
            True,
        ),
        (
            {"reason": "Evicted", "message": OVERUSED},
            f"its pod was ended: Evicted: {OVERUSED}",
            False,
        ),
    ],
)
def test_the_pod_says_why_a_build_failed_and_whether_the_commit_is_to_blame(
    pod_status: dict[str, Any], message: str, is_transient: bool
) -> None:
    found = read(stored(IMAGE, **FAILED), pod(phase="Failed", **pod_status))

    assert (found.message, found.is_transient) == (message, is_transient)


@pytest.mark.parametrize(
    ("line", "is_transient"),
    [
        ("ERROR: failed to build: exit status 1", False),
        ("connection refused", False),
        ("\x1b[31;1mERROR: \x1b[0mfailed to export: PUT x: unexpected status code 502 Bad", True),
        ('Error verifying write access to "r/shop": unexpected status code 500 Internal', True),
        ("fetching remote: unexpected http status code: 503", True),
        ("fetching remote: failed to connect to git.example.com: Connection refused", True),
        ("fetching remote: remote authentication required but no callback set", False),
    ],
)
def test_what_kpacks_steps_write_says_whether_it_may_pass(line: str, is_transient: bool) -> None:
    assert is_transient_log(["Cloning", line]) is is_transient


@pytest.mark.parametrize(
    ("said", "is_transient"),
    [
        ("GET https://registry.example.com/v2/a: unexpected status code 503 Unavailable", True),
        ("GET https://index.docker.io/v2/: TOOMANYREQUESTS: your pull rate limit", True),
        ('Get "https://registry.example.com/": dial tcp: connect: connection refused', True),
        ("GET https://registry.example.com/v2/a: UNAUTHORIZED: authentication required", False),
        ("builder image stack ID label not present", False),
    ],
)
def test_a_registry_that_fails_is_not_the_commits_fault(said: str, is_transient: bool) -> None:
    message = f"unable to fetch remote builder image: {said}"
    found = read(stored(IMAGE, conditions=[condition("Succeeded", "False", message=message)]))

    assert found.message == f"kpack says: {message}"
    assert found.is_transient is is_transient


def test_a_pod_that_does_not_start_says_why() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
    status = {"initContainerStatuses": [{"name": "detect", "state": {"waiting": waiting}}]}

    found = read(stored(IMAGE), pod(phase="Pending", **status))

    assert found.state is BuildState.RUNNING
    assert found.message.startswith("container detect: ImagePullBackOff")


def test_a_build_that_kpack_makes_for_an_image_is_none_of_its_own() -> None:
    image = stored(BUILDER)
    build = {**image, "kind": "Build", "metadata": {**image["metadata"], "name": "shop-build-1"}}

    assert Kpack().read(build, ()) is None


def test_what_is_not_kpacks_is_no_build() -> None:
    assert Kpack().read({**stored(IMAGE), "kind": "Job"}, ()) is None
