"""What a reviewer sees who opens a URL: fetched over HTTPS that is verified."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.demo.checks import Check
from lab.demo.snapshot import Snapshot
from lab.httpclient import Response, request
from lab.routing import Routing

_TIMEOUT = 5.0


@dataclass(frozen=True)
class Reader:
    """Opens pages.

    Attributes:
        routing: Where the router listens.
        ca_file: The certificate of the authority that signs those of the hosts.
    """

    routing: Routing
    ca_file: Path

    def answers(self, host: str, commit: str, text: str) -> Check:
        """Claim that a host's page is of a commit, and has a text."""
        url = self.routing.address(f"https://{host}/")

        def problem(_: Snapshot) -> str:
            found = self._fetch(url)
            if isinstance(found, str):
                return found
            said = found.headers.get("X-Commit", "")
            if found.status != 200:
                return f"it answers {found.status}"
            if said != commit:
                return f"it is of commit {said[:7]}"
            return "" if text in found.body.decode() else f"it does not say {text!r}"

        return Check(f"{url} says {text!r}, commit {commit[:7]}; its certificate verifies", problem)

    def answers_nothing(self, host: str) -> Check:
        """Claim that the router knows nothing of a host any more."""
        url = self.routing.address(f"http://{host}/")

        def problem(_: Snapshot) -> str:
            found = self._fetch(url)
            if isinstance(found, str):
                return found
            return "" if found.status == 404 else f"it answers {found.status}"

        return Check(f"{url} is not found any more", problem)

    def _fetch(self, url: str) -> Response | str:
        try:
            return request("GET", url, ca_file=self.ca_file, timeout=_TIMEOUT)
        except OSError as error:
            return re.sub(r"^<urlopen error (.*)>$", r"\1", str(error))
