"""A real smart-HTTP git server on loopback: `git http-backend` behind a small CGI bridge."""

import asyncio
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

COMMIT = "b45ef6fec89518d314f546fd6c3025367b721684"
"""What refs name; to list it, it need not exist."""
TAG = "7a9" + "0" * 37
"""The object of an annotated tag, likewise."""


@dataclass
class GitServer:
    """Serves the bare repositories below `root`.

    Attributes:
        root: Directory with `<name>.git`.
        login: Authorization header that every request needs, if set.
        cut: Bytes that are left off the end of the listing, as by a proxy that gives up.
        knows_protocol_2: Whether it speaks the protocol's version 2, in which any commit may be
            asked for.
        seen: Authorization headers of the requests, in order.
        sent: Bytes of all answers.
    """

    root: Path
    login: str = ""
    cut: int = 0
    knows_protocol_2: bool = True
    sent: int = 0
    seen: list[str] = field(default_factory=list)

    def repository(
        self, name: str, refs: dict[str, str], annotated: dict[str, str] | None = None
    ) -> None:
        """Make a repository with `refs` (commit by ref), and `annotated` tags (commit by ref)."""
        path = self.root / f"{name}.git"
        subprocess.run(["git", "init", "--bare", "--quiet", str(path)], check=True)
        packed = {ref: f"{sha} {ref}\n" for ref, sha in refs.items()}
        for ref, sha in (annotated or {}).items():
            packed[ref] = f"{TAG} {ref}\n^{sha}\n"
        lines = [packed[ref] for ref in sorted(packed)]
        header = "# pack-refs with: peeled fully-peeled sorted\n"
        (path / "packed-refs").write_bytes(os.fsencode(header + "".join(lines)))

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request as a git server does."""
        authorization = request.headers.get("Authorization", "")
        self.seen.append(authorization)
        if self.login not in {"", authorization}:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", "") * self.knows_protocol_2,
        }
        answer = await asyncio.to_thread(
            subprocess.run,
            ["git", "http-backend"],
            input=await request.read(),
            env=environment,
            capture_output=True,
            check=False,
        )
        return self._response(request, answer.stdout)

    def _response(self, request: web.Request, answer: bytes) -> web.Response:
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = (line.partition(": ") for line in head.decode().split("\r\n"))
        headers = {name: value for name, _, value in lines}
        status = int(headers.pop("Status", "200").split()[0])
        if request.method == "POST" and self.cut:
            body = body[: -self.cut]
        self.sent += len(body)
        return web.Response(status=status, headers=headers, body=body)
