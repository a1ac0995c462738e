"""Hosts for Environments that have none yet, as far as that can be told without claiming them."""

from collections.abc import Iterable

from kapsa.core.allocation import Usage, base_order, count_by_base
from kapsa.core.conditions import Blocked
from kapsa.core.domain import candidate_hosts, host_name, host_request
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason


class HostBook:
    """The hosts that are known to be held, and those that the plan gives.

    Only the claim decides in the end: somebody who isn't known may hold one of them.
    """

    def __init__(self, environments: Iterable[Environment]) -> None:
        """Take all Environments that are known: each keeps the host that its status names."""
        self._held = {item.status.host for item in environments if item.status.host}

    def host_of(
        self, environment: Environment, pool: DomainPool | Blocked, refusal: Blocked | None
    ) -> str | Blocked:
        """Return the host that the Environment has, or would be given; or why it gets none.

        Args:
            environment: An Environment that wants a host.
            pool: Where from, or why that can't be used.
            refusal: Why the pool gives no new host; None where it does.
        """
        if isinstance(pool, Blocked):
            return pool
        if environment.status.host:
            return environment.status.host
        request = host_request(environment)
        name = refusal or host_name(request, pool)
        if isinstance(name, Blocked):
            return name
        given = count_by_base(pool.spec.base_domains, self._held)
        bases = base_order(pool, Usage(turn=sum(given.values()), hosts=self._held))
        candidates = candidate_hosts(name, request.holder, bases)
        free = next((host for host in candidates if host not in self._held), None)
        if free is None:
            return Blocked(Reason.HOST_TAKEN, Reason.HOST_TAKEN.explanation, stalled=True)
        self._held.add(free)
        return free
