"""What runs on a node, for `lab.node.inside`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What runs, and where it writes.

    `covers` are directories of this machine and what the node has in their places; of what they
    cover, `kept` stays in sight. `answers` is a command that succeeds once containerd is there, and
    `prepare` one that runs then, before kubelet.
    """

    directory: str
    covers: Mapping[str, str]
    kept: Sequence[str]
    containerd: Sequence[str]
    answers: Sequence[str]
    prepare: Sequence[str]
    kubelet: Sequence[str]
    logs: Mapping[str, str]

    def save(self, path: Path) -> Path:
        """Writes the description."""
        path.write_text(json.dumps(asdict(self), indent=2), "utf-8")
        return path
