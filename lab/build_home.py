"""What an image with rootless BuildKit has for its user; the Job of a build relies on it.

Source: https://github.com/moby/buildkit/blob/v0.25.1/Dockerfile (`rootless`)
"""

from __future__ import annotations

from typing import Final

USER: Final = 1000
"""The user of the image, and their group."""

_HOME: Final = "/home/user"
_RUN: Final = f"/run/user/{USER}"

OWN_DIRECTORIES: Final = (
    *(_HOME, f"{_HOME}/.local", f"{_HOME}/.local/tmp", f"{_HOME}/.local/share"),
    *(f"{_HOME}/.local/share/buildkit", _RUN),
)
"""The directories that belong to the user."""

ACCOUNTS: Final = {
    "/etc/passwd": f"root:x:0:0::/root:/bin/sh\nuser:x:{USER}:{USER}::{_HOME}:/bin/sh\n",
    "/etc/group": f"root:x:0:\nuser:x:{USER}:\n",
    "/etc/subuid": "user:100000:65536\n",
    "/etc/subgid": "user:100000:65536\n",
}
"""Who there is, and whose ids a user namespace of theirs may have."""

VARIABLES: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": _HOME,
    "USER": "user",
    "XDG_RUNTIME_DIR": _RUN,
    "TMPDIR": f"{_HOME}/.local/tmp",
}
"""The environment variables of the image."""

DAEMONLESS: Final = "examples/buildctl-daemonless/buildctl-daemonless.sh"
"""BuildKit's script that starts buildkitd for one build, among what the recipe `buildctl` keeps."""
