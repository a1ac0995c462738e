"""What the story is told on: a laboratory with Kapsa installed, its operator, an application."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import builds
from lab.certificates import create_ca_issuer
from lab.demo.manifests import POLL_SECONDS, Files, write_manifests, write_real_manifests
from lab.demo.snapshot import Snapshot, take
from lab.errors import ServerError
from lab.laboratory import running
from lab.node import missing
from lab.operator import NAMESPACE, SERVICE_ACCOUNT, OperatorProcess, install, running_operator
from lab.platform import Platform
from lab.recipes import USUAL_PROFILES, NodeKind
from lab.scenario import Application, application

Say = Callable[[str], None]

SETTINGS = {
    "KAPSA_MIN_POLL_INTERVAL": str(POLL_SECONDS),
    "KAPSA_IMAGE_RETRY_INTERVAL": str(POLL_SECONDS),
    "KAPSA_MAX_IMAGE_RETRY_INTERVAL": str(POLL_SECONDS),
    "KAPSA_LOG_FORMAT": "console",
}
"""What the demo sets; everything else has the operator's defaults."""

_TEAM = "team-a"
_APPLICATION = "shop"


@dataclass(frozen=True)
class Stage:
    """A running laboratory, operator and application, and the manifests to begin with.

    Attributes:
        platform: The laboratory.
        operator: Its operator.
        app: The application.
        files: The manifests.
        ca_file: By what the certificates of URLs are verified; None where nothing answers there.
    """

    platform: Platform
    operator: OperatorProcess
    app: Application
    files: Files
    ca_file: Path | None = None

    @property
    def kubectl(self) -> str:
        """What a person types for kubectl: the laboratory's own, where none is on PATH."""
        return "kubectl" if shutil.which("kubectl") else str(self.platform.kubectl_binary)

    def look(self) -> Snapshot:
        """Look at the cluster.

        Raises:
            ServerError: The operator has ended.
            LabError: The API server did not answer.
        """
        self.require_operator()
        return take(self.platform)

    def require_operator(self) -> None:
        """Raise ServerError, with the last lines of its log, if the operator has ended."""
        if not self.operator.is_running:
            raise ServerError(f"the operator has ended:\n{self.operator.last_lines()}")


@contextmanager
def stage(say: Say, node: NodeKind) -> Iterator[Stage]:
    """Set the stage for the length of a `with` block; everything is gone afterwards.

    Args:
        say: Tells what is done.
        node: Whether containers really run.

    Raises:
        BuildError: A server could not be built.
        ServerError: A server or the operator did not start.
    """
    began = time.monotonic()
    say(_STARTING[node])
    with running(USUAL_PROFILES[node], node=node) as platform:
        say(f"They run, after {time.monotonic() - began:.1f} s. Installing Kapsa …")
        install(platform)
        is_real = node == "real"
        ca_file = create_ca_issuer(platform) if is_real else None
        settings = SETTINGS | (builds.enable_builds(platform) if is_real else {})
        with (
            application(platform, _APPLICATION, _TEAM) as app,
            running_operator(platform, settings) as operator,
        ):
            say(
                "Kapsa's CRDs and permissions are installed, and its operator runs as a process\n"
                f"of its own, as ServiceAccount {NAMESPACE}/{SERVICE_ACCOUNT},"
                f" after {time.monotonic() - began:.1f} s."
            )
            files = write_real_manifests(app) if is_real else write_manifests(app)
            yield Stage(platform, operator, app, files, ca_file)


def what_forbids_a_real_node() -> str:
    """Return why containers can't run in a laboratory here, in one line; '' where they can."""
    return missing() or builds.missing()


_STARTING: Final[dict[NodeKind, str]] = {
    "real": (
        "Starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler, a node\n"
        "(containerd, kubelet), Traefik, cert-manager, a forge (Gitea) and an OCI registry.\n"
        "The first time they are built: about 25 minutes on two cores."
    ),
    "simulated": (
        "Starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler, two\n"
        "simulated nodes (kwok), a forge (Gitea) and an OCI registry. The first time they\n"
        "are built: about 13 minutes on two cores."
    ),
}
