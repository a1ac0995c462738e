"""How far a build with kpack is, and why it failed.

Source: https://github.com/buildpacks-community/kpack/tree/v0.10.1/pkg/apis/build/v1alpha2
(`BuildStatus`, `ImageStatus`) and pkg/reconciler, which writes them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kapsa.core.builds.build_pods import ContainerEnd, container_ends, pod_words
from kapsa.core.builds.failures import is_transient
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.metadata import live_build
from kapsa.core.builds.pod_reports import delay, end_of, timed_out

Manifest = Mapping[str, Any]

_NOT_BEGUN: Final = "kpack has not begun it yet; if it stays so, see whether its controller runs"
_STATES: Final = {"True": BuildState.SUCCEEDED, "False": BuildState.FAILED}
_DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})$")
_TOO_LONG: Final = "DeadlineExceeded"
_OVERUSE: Final = re.compile(r"exceed(s|ed) (its|the) ")
"""The kubelet's words where it evicts a pod that took more of the disk than its limit."""
_HINTS: Final = {
    ("detect", 20): "no buildpack of the builder fits the source",
    ("detect", 100): "no buildpack of the builder fits the source",
}
"""Source: https://github.com/buildpacks/lifecycle/blob/v0.14.1/platform/exit.go"""


def read_build(manifest: Manifest, pods: Sequence[Manifest]) -> LiveBuild | None:
    """Return what a Build and its pods say of a build; None where Kapsa did not make it."""
    status, condition = _status(manifest), _condition(manifest, "Succeeded")
    state = _STATES.get(condition.get("status", ""), BuildState.RUNNING)
    found = live_build(manifest, state, manifest["spec"].get("activeDeadlineSeconds"))
    if found is None:
        return None
    if state is BuildState.RUNNING:
        trouble = str(condition.get("message") or "")
        return replace(found, message=_waits_for(status, pods, trouble))
    return _ended(found, condition, status, pods)


def read_image(manifest: Manifest, pods: Sequence[Manifest]) -> LiveBuild | None:
    """Return what an Image and the pods of its Builds say of a build; None where it isn't Kapsa's.

    kpack builds an Image anew when its builder changes. That is no business of the build: once it
    has an image, it has succeeded.
    """
    status, condition = _status(manifest), _condition(manifest, "Ready")
    state = _STATES.get(condition.get("status", ""), BuildState.RUNNING)
    if status.get("latestImage"):
        state = BuildState.SUCCEEDED
    seconds = (manifest["spec"].get("build") or {}).get("buildTimeout")
    found = live_build(manifest, state, seconds)
    if found is None:
        return None
    if state is BuildState.RUNNING:
        builder = _condition(manifest, "BuilderReady")
        trouble = str(builder.get("message") or "") if builder.get("status") == "False" else ""
        return replace(found, message=_waits_for(status, pods, trouble))
    return _ended(found, condition, status, pods)


def _waits_for(status: Manifest, pods: Sequence[Manifest], trouble: str) -> str:
    """Return why a build doesn't go on, as far as that is known."""
    return delay(pods) or trouble or ("" if status else _NOT_BEGUN)


def _ended(
    found: LiveBuild, condition: Manifest, status: Manifest, pods: Sequence[Manifest]
) -> LiveBuild:
    found = replace(found, ended_at=str(condition.get("lastTransitionTime") or ""))
    if found.state is BuildState.SUCCEEDED:
        match = _DIGEST.search(str(status.get("latestImage") or ""))
        return replace(found, digest=match[1] if match else "")
    said = str(condition.get("message") or "")
    return replace(
        found,
        message=_why(said, status, pods, found.timeout),
        is_transient=is_transient([f"ERROR: {said}"]) or _is_disrupted(pods),
    )


def _why(said: str, status: Manifest, pods: Sequence[Manifest], seconds: int) -> str:
    """Return why a build failed: kpack says it itself where there never was a pod."""
    if said:
        return f"kpack says: {said}"
    words = pod_words(pods)
    if words.startswith(_TOO_LONG):
        return timed_out(seconds)
    if words:
        return f"its pod was ended: {words}"
    for end in (*container_ends(pods), *_steps(status)):
        if end.exit_code:
            hint = _HINTS.get((end.name, end.exit_code), "")
            return end_of(end) + (f": {hint}" if hint else "")
    return ""


def _steps(status: Manifest) -> Iterator[ContainerEnd]:
    """Yield how the steps of a Build ended, as far as kpack keeps that when the pod is gone.

    Their states have no names. Those that went well are named elsewhere, in the same order.
    """
    for place, state in enumerate(status.get("stepStates") or (), start=1):
        if ended := state.get("terminated"):
            code, reason = int(ended.get("exitCode") or 0), str(ended.get("reason") or "")
            yield ContainerEnd(f"no. {place}", code, reason, "")


def _is_disrupted(pods: Sequence[Manifest]) -> bool:
    """Tell whether the pod was ended by its node, for a reason that isn't the build's."""
    words = pod_words(pods)
    return bool(words) and not words.startswith(_TOO_LONG) and not _OVERUSE.search(words)


def _status(manifest: Manifest) -> Manifest:
    status: Manifest = manifest.get("status") or {}
    return status


def _condition(manifest: Manifest, kind: str) -> Manifest:
    for condition in _status(manifest).get("conditions") or ():
        if condition.get("type") == kind:
            return dict(condition)
    return {}
