"""The web application of the demo and of the end-to-end tests: the files of its repository.

Its program is `lab/go/page`. It answers on port 8080:

    /            page.html, and which commit and environment this is
    /healthz     `ok`
    /env         the names of the environment variables; /env/NAME is the value of one
    /count       a number in the file /data/count; POST adds one
    /slow        `done` after a second, or after `?for=300ms`

At SIGTERM it finishes the requests that it has begun, and ends. Other commands of it are `worker`
(prints a line each second), `task` (prints one, and ends), `migrate` (fails where page.html has
BROKEN_MIGRATION, or the word that follows) and `crash`.
"""

from __future__ import annotations

import json
from typing import Final

from lab.builder import build
from lab.images import Registry, pack, push_layer
from lab.recipes import book

PORT: Final = 8080
HEALTH: Final = "/healthz"
RUNTIME: Final = {
    "ports": [{"name": "http", "containerPort": PORT}],
    "probes": {"readiness": {"path": HEALTH}},
}
"""What a Project says of its main process."""
COUNT_DIRECTORY: Final = "/data"
"""Where a volume is mounted for `/count` to outlive its pod."""
USER: Final = 65532
BROKEN_MIGRATION: Final = "broken-migration"

_NAME: Final = "page"
_DOCKERFILE: Final = """\
FROM scratch
COPY --chmod=0755 page /page
COPY page.html /page.html
USER {user}:{user}
ENTRYPOINT ["/page"]
CMD {command}
"""


def files(page: str, *, command: str = "serve") -> dict[str, str | bytes]:
    """The files of a commit with this page.html, whose image runs a command of the application."""
    return {_NAME: program(), "page.html": page, "Dockerfile": dockerfile(command)}


def dockerfile(command: str = "serve") -> str:
    """The Dockerfile; its image runs a command of the application's."""
    return _DOCKERFILE.format(user=USER, command=json.dumps([command]))


def program() -> bytes:
    """The application's program, for Linux on this machine; it is built if need be."""
    return build(book().select([_NAME]))[_NAME].read_bytes()


def push_app_image(
    registry: Registry, repository: str, tag: str, page: str, *, command: str = "serve"
) -> str:
    """Pushes the image that a CI would build of such a commit; its digest (`sha256:…`)."""
    layer = pack({_NAME: program(), "page.html": page.encode()}, mode=0o755)
    settings = {"User": f"{USER}:{USER}", "Entrypoint": [f"/{_NAME}"], "Cmd": [command]}
    return push_layer(registry, repository, tag, layer, settings)
