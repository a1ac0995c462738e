"""Where secrets must not show: the log, objects, events, metrics, and what processes are given."""

import base64
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import lab
from lab.httpclient import request
from lab.operator import OperatorProcess

_KINDS: Final = (
    "projects,environments,registries,domainpools,events,deployments,jobs,cronjobs,pods,"
    "configmaps,serviceaccounts,ingresses,services,namespaces,leases"
)
"""What somebody may read who may read no Secret."""


def assert_nowhere(
    secrets: Collection[str],
    platform: lab.Platform,
    operator: OperatorProcess,
    told: Collection[str] = (),
) -> None:
    """Assert that secrets are neither in what the operator tells nor in what the cluster keeps.

    Logs of pods are their own, and so are the ends of logs that the kubelet keeps in their status.

    Args:
        secrets: They, as they are; their base64 is looked for too.
        platform: The laboratory.
        operator: The operator.
        told: What else was seen, such as arguments of processes.
    """
    places = {
        "the log": operator.log_file.read_text(),
        "an object or event": _objects(platform),
        "a metric": request("GET", f"{operator.address}/metrics").body.decode(),
        "a process's arguments or environment": "\n".join(told),
    }
    for secret in secrets:
        forms = (secret, base64.b64encode(secret.encode()).decode().rstrip("="))
        for where, text in places.items():
            assert not any(form in text for form in forms), f"{where}: {_around(text, forms)}"


def _objects(platform: lab.Platform) -> str:
    listed = json.loads(platform.kubectl("get", _KINDS, "-A", "-o", "json"))
    for item in listed["items"]:
        for container in (item.get("status") or {}).get("containerStatuses") or ():
            container["state"].get("terminated", {}).pop("message", None)
    return json.dumps(listed)


def _around(text: str, forms: Collection[str]) -> str:
    """Return what stands before a secret, without it."""
    place = min(found for form in forms if (found := text.find(form)) >= 0)
    return text[max(place - 300, 0) : place]


@contextmanager
def collecting(look: Callable[[], Iterable[str]]) -> Iterator[set[str]]:
    """Collect what is to be seen, as often as it can be looked at, for the length of the block."""
    seen: set[str] = set()
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(0.001):
            seen.update(look())

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


@contextmanager
def before_the_forge(url: str, on_connection: Callable[[], object]) -> Iterator[str]:
    """Stand between git and a forge: whoever connects exists until they are answered.

    Args:
        url: A repository's address at the forge.
        on_connection: Called before anything is passed on.

    Yields:
        The repository's address by this way.
    """
    forge = urlsplit(url)

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            on_connection()
            with socket.create_connection((str(forge.hostname), forge.port or 80)) as there:
                back = threading.Thread(target=_pass_on, args=(there, self.request))
                back.start()
                _pass_on(self.request, there)
                back.join()

    with socketserver.ThreadingTCPServer((str(forge.hostname), 0), Passing) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            host = f"{forge.hostname}:{server.server_address[1]}"
            yield urlunsplit(forge._replace(netloc=host))
        finally:
            server.shutdown()
            thread.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while said := source.recv(65536):
            target.sendall(said)
        target.shutdown(socket.SHUT_WR)


def arguments_of_children(pid: int) -> Iterator[str]:
    """Return what any user may read of a process's descendants, and their environments."""
    for child in _descendants(pid):
        with suppress(OSError):
            for name in ("cmdline", "environ"):
                text = Path(f"/proc/{child}/{name}").read_bytes()
                yield text.replace(b"\0", b" ").decode(errors="replace")


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _descendants(child)
