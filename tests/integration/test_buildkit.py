"""Builds of Dockerfiles: the very Job, run by real rootless BuildKit against forge and registry.

`lab.build_node` plays the kubelet for these pods. Dockerfiles start from `scratch`, with a program
of 132 bytes that does nothing: there is nothing to download.
"""

import base64
import gzip
import io
import itertools
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lab
from kapsa.config import Settings
from kapsa.core import labels
from kapsa.core.builds.buildkit import BuildKit
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.namespace import furnishings_of_builds
from kapsa.core.builds.orders import BuildOrder, BuildSecrets, BuildSettings, Origin
from kapsa.core.drift import drift, stamp
from kapsa.core.redaction import forms
from kapsa.core.workloads.pod_trouble import trim_pod
from kapsa.models.build import Build
from lab.build_container import Container
from lab.build_node import BuildNode, build_node, missing
from lab.httpclient import basic, request
from lab.images import Registry
from lab.objects import read_object, read_objects
from lab.scenario import Application, wait_for
from lab.servers.kwok_stages import BUILD_NAMESPACE
from tests.integration.building import DOCKERFILE, NOTHING
from tests.integration.secrecy import before_the_forge, collecting

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "builds can be run")

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def node(admin: lab.Platform) -> Iterator[BuildNode]:
    """The namespace of builds, whether or not an operator has made it, and what runs them."""
    namespace = furnishings_of_builds(BUILD_NAMESPACE, (), Settings().build_egress_except)
    _apply(admin, *namespace)
    with build_node(admin) as found:
        yield found


@pytest.fixture
def app(app: Application) -> Application:
    """An application whose repository has a Dockerfile."""
    app.worktree.commit({"nothing": NOTHING, "Dockerfile": DOCKERFILE}, "Begin")
    (app.worktree.directory / "nothing").chmod(0o755)
    return app


def _apply(platform: lab.Platform, *manifests: dict[str, Any]) -> None:
    items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    as_operator = ("--server-side", "--field-manager=kapsa", "--force-conflicts")
    platform.kubectl("apply", *as_operator, "-f", "-", input=json.dumps(items))


def order(app: Application, commit: str, *, cache: bool = False, **build: Any) -> BuildOrder:
    """Return a build of a commit, pushed by a tag of its own."""
    number = next(_numbers)
    repository = f"{app.registry.host}/{app.image_repository}"
    return BuildOrder(
        name=f"build-{number}",
        key=f"key-{number}",
        attempt=1,
        requested_at="",
        origin=Origin(app.namespace, app.name, "a-uid", f"{app.name}-main"),
        repository=app.repository.clone_url,
        commit=commit,
        build=Build(strategy="dockerfile", **build),
        image=f"{repository}:kapsa-{number}",
        cache=f"{repository}:cache" if cache else "",
        insecure=True,
        with_ca=False,
        with_git_credentials=True,
        timeout=60,
        settings=BuildSettings(BUILD_NAMESPACE, "buildkit", "", Settings().build_limits),
    )


def secrets(app: Application, token: str = "") -> BuildSecrets:
    """Return what a build knows."""
    registry = app.registry
    said = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
    return BuildSecrets(
        git_username=app.gitea.username,
        git_password=token or app.token,
        docker_config=json.dumps({"auths": {registry.host: {"auth": said}}}),
        values=(app.token, registry.password),
    )


def begin(app: Application, wanted: BuildOrder, known: BuildSecrets | None = None) -> None:
    """Apply the objects of a build, as the operator does."""
    _apply(app.platform, *map(stamp, BuildKit().objects(wanted, known or secrets(app))))


def look(app: Application, wanted: BuildOrder) -> LiveBuild:
    """Return what a build's objects say of it."""
    server = app.platform.api_server
    job = read_object(server, "jobs", wanted.name, BUILD_NAMESPACE)
    assert job is not None
    pods = read_objects(server, "pods", labelSelector=f"{labels.BUILD}={wanted.name}")
    found = BuildKit().read({"kind": "Job", **job}, [trim_pod(pod) for pod in pods])
    assert found is not None
    return found


def end(app: Application, wanted: BuildOrder) -> LiveBuild:
    """Wait until a build has ended, and return what is known of it."""

    def ended() -> LiveBuild | None:
        found = look(app, wanted)
        return None if found.state is BuildState.RUNNING else found

    return wait_for(f"build {wanted.name} has ended", ended, within=90)


def built(app: Application, wanted: BuildOrder) -> LiveBuild:
    """Carry a build out, which must succeed."""
    begin(app, wanted)
    found = end(app, wanted)
    assert found.state is BuildState.SUCCEEDED, f"{found}\n{log_of(app, wanted)}"
    return found


def log_of(app: Application, wanted: BuildOrder, container: str = "build") -> str:
    """Return the log of a build, as the API server shows it."""
    selector = f"{labels.BUILD}={wanted.name}"
    return app.platform.kubectl(
        "logs", "-n", BUILD_NAMESPACE, "-l", selector, "-c", container, "--tail=-1"
    )


