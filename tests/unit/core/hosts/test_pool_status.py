"""The status of a DomainPool."""

from kapsa.core.conditions import find
from kapsa.core.hosts.pool_status import pool_status
from tests.builders import pool


def test_it_counts_every_host_and_those_of_each_base_domain() -> None:
    offered = pool("apps", "example.com", "apps.example.com")
    hosts = ["a.example.com", "b.apps.example.com", "c.d.apps.example.com", "e.gone.test"]

    status = pool_status(offered, dict.fromkeys(hosts, "team-a/web"), "2026-01-01T00:00:00Z")

    assert status.allocated == 4
    assert {item.domain: item.allocated for item in status.per_domain} == {
        "example.com": 1,
        "apps.example.com": 2,
    }
    ready = find(status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.message) == ("True", "4 hosts are held")


def test_it_names_the_first_hundred_hosts_and_their_holders() -> None:
    hosts = {f"web-{number:03}.apps.example.com": f"team-a/web-{number}" for number in range(150)}

    status = pool_status(pool(), dict(reversed(hosts.items())), "2026-01-01T00:00:00Z")

    assert status.allocated == 150
    assert [(item.host, item.holder) for item in status.allocations] == list(hosts.items())[:100]
