"""Kubeconfigs and kubectl for the laboratory's API server, and for no other."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import yaml

from lab.errors import ForeignContextError, LabError
from lab.guard import CONTEXT, require_lab_context
from lab.paths import write_private

_CHOOSES_A_CLUSTER = re.compile(r"^(--(kubeconfig|context|cluster|server|user)(=|$)|-s)")


def write_kubeconfig(path: Path, *, server: str, ca_file: Path, user: str, token: str) -> Path:
    """Writes a kubeconfig that verifies the server's certificate against `ca_file`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [
            {
                "name": CONTEXT,
                "cluster": {"server": server, "certificate-authority": str(ca_file)},
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
    }
    return write_private(path, yaml.safe_dump(config, sort_keys=False))


def kubectl(
    binary: Path,
    kubeconfig: Path,
    home: Path,
    *arguments: str,
    input: str | None = None,  # noqa: A002 - subprocess's word for it
    timeout_seconds: float = 120,
) -> str:
    """Runs kubectl against the laboratory; what it printed on standard output.

    `home` is where kubectl may keep its caches; the user's own configuration is never read.
    Raises ForeignContextError before doing anything if the cluster isn't the laboratory's, and
    LabError with kubectl's message if it fails.
    """
    for argument in arguments:
        if argument == "--":
            break
        if _CHOOSES_A_CLUSTER.match(argument):
            raise ForeignContextError(f"{argument}: the laboratory's kubectl has its own cluster.")
    require_lab_context(kubeconfig)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "HTTP", "http"))}
    try:
        done = subprocess.run(
            [str(binary), f"--kubeconfig={kubeconfig}", f"--context={CONTEXT}", *arguments],
            input=input,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_seconds,
            env={**env, "HOME": str(home), "KUBERC": "off"},
        )
    except subprocess.TimeoutExpired as error:
        said = f"kubectl {' '.join(arguments)} took longer than {timeout_seconds:.0f} s"
        raise LabError(said) from error
    if done.returncode != 0:
        raise LabError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
