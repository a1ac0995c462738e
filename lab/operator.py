"""The operator on a laboratory: installed as a chart would, run as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from lab.deadline import Deadline
from lab.errors import LabError
from lab.interrupts import uninterrupted
from lab.platform import Platform
from lab.process import free_port
from lab.spawn import spawn

PROJECT_ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = "kapsa-system"
SERVICE_ACCOUNT = "kapsa-operator"

_CLUSTER_ROLE = "kapsa-operator"
_READY_WITHIN = 60.0
_POLL = 0.05
_STOPS_WITHIN = 15.0


def install(platform: Platform) -> None:
    """Apply the CRDs, and the operator's ServiceAccount with just the rules of its chart."""
    platform.kubectl("apply", "--server-side", "-f", str(PROJECT_ROOT / "crds"))
    platform.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", "-f", str(PROJECT_ROOT / "crds")
    )
    # Its garbage collector looks for new kinds only every 30 s: it finds ours when it starts.
    platform.restart("kube-controller-manager")
    manifests = {"apiVersion": "v1", "kind": "List", "items": list(_manifests())}
    platform.kubectl("apply", "-f", "-", input=json.dumps(manifests))


def _manifests() -> Iterator[dict[str, Any]]:
    rules = _chart_file("rbac.yaml")
    developer = _chart_file("developer-role.yaml")
    rbac = "rbac.authorization.k8s.io/v1"
    subject = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": SERVICE_ACCOUNT, "namespace": NAMESPACE},
    }
    yield {
        "apiVersion": rbac,
        "kind": "ClusterRole",
        "metadata": {"name": developer["name"]},
        "rules": developer["rules"],
    }
    for kind, scope, key in (
        ("ClusterRole", {}, "clusterRules"),
        ("Role", {"namespace": NAMESPACE}, "namespaceRules"),
    ):
        metadata = {"name": _CLUSTER_ROLE, **scope}
        yield {"apiVersion": rbac, "kind": kind, "metadata": metadata, "rules": rules[key]}
        yield {
            "apiVersion": rbac,
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": kind,
                "name": _CLUSTER_ROLE,
            },
            "subjects": [subject],
        }


def _chart_file(name: str) -> dict[str, Any]:
    text = (PROJECT_ROOT / "helm/kapsa/files" / name).read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


OPERATOR: Final = (sys.executable, "-m", "kapsa", "run")
"""The command that runs the operator of this checkout."""


@dataclass
class OperatorProcess:
    """One operator. `environment` is added to, and goes over, what a laboratory needs."""

    platform: Platform
    environment: Mapping[str, str] = field(default_factory=dict)
    kubeconfig: Path | None = None
    name: str = "operator"
    port: int = field(default_factory=free_port)
    command: Sequence[str] = OPERATOR
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        """Where its log is, from the first start on."""
        return self.platform.log(self.name)

    @property
    def address(self) -> str:
        """Address of its HTTP server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it; return once its caches are filled, or at once where `wait` is false.

        Raises:
            LabError: It ended, or is not ready within a minute; with the last lines of its log.
        """
        kubeconfig = self.kubeconfig or self.platform.service_account_kubeconfig(
            NAMESPACE, SERVICE_ACCOUNT
        )
        settings = _defaults(self.platform) | dict(self.environment)
        settings |= {"KUBECONFIG": str(kubeconfig), "KAPSA_METRICS_PORT": str(self.port)}
        self._process = spawn(
            self.command, log=self.log_file, env=_inherited() | settings, cwd=PROJECT_ROOT
        )
        if wait:
            self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = Deadline(_READY_WITHIN)
        while not self.is_ready:
            if not self.is_running or deadline.has_passed:
                how = "is not ready after a minute" if self.is_running else "ended"
                self.kill()
                raise LabError(f"the operator {how}:\n{self.last_lines()}")
            time.sleep(_POLL)

    @property
    def is_ready(self) -> bool:
        """Whether it says that its caches are filled."""
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def last_lines(self, count: int = 20) -> str:
        """Return the end of its log."""
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])

    def stop(self) -> int:
        """End it as Kubernetes would, by SIGTERM, after a while by SIGKILL; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it by SIGKILL, as a crash would."""
        return self._end(signal.SIGKILL)

    def signal_kill(self) -> None:
        """Send SIGKILL and return at once; `kill` or `start` tidies up."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self.is_running:
            self._process.send_signal(how)
        try:
            code = self._process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process = None
        return code


@contextlib.contextmanager
def running_operator(
    platform: Platform,
    environment: Mapping[str, str],
    *,
    name: str = "operator",
    command: Sequence[str] = OPERATOR,
) -> Iterator[OperatorProcess]:
    """Run an operator for the length of a `with` block, on a laboratory that has it installed."""
    operator = OperatorProcess(platform, environment, name=name, command=command)
    try:
        operator.start()
        yield operator
    finally:
        with uninterrupted():
            operator.stop()


def _inherited() -> dict[str, str]:
    """Return this process's environment without what would change the operator's settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KAPSA_", "KUBE")) and name.lower() not in _PROXIES
    }


_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


def _defaults(platform: Platform) -> dict[str, str]:
    return {
        "KAPSA_NAMESPACE": NAMESPACE,
        "KAPSA_BIND_ADDRESS": "127.0.0.1",
        # The laboratory's forge and registry are on this machine, and speak plain http.
        "KAPSA_ALLOWED_PRIVATE_HOSTS": f"127.0.0.1,localhost,{platform.address}",
        "KAPSA_ALLOW_HTTP_REPOSITORIES": "true",
        # It goes with the laboratory.
        "KAPSA_GIT_CACHE_DIRECTORY": str(platform.directory / "git-cache"),
    }
