"""Finds out why a build failed: the last lines of its log, without what must not show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError, Waiting
from kapsa.adapters.resources import PODS
from kapsa.core import labels
from kapsa.core.builds.failures import is_transient
from kapsa.core.builds.live import LiveBuild
from kapsa.core.redaction import all_forms
from kapsa.utils.text import last_lines, sanitise

_LINES: Final = 20
_LIMIT: Final = 700
"""Longest explanation (characters): with what is said around it, it still fits a condition."""
_MOST_REMEMBERED: Final = 1000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BuildFailures:
    """Explains failures, each once, or until the log can be read and shown.

    Attributes:
        cluster: The API.
        namespace: Where builds are.
    """

    cluster: Cluster
    namespace: str
    _explained: dict[str, LiveBuild] = field(default_factory=dict)

    def knows(self, build: LiveBuild) -> bool:
        """Tell whether a failure was explained before: then nobody needs to know its secrets."""
        return build.uid in self._explained

    async def explain(self, build: LiveBuild, secrets: Iterable[str] | None) -> LiveBuild:
        """Return a failed build with its reason and the last lines of its log.

        Args:
            build: A build that failed.
            secrets: Values that must not show, in no form. None where they aren't known: then no
                log can be shown.
        """
        known = self._explained.get(build.uid)
        if known is not None:
            return known
        hidden = all_forms(secrets or ())
        text, is_final = (None, False) if secrets is None else await self._log(build)
        why = sanitise(build.message, _LIMIT // 3, hidden) or "it failed"
        if text is None:
            message = f"{why}; its log could not be read"
        else:
            intro = f"{why}; its log ends: "
            lines = last_lines(text, _LIMIT - len(intro), hidden)
            message = f"{intro}{lines}" if lines else f"{why}; its log is empty"
        explained = replace(
            build,
            message=message,
            is_transient=build.is_transient or is_transient((text or "").splitlines()[-_LINES:]),
        )
        if is_final:
            if len(self._explained) >= _MOST_REMEMBERED:
                del self._explained[next(iter(self._explained))]
            self._explained[build.uid] = explained
        return explained

    async def _log(self, build: LiveBuild) -> tuple[str | None, bool]:
        """Return the end of a build's log, None where there is none, and whether that stays so."""
        selector = f"{labels.MANAGED_BY}={labels.MANAGER},{labels.BUILD}={build.name}"
        try:
            listing = await self.cluster.list_all(PODS, selector, self.namespace)
            pods = sorted(
                listing.items, key=lambda pod: str(pod["metadata"].get("creationTimestamp", ""))
            )
            if not pods:
                return None, True
            text = await self.cluster.pod_log(
                pods[-1]["metadata"]["name"],
                self.namespace,
                container=_failed_container(pods[-1]),
                lines=_LINES,
            )
        except AdapterError as error:
            # No log is no reason to fail.
            log.info("the log of a build can't be read", name=build.name, why=str(error))
            return None, not isinstance(error, Waiting)
        return text, True


def _failed_container(pod: Mapping[str, Any]) -> str:
    """Return the container that failed; the last one where none says so."""
    status = pod.get("status") or {}
    for item in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        if ((item.get("state") or {}).get("terminated") or {}).get("exitCode"):
            return str(item["name"])
    return str(pod["spec"]["containers"][-1]["name"])
