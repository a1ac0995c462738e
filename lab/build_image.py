"""The image in which Kapsa builds Dockerfiles, made here: what `moby/buildkit:…-rootless` has.

BuildKit and rootlesskit are the lab's; runc, git, a shell and the programs that BuildKit's script
calls are this machine's, and so are those that map users, or they are of Debian's package.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lab import uidmap
from lab.build_home import ACCOUNTS, DAEMONLESS, OWN_DIRECTORIES, USER, VARIABLES
from lab.builder import build
from lab.errors import LabError
from lab.images import Layer, Registry, layer_of, push_layer
from lab.interrupts import uninterrupted
from lab.lock import exclusive
from lab.paths import cache_directory
from lab.recipes import book
from lab.rootfs import Entry, fingerprint, program, tar

REPOSITORY = "kapsa-lab/buildkit"

_RECIPES = ("buildkitd", "buildctl", "rootlesskit")
# What scripts call: BuildKit's, and those of the Job.
_TOOLS = ("sh", "git", "awk", "cat", "expr", "id", "mkdir", "mktemp", "rm", "sleep")
# By capabilities, as in the original: set-user-ID would need CAP_SYS_ADMIN, which a pod hasn't got.
_CAP_SETGID, _CAP_SETUID = 6, 7
_MAPPERS = {"newuidmap": _CAP_SETUID, "newgidmap": _CAP_SETGID}
_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_LINKER_CACHE = "/etc/ld.so.cache"
_GIT_TEMPLATES = "/usr/share/git-core/templates"


def missing() -> str:
    """Why the image can't be made here, and what to do; nothing where it can."""
    if absent := uidmap.absent(("runc", *_MAPPERS, *_TOOLS)):
        return (
            f"The image for builds needs {', '.join(absent)} on PATH."
            " Install them (Debian: `apt install runc uidmap git mawk`)."
        )
    return ""


def push_build_image(registry: Registry) -> str:
    """Pushes the image, and makes it first if the cache hasn't got it; its reference by digest.

    That is what KAPSA_BUILDKIT_IMAGE is to be. Raises LabError if it can't be made.
    """
    settings: dict[str, object] = {
        "User": f"{USER}:{USER}",
        "Env": [f"{name}={value}" for name, value in VARIABLES.items()],
        "Entrypoint": ["rootlesskit", "buildkitd"],
    }
    tag = f"v{book().recipes['buildkitd'].version}-rootless"
    digest = push_layer(registry, REPOSITORY, tag, build_layer(), settings)
    return f"{registry.host}/{REPOSITORY}@{digest}"


def build_layer() -> Layer:
    """The one layer of the image, from the cache if it was made of the same files before."""
    if why := missing():
        raise LabError(why)
    entries = [*_entries()]
    directory = cache_directory() / "build-image"
    found = directory / fingerprint(entries)
    with exclusive(directory / "lock", "making of the image for builds", _say):
        if not found.exists():
            _save(layer_of(tar(entries)), found)
        diff_id, _, packed = found.read_bytes().partition(b"\n")
    return Layer(packed, diff_id.decode())


def _save(layer: Layer, place: Path) -> None:
    """Writes a layer all at once; those of other files go. Only for the holder of the lock."""
    fresh = place.with_name("new")
    with uninterrupted():
        fresh.write_bytes(layer.diff_id.encode() + b"\n" + layer.packed)
        fresh.replace(place)
        for other in place.parent.iterdir():
            if other.name not in (place.name, "lock"):
                other.unlink()


def _entries() -> Iterator[Entry]:
    yield Entry("/tmp", mode=0o1777)  # noqa: S108 - the image's
    for name in OWN_DIRECTORIES:
        yield Entry(name, mode=0o700, owner=USER)
    for name, text in ACCOUNTS.items():
        yield Entry(name, mode=0o644, text=text)
    for name in (*_CERTIFICATES, _LINKER_CACHE):
        if Path(name).exists():
            yield Entry(name, mode=0o644, source=Path(name))
    yield from _buildkit()
    yield from _git()
    yield from program(_which("runc"), "/usr/bin/buildkit-runc")
    for name, capability in _MAPPERS.items():
        yield from program(_which(name), f"/usr/bin/{name}", capability=capability)
    for name in _TOOLS:
        yield from program(_which(name), f"/usr/bin/{name}")
    yield Entry("/bin/sh", link="/usr/bin/sh")


def _buildkit() -> Iterator[Entry]:
    made = build(book().select(_RECIPES))
    for name, path in made.items():
        yield Entry(f"/usr/bin/{name}", source=path)
    script = made["buildctl"].parent / DAEMONLESS
    yield Entry("/usr/bin/buildctl-daemonless.sh", source=script)


def _git() -> Iterator[Entry]:
    """What git needs beside itself, to fetch over http and https."""
    done = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    directory = Path(done.stdout.strip())
    for name in ("git-remote-http", "git-remote-https"):
        yield from program(directory / name)
    yield Entry(_GIT_TEMPLATES)


def _which(name: str) -> Path:
    found = uidmap.find(name)
    if found is None:
        raise LabError(missing())
    return found


def _say(message: str) -> None:
    print(f"lab: {message}", file=sys.stderr)
