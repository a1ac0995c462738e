"""From `git push` to the new page over HTTPS: what passes besides the poll interval and the build.

Run it with `python -m benchmarks.pushes --count 10`, as root, where the lab can have a real node.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import lab
from benchmarks.installation import installed_operator
from benchmarks.measuring import SETTINGS, show
from lab import builds, node, story_app
from lab.certificates import CA_ISSUER, create_ca_issuer
from lab.httpclient import request
from lab.operator import install, running_operator
from lab.routing import ingress_pool
from lab.scenario import Application, application, wait_for
from tests.integration.building import builds_registry, built_project, jobs_of

_POLL: Final = 5.0
"""The Project's poll interval."""
_ALLOWED: Final = 10.0
"""Seconds that may pass besides the poll interval and the build."""
_ANSWERS_WITHIN: Final = 180.0


@dataclass(frozen=True)
class Push:
    """How long one push took (seconds): until its page answered, and its build of that."""

    total: float
    build: float

    @property
    def rest(self) -> float:
        """What passed besides the build."""
        return self.total - self.build


def main() -> int:
    """Run the benchmark and print what it found; 1 if a push took longer than it may."""
    count = _count()
    if why := node.missing() or builds.missing():
        print(f"This needs a real node. {why}", file=sys.stderr)
        return 2
    with _project() as (app, ca_file):
        routing = app.platform.routing
        assert routing is not None
        url = routing.address(f"https://{app.name}.apps.localhost/")
        _push(app, url, ca_file, "the first")
        pushes = []
        for number in range(count):
            pushes.append(_push(app, url, ca_file, f"push {number}"))
            show(f"push {number + 1}", f"{pushes[-1].total:.1f} s, build {pushes[-1].build:.1f} s")
    return _judge(pushes)


def _count() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="number of pushes")
    count = int(parser.parse_args().count)
    if count < 1:
        parser.error("there must be a push")
    return count


@contextmanager
def _project() -> Iterator[tuple[Application, Path]]:
    """Run the operator, and a Project whose commits it builds."""
    command = installed_operator()
    with lab.running("routing", node="real") as platform, ExitStack() as stack:
        install(platform)
        ca_file = create_ca_issuer(platform)
        app = stack.enter_context(application(platform, "shop", "team-a"))
        app.apply(
            *builds_registry(platform),
            *app.team(),
            ingress_pool("apps", "apps.localhost", CA_ISSUER),
        )
        app.commit(files=story_app.files("<h1>the start</h1>"), image=False)
        project = built_project(app, runtime=story_app.RUNTIME)
        project["spec"]["repository"]["pollInterval"] = f"{_POLL:.0f}s"
        app.apply(project)
        settings = SETTINGS | builds.enable_builds(platform)
        stack.enter_context(running_operator(platform, settings, command=command))
        yield app, ca_file


def _push(app: Application, url: str, ca_file: Path, text: str) -> Push:
    """Push a commit, wait until its page answers, and return how long that took."""
    sha = app.commit(files={"page.html": f"<h1>{text}</h1>"}, image=False)
    began = time.monotonic()

    def answers() -> bool:
        try:
            answer = request("GET", url, ca_file=ca_file, timeout=5)
        except OSError:
            return False
        return answer.headers.get("X-Commit") == sha

    wait_for(f"{url} is of {sha[:7]}", answers, _ANSWERS_WITHIN)
    total = time.monotonic() - began
    return Push(total, _seconds_of_newest_build(app))


def _seconds_of_newest_build(app: Application) -> float:
    newest = max(jobs_of(app), key=lambda job: str(job["status"]["startTime"]))["status"]
    began, ended = map(datetime.fromisoformat, (newest["startTime"], newest["completionTime"]))
    return (ended - began).total_seconds()


def _judge(pushes: list[Push]) -> int:
    most = max(push.rest for push in pushes)
    show("poll interval", f"{_POLL:.0f} s")
    show("most besides poll interval and build", f"{most - _POLL:.1f} s")
    if most > _POLL + _ALLOWED:
        print(f"FAILED: more than {_ALLOWED:.0f} s", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
