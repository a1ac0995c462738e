"""Hosts for Environments that have none yet, as far as that can be told without claiming them."""

from collections.abc import Iterable

from kapsa.core.conditions import Blocked
from kapsa.core.hosts.allocation import Usage, base_order, count_by_base
from kapsa.core.hosts.domain import candidate_hosts, host_name, host_request, own_host_refusal
from kapsa.core.hosts.routing import wants_host
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason


class HostBook:
    """The hosts that are known to be held, and those that the plan gives.

    Only the claim decides in the end: somebody who isn't known may hold one of them.
    """

    def __init__(self, environments: Iterable[Environment]) -> None:
        """Take all Environments that are known, as they are stored.

        Each keeps the host that its status names; one of its own, while it wants that.
        """
        known = tuple(environments)
        self._held = {item.status.host for item in known if item.status.host}
        self._own = {item.spec.ingress.host for item in known} & self._held

    def host_of(
        self, environment: Environment, pool: DomainPool | Blocked, refusal: Blocked | None
    ) -> str | Blocked | None:
        """Return the host that the Environment has, or would be given; or why it gets none.

        Args:
            environment: An Environment that names a DomainPool, as it is to be.
            pool: That pool, or why it can't be used.
            refusal: Why the pool gives no new host; None where it does.
        """
        before, own = environment.status.host, environment.spec.ingress.host
        if not wants_host(environment):
            return before or None
        if isinstance(pool, Blocked):
            return pool
        if before and (before == own if own else before not in self._own):
            return before
        if refusal is not None:
            return refusal
        return self._own_host(own, pool) if own else self._given_host(environment, pool)

    def _own_host(self, host: str, pool: DomainPool) -> str | Blocked:
        refusal = own_host_refusal(host, pool.spec.base_domains)
        if refusal is not None:
            return refusal
        if host in self._held:
            return Blocked(
                Reason.HOST_TAKEN,
                f"host {host} is held by another Environment; choose another spec.ingress.host",
                stalled=True,
            )
        self._held.add(host)
        return host

    def _given_host(self, environment: Environment, pool: DomainPool) -> str | Blocked:
        request = host_request(environment)
        name = host_name(request, pool)
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
