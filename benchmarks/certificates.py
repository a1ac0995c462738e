"""A thousand previews, made and made again: how many certificates they order with a wildcard.

Run it with `python -m benchmarks.certificates --count 1000`.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack

import lab
from benchmarks.installation import installed_operator
from benchmarks.measuring import (
    MOST_IN_A_PROJECT,
    SETTINGS,
    Memory,
    previews_of,
    push_branches,
    show,
    wait_until_gone,
    wait_until_ready,
)
from lab.certificates import create_self_signed_issuer
from lab.gateway_api import install_gateway_api
from lab.operator import NAMESPACE, OperatorProcess, install, running_operator
from lab.platform import Platform
from lab.scenario import Application, Manifest, admin_objects, application, condition, wait_for

_POOL = {
    "apiVersion": "kapsa-project.io/v1alpha1",
    "kind": "DomainPool",
    "metadata": {"name": "wild"},
    "spec": {
        "baseDomains": ["wild.localhost"],
        "certManager": {"issuerRef": {"name": "selfsigned"}},
    },
}
_ISSUED_WITHIN = 120.0


def main() -> int:
    """Run the benchmark and print what it found; 1 if a preview ordered a certificate."""
    count = _count()
    command = installed_operator()
    with lab.running("test") as platform, ExitStack() as stack:
        install_gateway_api(platform)
        install(platform)
        create_self_signed_issuer(platform)
        apps = [
            (stack.enter_context(application(platform, f"shop-{number}", f"team-{number}")), share)
            for number, share in enumerate(_shares(count))
        ]
        for app, share in apps:
            app.apply(*admin_objects(app.registry), *app.team(), _POOL)
            push_branches(app, share)
        with running_operator(platform, SETTINGS, command=command) as operator:
            return _measure(platform, operator, apps)


def _count() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="number of previews")
    count = int(parser.parse_args().count)
    if count < 1:
        parser.error("there must be a preview")
    return count


def _shares(count: int) -> list[int]:
    """Return how many previews each Project has."""
    full, rest = divmod(count, MOST_IN_A_PROJECT)
    return [MOST_IN_A_PROJECT] * full + ([rest] if rest else [])


def _measure(
    platform: Platform, operator: OperatorProcess, apps: list[tuple[Application, int]]
) -> int:
    """Make them, take them away and make them again; print what was ordered meanwhile."""
    any_app = apps[0][0]
    for app, _ in apps:
        _ask(app, 0)
    wait_for("the wildcard is issued", lambda: _is_issued(any_app), within=_ISSUED_WITHIN)
    before = _requests(any_app)
    show("certificates ordered for the wildcard", len(before))
    seen: set[str] = set()
    for what in ("made", "made again"):
        began = time.monotonic()
        for app, share in apps:
            _ask(app, share)
        wait_until_ready(any_app, sum(share for _, share in apps))
        uids = _secured(any_app)
        show(f"{len(uids - seen)} previews {what} after", f"{time.monotonic() - began:.1f} s")
        seen |= uids
        show("copies of the wildcard's Secret", _copies(any_app))
        for app, _ in apps:
            _ask(app, 0)
        wait_until_gone(any_app)
    ordered = _requests(any_app) - before
    show("CertificateRequests of all previews", len(ordered))
    show("operator", Memory.of(operator.pid))
    if ordered or len(seen) != 2 * sum(share for _, share in apps):
        print(f"FAILED: {len(ordered)} certificates for {len(seen)} previews", file=sys.stderr)
        return 1
    return 0


def _ask(app: Application, count: int) -> None:
    previews_of(app, count, domain={"domainPoolRef": {"name": "wild"}, "subdomain": app.name})


def _is_issued(app: Application) -> bool:
    found = [item for item in app.list("certificates") if _namespace(item) == NAMESPACE]
    return bool(found) and condition(found[0], "Ready").get("status") == "True"


def _requests(app: Application) -> set[str]:
    return {item["metadata"]["uid"] for item in app.list("certificaterequests")}


def _secured(app: Application) -> set[str]:
    """Return the UIDs of the Environments that say that their certificate is there."""
    return {
        item["metadata"]["uid"]
        for item in app.list("environments")
        if condition(item, "TLSReady").get("status") == "True"
    }


def _copies(app: Application) -> int:
    found = app.list("secrets", labelSelector="kapsa-project.io/certificate")
    return sum(_namespace(item) != NAMESPACE for item in found)


def _namespace(item: Manifest) -> str:
    return str(item["metadata"]["namespace"])


if __name__ == "__main__":
    sys.exit(main())
