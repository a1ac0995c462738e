"""Builds of Dockerfiles, by Jobs with rootless BuildKit."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kapsa.core.builds.build_pods import ContainerEnd, container_ends, pod_words
from kapsa.core.builds.buildkit_files import files
from kapsa.core.builds.failures import is_transient, obstacle
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.metadata import live_build
from kapsa.core.builds.orders import BuildOrder, BuildSecrets
from kapsa.core.builds.pod_reports import delay, end_of, timed_out
from kapsa.core.builds.strategies import Manifest
from kapsa.core.jobs.live_jobs import ended_at, failure_of, result_of
from kapsa.core.manifests.build_job import BUILD, build_job
from kapsa.core.manifests.build_secret import build_secret

_STATES: Final = {
    "Running": BuildState.RUNNING,
    "Succeeded": BuildState.SUCCEEDED,
    "Failed": BuildState.FAILED,
}
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DIGEST_KEY: Final = "containerimage.digest"
_DISRUPTED: Final = "PodFailurePolicy"
_TOO_LONG: Final = "DeadlineExceeded"


class BuildKit:
    """The strategy `dockerfile`."""

    def objects(self, order: BuildOrder, secrets: BuildSecrets) -> tuple[Manifest, ...]:
        """Return the Secret with what the build must know, and the Job."""
        return build_secret(order, files(order, secrets)), build_job(order)

    def read(
        self, manifest: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]
    ) -> LiveBuild | None:
        """Return what a Job, and its pods as the cache has trimmed them, say of a build."""
        if manifest["kind"] != "Job":
            return None
        state = _STATES[result_of(manifest)]
        found = live_build(
            manifest, state, (manifest.get("spec") or {}).get("activeDeadlineSeconds")
        )
        if found is None:
            return None
        if state is BuildState.RUNNING:
            return replace(found, message=delay(pods))
        found = replace(found, ended_at=ended_at(manifest) or "")
        ends = container_ends(pods)
        if state is BuildState.SUCCEEDED:
            return replace(found, digest=_digest(ends))
        return replace(found, message=_why(manifest, pods), is_transient=_may_pass(manifest, ends))


def _digest(ends: Sequence[ContainerEnd]) -> str:
    """Return the digest in BuildKit's metadata, which is the termination message."""
    for item in ends:
        if item.name != BUILD:
            continue
        try:
            said = json.loads(item.message)
        except ValueError:
            continue
        digest = said.get(_DIGEST_KEY) if isinstance(said, dict) else None
        if isinstance(digest, str) and _DIGEST.fullmatch(digest):
            return digest
    return ""


def _why(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> str:
    reason, message = failure_of(job)
    if reason == _TOO_LONG:
        return timed_out(job["spec"].get("activeDeadlineSeconds"))
    if reason == _DISRUPTED:
        return f"its pod was evicted, preempted or lost with its node: {message}"
    if words := pod_words(pods):
        return f"its pod was ended: {words}"
    for item in container_ends(pods):
        if item.exit_code:
            return obstacle(item.message.splitlines()) or end_of(item)
    return ": ".join(filter(None, (reason, message)))


def _may_pass(job: Mapping[str, Any], ends: Sequence[ContainerEnd]) -> bool:
    """Tell whether a build failed for a reason that has nothing to do with the commit."""
    if failure_of(job)[0] == _DISRUPTED:
        return True
    return any(item.exit_code and is_transient(item.message.splitlines()) for item in ends)
