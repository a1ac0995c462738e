"""Suspends what Kapsa sees to."""

import json

from lab.scenario import Application, Manifest


def set_suspend(app: Application, kind: str, item: Manifest, *, suspend: bool) -> None:
    """Suspend a Project or an Environment, or have it go on."""
    where = (kind, item["metadata"]["name"], "-n", item["metadata"]["namespace"])
    patch = json.dumps({"spec": {"suspend": suspend}})
    app.platform.kubectl("patch", *where, "--type=merge", "-p", patch)
