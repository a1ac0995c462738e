from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab.httpclient import request

HOST = "pr-1-shop.apps.localhost"

Serve = Callable[..., int]


class _SaysTheHost(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def _serving(context: ssl.SSLContext | None) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _SaysTheHost) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers on 127.0.0.1 that answer with the host they were asked for."""
    with ExitStack() as stack:

        def start(context: ssl.SSLContext | None = None) -> int:
            return stack.enter_context(_serving(context))

        yield start


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS with a certificate of HOST, and the file to verify it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    public, both = tmp_path / "ca.pem", tmp_path / "server.pem"
    public.write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, public


def test_names_below_localhost_lead_to_loopback(serve: Serve) -> None:
    port = serve()
    answer = request("GET", f"http://{HOST}:{port}/")
    assert answer.body.decode() == f"{HOST}:{port}"


def test_https_is_verified_by_the_name_that_was_asked_for(
    serve: Serve, certified: tuple[ssl.SSLContext, Path]
) -> None:
    context, ca_file = certified
    port = serve(context)
    answer = request("GET", f"https://{HOST}:{port}/", ca_file=ca_file)
    assert answer.body.decode() == f"{HOST}:{port}"
    with pytest.raises(OSError, match="Hostname mismatch"):
        request("GET", f"https://other.localhost:{port}/", ca_file=ca_file)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        request("GET", f"https://{HOST}:{port}/")
