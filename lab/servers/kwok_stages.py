"""How the simulated nodes treat the pods of Jobs: their commands decide how they end.

Nothing really runs. `false` ends with exit code 1, `sleep` never ends, and everything else succeeds
in about a second. Every container has the same log, but for those of builds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lab.paths import write_private
from lab.site import Site

LOG: Final = ("connecting with correct-horse-battery", "no such table: users")
"""What each container has written, line by line."""

BUILD_NAMESPACE: Final = "kapsa-builds"
BUILD_CONTAINERS: Final = ("source", "build")
"""The containers of builds, each with a log of its own that `lab.build_node` writes."""

_COMMAND: Final = ".spec.containers.[0].command.[0]"

# Of the stages that fit, one without a weight is left alone: kwok's own, by which pods of Jobs end.
_STAGES: Final = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {{name: pod-false}}
spec:
  resourceRef: {{apiGroup: v1, kind: Pod}}
  weight: 1
  selector: {of_jobs}
    - {{key: '{command}', operator: In, values: ['false']}}
  next:
    statusTemplate: |
      {{{{ $now := Now }}}}
      {{{{ $root := . }}}}
      containerStatuses:
      {{{{ range $index, $item := .spec.containers }}}}
      - image: {{{{ $item.image | Quote }}}}
        name: {{{{ $item.name | Quote }}}}
        ready: false
        restartCount: 0
        started: false
        state:
          terminated:
            exitCode: 1
            finishedAt: {{{{ $now | Quote }}}}
            reason: Error
            startedAt: {{{{ $now | Quote }}}}
      {{{{ end }}}}
      phase: Failed
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {{name: pod-sleep}}
spec:
  resourceRef: {{apiGroup: v1, kind: Pod}}
  weight: 1
  delay: {{durationMilliseconds: 86400000}}
  selector: {of_jobs}
    - {{key: '{command}', operator: In, values: [sleep]}}
  next: {{}}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {{name: builds}}
spec:
  selector: {{matchNamespaces: [{builds}]}}
  logs:{build_logs}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {{name: all}}
spec:
  logs: [{{logsFile: {log}}}]
"""

_OF_JOBS: Final = """
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.phase', operator: In, values: [Running]}
    - {key: '.metadata.ownerReferences.[].kind', operator: In, values: [Job]}"""


def build_log(home: Path, container: str) -> Path:
    """Return the file with the log of the containers of that name, below kwok's directory."""
    return home / f"build-{container}.log"


def write_stages(site: Site, server: str) -> Path:
    """Write kwok's configuration, and the log that every container has; return the former."""
    home = site.home(server)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    # The form of container runtimes: time, stream, whole line or not, text.
    log = write_private(home / "pods.log", "".join(f"{now} stdout F {line}\n" for line in LOG))
    logs = {name: build_log(home, name) for name in BUILD_CONTAINERS}
    for file in logs.values():
        file.touch()
    items = [f"\n  - {{containers: [{name}], logsFile: {file}}}" for name, file in logs.items()]
    text = _STAGES.format(
        of_jobs=_OF_JOBS,
        command=_COMMAND,
        log=log,
        builds=BUILD_NAMESPACE,
        build_logs="".join(items),
    )
    return write_private(home / "stages.yaml", text)
