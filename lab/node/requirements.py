"""Whether this machine can have a real node."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

from lab.node import cgroups, network
from lab.recipes import Asked, NodeKind


def choose(asked: Asked, why_not: Callable[[], str], say: Callable[[str], None]) -> NodeKind:
    """The kind of node to have; says why, where it isn't what people would like best.

    `why_not` says why a real one is of no use here, as `missing` does.
    """
    if asked != "auto":
        return asked
    if why := why_not():
        say(f"Nodes are simulated: {why}")
        return "simulated"
    return "real"


def missing() -> str:
    """Why this machine can't have a real node, in one line; '' where it can."""
    if os.geteuid() != 0:
        return "A real node needs root."
    for program, package in (("runc", "runc"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            return f"A real node needs {program} on PATH (Debian: `apt install {package}`)."
    return _missing_control_groups() or _missing_namespaces() or _missing_bridge()


def _missing_control_groups() -> str:
    roots = cgroups.hierarchies_of_this_machine()
    if not roots:
        return "A real node needs control groups, and none are mounted below /sys/fs/cgroup."
    if closed := [str(root) for root in roots if not os.access(root, os.W_OK)]:
        return f"A real node needs control groups that can be written: {closed[0]} can't."
    return ""


def _missing_namespaces() -> str:
    probe = ("unshare", "--mount", "--pid", "--fork", "true")
    done = subprocess.run(probe, capture_output=True, text=True, check=False, timeout=20)
    if done.returncode != 0:
        return f"A real node needs mount and process namespaces: {done.stderr.strip()}."
    return ""


def _missing_bridge() -> str:
    bridge = f"kapsa-p{os.getpid()}"
    try:
        network.create(bridge)
    except OSError as error:
        return f"A real node needs a network bridge, and the kernel makes none: {error.strerror}."
    finally:
        network.delete(bridge)
    return ""
