"""A second real registry, as hosted ones are: TLS by a certificate of its own, and bearer tokens.

The registry is the laboratory's program. Who gives the tokens is played here: it signs, for two
users, what the registry then checks.
"""

import base64
import json
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit

import jwt
import yaml

import lab
from lab.httpclient import basic
from lab.process import free_port
from lab.scenario import wait_for
from lab.spawn import spawn
from tests.certificates import Certified, self_signed

_ISSUER = "kapsa-tests"
_SERVICE = "token-registry"


@dataclass
class TokenRegistry:
    """The registry, and who may do what there.

    Attributes:
        host: Its address and port.
        certificate: What it is known by (PEM).
        passwords: By user.
        rights: Actions by user, and by the first component of the repository's path.
        scopes: What tokens were asked for, as `<user> <scope>`.
    """

    host: str
    certificate: str
    passwords: dict[str, str]
    rights: dict[str, dict[str, tuple[str, ...]]]
    scopes: list[str] = field(default_factory=list)


@contextmanager
def token_registry(platform: lab.Platform, directory: Path) -> Iterator[TokenRegistry]:
    """Run one with the users `pusher` and `puller`."""
    binary = platform.artifact("registry")
    assert binary is not None
    made, port, realm_port = self_signed(), free_port(), free_port()
    key, certificate = directory / "tls.key", directory / "tls.crt"
    key.write_text(made.key)
    certificate.write_text(made.certificate)
    registry = TokenRegistry(
        f"127.0.0.1:{port}",
        made.certificate,
        {"pusher": "canary-pusher-31337", "puller": "canary-puller-31337"},
        {"pusher": {"acme": ("pull", "push")}, "puller": {"acme": ("pull",)}},
    )
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
        "http": {
            "addr": registry.host,
            "secret": "secret",
            "tls": {"certificate": str(certificate), "key": str(key)},
        },
        "auth": {
            "token": {
                "realm": f"https://127.0.0.1:{realm_port}/token",
                "service": _SERVICE,
                "issuer": _ISSUER,
                "rootcertbundle": str(certificate),
            }
        },
    }
    file = directory / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    process = spawn((str(binary), "serve", str(file)), log=directory / "registry.log")
    with _token_service(registry, made, realm_port, (certificate, key)):
        try:
            trust = ssl.create_default_context(cafile=str(certificate))
            wait_for("the registry answers", lambda: _answers(registry.host, trust))
            yield registry
        finally:
            process.kill()
            process.wait()


def _answers(host: str, trust: ssl.SSLContext) -> bool:
    try:
        urllib.request.urlopen(f"https://{host}/v2/", context=trust).close()
    except urllib.request.HTTPError as error:
        return error.code == 401
    except (URLError, OSError):
        return False
    return True


@contextmanager
def _token_service(
    registry: TokenRegistry, made: Certified, port: int, files: tuple[Path, Path]
) -> Iterator[None]:
    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            users = [
                user
                for user, password in registry.passwords.items()
                if given == basic(user, password)
            ]
            scope = parse_qs(urlsplit(self.path).query).get("scope", [""])[0]
            if not users:
                self._answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who is it?"}]})
                return
            registry.scopes.append(f"{users[0]} {scope}".rstrip())
            token = _signed(made, users[0], _granted(registry.rights[users[0]], scope))
            self._answer(200, {"token": token, "expires_in": 300})

        def _answer(self, status: int, body: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Service)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*files)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _granted(rights: dict[str, tuple[str, ...]], scope: str) -> list[dict[str, object]]:
    if not scope:
        return []
    kind, name, actions = scope.split(":")
    may = rights.get(name.partition("/")[0], ())
    granted = [action for action in actions.split(",") if action in may]
    return [{"type": kind, "name": name, "actions": granted}]


def _signed(made: Certified, user: str, access: list[dict[str, object]]) -> str:
    now = int(time.time())
    claims = {
        "iss": _ISSUER,
        "sub": user,
        "aud": _SERVICE,
        "iat": now,
        "nbf": now - 10,
        "exp": now + 300,
        "access": access,
    }
    der = base64.b64encode(ssl.PEM_cert_to_DER_cert(made.certificate)).decode()
    return jwt.encode(claims, made.key, algorithm="ES256", headers={"x5c": [der]})