def cached(app: Application, wanted: BuildOrder) -> set[str]:
    """Carry a build out, and return the steps whose results were there already."""
    built(app, wanted)
    log = log_of(app, wanted)
    numbers = re.findall(r"^#(\d+) CACHED$", log, re.MULTILINE)
    steps = re.findall(r"^#(\d+) \[\d/\d\] (.*)$", log, re.MULTILINE)
    return {text for number, text in steps if number in numbers}


def blob(registry: Registry, path: str) -> bytes:
    """Return what the registry answers, who asks for a password."""
    accept = "application/vnd.oci.image.manifest.v1+json"
    accept += ", application/vnd.docker.distribution.manifest.v2+json"
    answer = request(
        "GET",
        f"{registry.url}/v2/{path}",
        authorization=basic(registry.pull_username, registry.pull_password),
        headers={"Accept": accept},
    )
    assert answer.status == 200, answer.body
    return answer.body


def image(app: Application, digest: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the configuration and the files of an image."""
    manifest = json.loads(blob(app.registry, f"{app.image_repository}/manifests/{digest}"))
    files: dict[str, bytes] = {}
    for layer in manifest["layers"]:
        packed = blob(app.registry, f"{app.image_repository}/blobs/{layer['digest']}")
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member)
                files[member.name] = content.read() if content else b""
    config = blob(app.registry, f"{app.image_repository}/blobs/{manifest['config']['digest']}")
    return json.loads(config), files


def test_the_commit_is_in_the_registry_by_the_digest_that_the_build_tells(
    app: Application, node: BuildNode
) -> None:
    sha = app.commit(files={"version.txt": "the first"}, image=False)
    app.commit(files={"version.txt": "the second"}, image=False)
    wanted = order(app, sha)

    found = built(app, wanted)

    assert found.digest
    assert found.ended_at
    _, files = image(app, found.digest)
    assert files["version.txt"] == b"the first"
    for manifest in map(stamp, BuildKit().objects(wanted, secrets(app))):
        live = read_object(app.platform.api_server, manifest["kind"], wanted.name, BUILD_NAMESPACE)
        assert live is not None
        assert drift(manifest, live) == []
    by_tag = blob(app.registry, f"{app.image_repository}/manifests/kapsa-{wanted.key[4:]}")
    assert by_tag == blob(app.registry, f"{app.image_repository}/manifests/{found.digest}")


def test_the_same_source_gives_the_same_image(app: Application, node: BuildNode) -> None:
    sha = app.commit(files={"version.txt": "same"}, image=False)

    both = order(app, sha), order(app, sha)
    for wanted in both:
        begin(app, wanted)
    first, second = (end(app, wanted) for wanted in both)

    assert first.digest
    assert first.digest == second.digest


def test_a_sub_directory_is_the_whole_context(app: Application, node: BuildNode) -> None:
    dockerfile = "FROM scratch\nCOPY . /\n"
    sha = app.commit(
        files={"web/docker/Dockerfile": dockerfile, "web/page.txt": "page", "top.txt": "top"},
        image=False,
    )

    found = built(app, order(app, sha, context="web", dockerfile="docker/Dockerfile"))

    _, files = image(app, found.digest)
    assert files["page.txt"] == b"page"
    assert not any("top.txt" in name for name in files)


def test_build_args_arrive_as_they_are_written(app: Application, node: BuildNode) -> None:
    value = 'a, b=c "d" $(KAPSA) $$HOME'
    sha = app.commit(
        files={"Dockerfile": "FROM scratch\nARG SAID\nLABEL said=$SAID\nCOPY version.txt /\n",
               "version.txt": "1"},
        image=False,
    )  # fmt: skip

    found = built(app, order(app, sha, args=({"name": "SAID", "value": value},)))

    config, _ = image(app, found.digest)
    assert config["config"]["Labels"]["said"] == value


def test_what_did_not_change_comes_from_the_cache(app: Application, node: BuildNode) -> None:
    first = app.commit(files={"version.txt": "1"}, image=False)
    second = app.commit(files={"version.txt": "2"}, image=False)
    assert cached(app, order(app, first, cache=True)) == set()
    again = cached(app, order(app, second, cache=True))
    assert "COPY nothing /nothing" in again
    assert "COPY version.txt /version.txt" not in again


def test_a_dockerfile_that_fails_is_told_with_its_log(app: Application, node: BuildNode) -> None:
    sha = app.commit(files={"Dockerfile": DOCKERFILE + 'RUN ["/missing"]\n',
                            "version.txt": "1"}, image=False)  # fmt: skip
    wanted = order(app, sha)
    begin(app, wanted)

    found = end(app, wanted)

    assert (found.state, found.digest, found.is_transient) == (BuildState.FAILED, "", False)
    assert found.message == "container build ended with exit code 1"
    assert 'process "/missing" did not complete successfully' in log_of(app, wanted)


@pytest.mark.parametrize(
    ("context", "said"),
    [("nowhere", "Not a valid object name"), ("link", "failed to unpack tree object")],
)
def test_a_context_that_is_no_directory_of_the_commit_is_refused(
    app: Application, node: BuildNode, context: str, said: str
) -> None:
    (app.worktree.directory / "link").symlink_to("/kapsa/registry")
    sha = app.commit(files={"version.txt": "1"}, image=False)
    wanted = order(app, sha, context=context)
    begin(app, wanted)

    found = end(app, wanted)

    assert (found.state, found.is_transient) == (BuildState.FAILED, False)
    assert said in log_of(app, wanted, "source")


def test_a_refused_password_is_no_passing_fault(app: Application, node: BuildNode) -> None:
    sha = app.commit(files={"version.txt": "1"}, image=False)
    wanted = order(app, sha)
    begin(app, wanted, secrets(app, token="nonsense"))

    found = end(app, wanted)

    assert (found.state, found.is_transient) == (BuildState.FAILED, False)
    assert "Authentication failed" in log_of(app, wanted, "source")


@pytest.mark.parametrize("server", ["registry", "gitea"])
def test_a_server_that_is_down_is_a_passing_fault(
    app: Application, node: BuildNode, server: str
) -> None:
    sha = app.commit(files={"version.txt": "1"}, image=False)
    wanted = order(app, sha)
    app.platform.stop(server)
    try:
        begin(app, wanted)
        found = end(app, wanted)
    finally:
        app.platform.start(server)

    assert (found.state, found.is_transient) == (BuildState.FAILED, True)


def test_a_build_that_is_deleted_ends(app: Application, node: BuildNode) -> None:
    """With it goes whatever it has started."""
    endless = NOTHING[:0x78] + b"\xeb\xfe" + NOTHING[0x7A:]  # a jump to itself
    sha = app.commit(files={"Dockerfile": DOCKERFILE, "version.txt": "1"}, image=False)
    (app.worktree.directory / "nothing").write_bytes(endless)
    sha = app.commit(files={"version.txt": "2"}, image=False)
    wanted = order(app, sha)
    begin(app, wanted)
    wait_for("the endless program runs", lambda: _processes("/nothing"), within=60)

    app.platform.kubectl("delete", "job", wanted.name, "-n", BUILD_NAMESPACE, "--wait=false")

    wait_for("it is gone", lambda: not _processes("/nothing"))


def test_nothing_of_a_build_outlives_whoever_runs_it(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "message").touch()
    sleep = ["sleep", str(100_000 + os.getpid())]
    description = Container(
        root=str(tmp_path / "root"),
        programs={},
        mounts={},
        read_only=[],
        termination_log=str(tmp_path / "message"),
        argv=sleep,
        env={},
    ).save(tmp_path / "container.json")
    script = "import sys, pathlib, lab.build_container as node; p = pathlib.Path(sys.argv[1])"
    script += "; node.start(p / 'container.json', p / 'log').wait()"
    runs = subprocess.Popen([sys.executable, "-c", script, str(description.parent)])
    wait_for("it runs", lambda: _processes("\0".join(sleep)), within=60)

    runs.kill()
    runs.wait()

    wait_for("it is gone", lambda: not _processes("\0".join(sleep)))


def test_secrets_are_nowhere_but_in_files(app: Application, node: BuildNode) -> None:
    sha = app.commit(files={"version.txt": "1"}, image=False)
    wanted = order(app, sha)
    known = secrets(app)
    hidden = {form for value in known.values for form in forms(value)}
    hidden.add(basic(known.git_username, known.git_password).removeprefix("Basic "))
    hidden.add(basic(app.registry.username, app.registry.password).removeprefix("Basic "))

    with (
        collecting(_processes) as seen,
        before_the_forge(wanted.repository, lambda: seen.update(_processes())) as url,
    ):
        built(app, replace(wanted, repository=url))

    assert any("git fetch" in said for said in seen)
    assert any("buildkitd" in said for said in seen)
    server = app.platform.api_server
    of_build = f"{labels.BUILD}={wanted.name}"
    objects = read_objects(server, "jobs,pods", labelSelector=of_build)
    objects += [
        item
        for item in read_objects(server, "events")
        if item["metadata"]["namespace"] == BUILD_NAMESPACE
    ]
    assert {item["kind"] for item in objects} == {"Job", "Pod", "Event"}
    logs = [log_of(app, wanted, container) for container in ("source", "build")]
    told = [*seen, *logs, json.dumps(objects), json.dumps(node.arguments)]
    assert [form for form in hidden for text in told if form in text] == []


def _processes(first: str = "") -> list[str]:
    """Return arguments and environment of processes in other process namespaces than ours."""
    ours, found = Path("/proc/self/ns/pid").readlink(), []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            if (directory / "ns/pid").readlink() == ours:
                continue
            arguments = (directory / "cmdline").read_bytes()
            environment = (directory / "environ").read_bytes()
        except OSError:
            continue
        if arguments.startswith(first.encode()):
            found.append((arguments + b" " + environment).replace(b"\0", b" ").decode())
    return found
