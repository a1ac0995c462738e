"""The first process of a node: furnishes its namespaces, and runs containerd and kubelet in them.

It is started below `unshare`, as root, with the path of a description:
`python -m lab.node.inside machine.json`. It ends when containerd or kubelet does, and with it the
kernel ends all that runs on the node.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.builder.diagnosis import last_lines
from lab.node import mounts
from lab.node.machine import Machine
from lab.node.tunables import TUNABLES

_CONTAINERD_WITHIN = 60.0


def _furnish(machine: Machine) -> None:
    """Gives containerd and kubelet their usual places, out of sight of the rest of the machine."""
    mounts.fresh("proc", Path("/proc"))
    # Opened before anything is covered, since what is covered may be the way to them.
    kept = {Path(path): os.open(path, os.O_PATH) for path in machine.kept}
    covers = {Path(place): _open_new(source) for place, source in machine.covers.items()}
    for place, descriptor in covers.items():
        mounts.bind(f"/proc/self/fd/{descriptor}", place)
    mounts.fresh("tmpfs", Path("/run"))
    for path, descriptor in kept.items():
        if not _is_in_sight(path, descriptor):
            path.mkdir(parents=True, exist_ok=True)
            mounts.bind(f"/proc/self/fd/{descriptor}", path)
    for descriptor in (*kept.values(), *covers.values()):
        os.close(descriptor)
    _pretend(Path(machine.directory) / "tunables")
    mounts.share_all()


def _open_new(directory: str) -> int:
    Path(directory).mkdir(parents=True, exist_ok=True)
    return os.open(directory, os.O_PATH)


def _is_in_sight(path: Path, descriptor: int) -> bool:
    return path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor))


def _pretend(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    for name, value in TUNABLES.items():
        file = directory / name.replace("/", ".")
        file.write_text(f"{value}\n", "ascii")
        mounts.bind(str(file), Path("/proc/sys", name))


def _start(command: Sequence[str], log: str) -> subprocess.Popen[bytes]:
    with Path(log).open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )


def _answers(command: Sequence[str], server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _CONTAINERD_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return True
        time.sleep(0.05)
    return False


def _first_to_end(servers: Mapping[int, str]) -> str:
    """Waits for one of the servers to end; reaps all that have lost their parents."""
    while True:
        pid, _ = os.wait()
        if pid in servers:
            return servers[pid]


def main(description: str) -> int:
    """Runs the node until containerd or kubelet ends; shows the end of that one's log."""
    machine = Machine(**json.loads(Path(description).read_text("utf-8")))
    _furnish(machine)
    ended = "containerd"
    containerd = _start(machine.containerd, machine.logs["containerd"])
    if _answers(machine.answers, containerd):
        subprocess.run(machine.prepare, check=True)
        kubelet = _start(machine.kubelet, machine.logs["kubelet"])
        ended = _first_to_end({containerd.pid: "containerd", kubelet.pid: "kubelet"})
    print(f"{ended} ended, or did not start:\n{last_lines(Path(machine.logs[ended]))}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
