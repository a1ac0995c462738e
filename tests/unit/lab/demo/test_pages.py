"""What the demo claims of a page, against a server that answers this and that."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.demo.pages import Reader
from lab.demo.snapshot import Snapshot
from lab.routing import Routing


class Site(ThreadingHTTPServer):
    """A router that answers everything alike."""

    status = 404


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def reader(port: int, ca_file: Path) -> Reader:
    ca_file.touch()
    return Reader(Routing(port, port), ca_file)


def test_a_host_that_the_router_does_not_know_is_gone(site: Site, tmp_path: Path) -> None:
    check = reader(site.server_port, tmp_path / "ca.pem").answers_nothing("shop.localhost")
    assert check.problem(Snapshot()) == ""
    site.status = 200
    assert check.problem(Snapshot()) == "it answers 200"


def test_what_does_not_speak_tls_is_no_page_and_is_said(site: Site, tmp_path: Path) -> None:
    check = reader(site.server_port, tmp_path / "ca.pem").answers("shop.localhost", "c0ffee", "Hi")
    assert f"https://shop.localhost:{site.server_port}/ says 'Hi', commit c0ffee" in check.claim
    assert check.problem(Snapshot()) != ""
