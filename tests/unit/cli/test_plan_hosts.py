"""Which hosts a plan gives to Environments that have none."""

from typing import Any

import pytest

from kapsa.cli.planning.hosts import HostBook
from kapsa.core.conditions import Blocked
from kapsa.models import Environment
from tests.builders import environment, pool

DOMAIN = {"domainPoolRef": {"name": "apps"}}


def named(name: str, host: str = "") -> Environment:
    """Return an Environment that wants a host; its status names one where it has it."""
    return environment(name, domain=DOMAIN, status={"host": host})


def hosts(*wanting: str, held: tuple[str, ...] = (), **of_pool: Any) -> list[str]:
    """Return what Environments of those names are given, one after the other."""
    book = HostBook([named(f"holder-{number}", host) for number, host in enumerate(held)])
    offered = pool("apps", "a.io", "b.io", **of_pool)
    given = [book.host_of(named(name), offered, None) for name in wanting]
    return [host.reason if isinstance(host, Blocked) else str(host) for host in given]


@pytest.mark.parametrize(
    ("held", "strategy", "given"),
    [
        pytest.param((), "round-robin", ["x.a.io", "y.b.io", "z.a.io"], id="each-in-turn"),
        pytest.param(("q.a.io",), "round-robin", ["x.b.io", "y.a.io", "z.b.io"], id="going-on"),
        pytest.param(
            ("q.other",), "round-robin", ["x.a.io", "y.b.io", "z.a.io"], id="of-this-pool"
        ),
        pytest.param(
            ("p.a.io", "q.a.io"), "least-used", ["x.b.io", "y.b.io", "z.a.io"], id="the-emptier"
        ),
    ],
)
def test_base_domains_are_picked_as_the_pool_says(
    held: tuple[str, ...], strategy: str, given: list[str]
) -> None:
    policy = {"strategy": strategy}

    assert hosts("x", "y", "z", held=held, allocationPolicy=policy) == given


def test_no_host_is_given_twice() -> None:
    taken = ("web.a.io", "q.a.io")

    (host,) = hosts("web", held=taken)

    assert host not in taken
    assert host.startswith("web-")


def test_a_host_that_is_held_stays() -> None:
    refusal = Blocked("NamespaceNotAllowed", "no")
    assert HostBook([]).host_of(named("web", "old.io"), pool(), refusal) == "old.io"


def test_nothing_new_is_given_to_a_namespace_that_may_not_use_the_pool() -> None:
    refusal = Blocked("NamespaceNotAllowed", "no")
    assert HostBook([]).host_of(named("web"), pool(), refusal) is refusal


def test_a_name_that_is_reserved_is_refused() -> None:
    policy = {"reservedSubdomains": ["web"]}

    assert hosts("web", allocationPolicy=policy) == ["SubdomainReserved"]


def own(name: str, own_host: str, held: str = "") -> Environment:
    """Return an Environment that wants that host for its own."""
    said = {"host": own_host} if own_host else {}
    return environment(name, domain=DOMAIN, ingress=said, status={"host": held})


@pytest.mark.parametrize(
    ("stored", "wanted", "given"),
    [
        pytest.param(own("x", ""), own("x", "x.org"), "x.org", id="in-place-of-one-of-the-pool"),
        pytest.param(
            own("x", "", "x.a.io"), own("x", "x.org", "x.a.io"), "x.org", id="and-of-one-it-has"
        ),
        pytest.param(
            own("x", "x.org", "x.org"), own("x", "x.org", "x.org"), "x.org", id="it-stays"
        ),
        pytest.param(
            own("x", "x.org", "x.org"), own("x", "y.org", "x.org"), "y.org", id="until-it-changes"
        ),
        pytest.param(
            own("x", "x.org", "x.org"), own("x", "", "x.org"), "x.a.io", id="or-is-left-out"
        ),
        pytest.param(own("y", "x.org", "x.org"), own("x", "x.org"), "HostTaken", id="it-is-taken"),
        pytest.param(own("x", ""), own("x", "x.a.io"), "HostNotAllowed", id="it-is-the-pools"),
    ],
)
def test_a_host_of_ones_own(stored: Environment, wanted: Environment, given: str) -> None:
    found = HostBook([stored]).host_of(wanted, pool("apps", "a.io"), None)

    assert (found if isinstance(found, str) else found and found.reason) == given


def test_what_answers_no_requests_is_given_no_host() -> None:
    worker = environment("worker", domain=DOMAIN, runtime={"kind": "worker"})

    assert HostBook([]).host_of(worker, pool(), None) is None
