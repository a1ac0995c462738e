"""kpack: its custom resources, and its own API package as a program. Its controller isn't here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lab.errors import LabError
from lab.platform import Platform

Manifest = dict[str, Any]

_CRDS = "kpack-crds"
_PROGRAM = "kpack-api"


@dataclass(frozen=True)
class Verdict:
    """What kpack makes of a Build or Image.

    Attributes:
        error: What is wrong with it; nothing where kpack takes it.
        defaulted: It, with the defaults of kpack's webhook.
        build: The Build that kpack's controller creates for an Image.
        pod: The pod that kpack's controller creates for the Build.
    """

    error: str
    defaulted: Manifest
    build: Manifest
    pod: Manifest


def install_kpack(platform: Platform) -> None:
    """Apply the CRDs of kpack. Nothing builds: see `lab.kpack_stand_in`.

    Raises:
        LabError: The laboratory's profile does not have them.
    """
    directory = _crds(platform)
    platform.kubectl("apply", "--server-side", "-f", directory)
    platform.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", directory)


def remove_kpack(platform: Platform) -> None:
    """Delete the CRDs of kpack, and all objects of their kinds."""
    platform.kubectl("delete", "--ignore-not-found", "-f", _crds(platform))


def examine(platform: Platform, manifests: Iterable[Manifest]) -> tuple[Verdict, ...]:
    """Return what kpack's own code makes of each Build and Image.

    Args:
        platform: The laboratory.
        manifests: Secrets, by which the builds are done; then Builds and Images. Others count not.

    Raises:
        LabError: The laboratory's profile lacks the program, or it can't read the manifests.
    """
    program = platform.artifact(_PROGRAM)
    if program is None:
        raise LabError(f"The profile of this laboratory has no {_PROGRAM}.")
    known = [item for item in manifests if item["kind"] in ("Secret", "Build", "Image")]
    sent = "\n".join(json.dumps(item) for item in known)
    done = subprocess.run(
        [str(program)], input=sent, capture_output=True, text=True, check=False, timeout=30
    )
    if done.returncode != 0:
        raise LabError(f"{_PROGRAM} ended with {done.returncode}: {done.stderr}")
    return tuple(_verdict(json.loads(line)) for line in done.stdout.splitlines())


def _verdict(said: Manifest) -> Verdict:
    return Verdict(said["error"], *(said.get(name) or {} for name in ("defaulted", "build", "pod")))


def _crds(platform: Platform) -> str:
    place = platform.artifact(_CRDS)
    if place is None:
        raise LabError(f"The profile of this laboratory has no {_CRDS}.")
    return str(place / "config")
