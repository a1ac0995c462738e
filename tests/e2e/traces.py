"""What of a laboratory's node can be seen on this machine."""

import os
from contextlib import suppress
from pathlib import Path


def traces(name: str, directory: Path) -> dict[str, list[str]]:
    """Find what is left of the node called `name`, of the laboratory in `directory`.

    Returns:
        Names by kind: processes, network namespaces, links, control groups, files.
    """
    pids = processes(name, directory)
    return {
        "processes": pids,
        "network namespaces": sorted(_foreign_namespaces(pids)),
        "links": [link.name for link in Path("/sys/class/net").iterdir() if link.name == name],
        "control groups": [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{name}")],
        "files": [str(directory)] if directory.exists() else [],
    }


def processes(name: str, directory: Path) -> list[str]:
    """List the processes that are in the node's control group, or were told the directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with suppress(OSError):
                group = (process / "cgroup").read_text("utf-8", "replace")
                command = (process / "cmdline").read_text("utf-8", "replace")
                if f"/{name}/" in group or str(directory) in command:
                    found.append(process.name)
    return found


def links() -> set[str]:
    """Return the network interfaces of this machine; the kernel takes those of pods away later."""
    return {link.name for link in Path("/sys/class/net").iterdir()}


def mounts() -> list[str]:
    """List the mounts of this machine."""
    lines = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    return sorted(line.split(" ")[4] for line in lines)


def _foreign_namespaces(pids: list[str]) -> set[str]:
    ours = str(Path("/proc/self/ns/net").readlink())
    found = set()
    for pid in pids:
        with suppress(OSError):
            found.add(str(Path(f"/proc/{pid}/ns/net").readlink()))
    return found - {ours}
