"""Claims of hosts and subdomains: whoever creates the Lease has it."""

from collections.abc import Collection, Iterable, Iterator

import structlog

from kapsa.adapters.api_errors import AlreadyExists
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.resources import LEASES
from kapsa.controllers.indexes import HOST, OWNER, POOL, UID
from kapsa.controllers.reconciling.cache import Cache, Manifest, key_of, uid_of
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.hosts.domain import with_parents
from kapsa.core.manifests.claim import ClaimKind, Holder, claim
from kapsa.models.reasons import Reason
from kapsa.utils.names import slug

_HOLDER_GONE_RETRY = 1.0

log = structlog.get_logger(__name__)


class Claims:
    """Makes, finds and releases claims."""

    def __init__(self, cluster: Cluster, state: State, namespace: str) -> None:
        """Take the API, the caches, and the operator's `namespace`, where claims live."""
        self._cluster = cluster
        self._state = state
        self._namespace = namespace

    def held(self, kind: ClaimKind, uid: str, pool: str = "") -> list[str]:
        """Return what the holder of that UID has claimed, of one pool or of any."""
        return [
            _wanted(lease)
            for lease in self._state.claims.find(OWNER, uid)
            if _kind(lease) == kind
            and (not pool or _pool(lease) == slug(pool))
            and not lease["metadata"].get("deletionTimestamp")
        ]

    def given(self, uid: str) -> list[str]:
        """Return the hosts that the holder of that UID has from a pool, and are none of its own."""
        own = {_wanted(lease) for lease in self._state.claims.find(OWNER, uid) if not _pool(lease)}
        return [host for host in self.held("host", uid) if host not in own]

    def hosts_of(self, pool: str) -> dict[str, Holder]:
        """Return the hosts that are held of a pool, and who holds them."""
        return {
            host: Holder.of(lease)
            for lease in self._state.claims.find(POOL, slug(pool))
            if _kind(lease) == "host" and (host := _wanted(lease))
        }

    def subdomains_of(self, pool: str) -> set[str]:
        """Return the subdomains, each with its base domain, that Projects hold of a pool."""
        return {
            _wanted(lease)
            for lease in self._state.claims.find(POOL, slug(pool))
            if _kind(lease) == "subdomain"
        }

    def is_subdomain(self, zone: str) -> bool:
        """Tell whether a Project holds the subdomain, of whatever pool."""
        return self.zone_holder((zone,)) is not None

    def zone_holder(self, zones: Iterable[str]) -> Holder | None:
        """Return the Project that holds the first of the subdomains that anybody holds."""
        for zone in zones:
            for lease in self._state.claims.find(HOST, zone):
                if _kind(lease) == "subdomain":
                    return Holder.of(lease)
        return None

    async def claim(
        self, kind: ClaimKind, pool: str, candidates: Iterable[str], holder: Holder
    ) -> str | Blocked:
        """Claim the first candidate that nobody else holds or routes.

        Without a `pool` it is a host of the holder's own.

        Raises:
            Waiting: The API server can't be reached.
        """
        obstacle = None
        for wanted in candidates:
            obstacle = await self._try(kind, pool, wanted, holder)
            if obstacle is None:
                return wanted
            if obstacle.reason == Reason.HOST_PENDING:
                return obstacle
        return obstacle or Blocked(Reason.HOST_TAKEN, Reason.HOST_TAKEN.explanation, stalled=True)

    async def claim_zones(self, pool: str, zones: Iterable[str], holder: Holder) -> Blocked | None:
        """Claim all of the subdomains, each with its base domain, or none; return the obstacle.

        What stays after a failure on the way is the holder's, and found again by `held`.

        Raises:
            Stalled: A claim is refused by the API server.
            Waiting: The API server can't be reached.
        """
        gained: list[str] = []
        # In one order whoever asks: of several that want the same, the first one gets all of it.
        for zone in sorted(zones):
            obstacle = self._wider_zone(zone, holder)
            obstacle = obstacle or await self._try("subdomain", pool, zone, holder)
            if obstacle is None:
                gained.append(zone)
                continue
            if obstacle.reason != Reason.HOST_PENDING:
                await self._give_back(holder.uid, gained)
            return obstacle
        return None

    def _wider_zone(self, zone: str, holder: Holder) -> Blocked | None:
        """Return whose subdomain the base domain is in, where that isn't the holder's own."""
        other = self.zone_holder(with_parents(zone.partition(".")[2]))
        if other is None or other.uid == holder.uid:
            return None
        return Blocked(
            Reason.SUBDOMAIN_TAKEN,
            f"subdomain {zone!r} is in one that is held by {other}; name another DomainPool in"
            " spec.domain.domainPoolRef",
            stalled=True,
        )

    async def _give_back(self, uid: str, zones: Collection[str]) -> None:
        for lease in self._state.claims.find(OWNER, uid):
            if _kind(lease) == "subdomain" and _wanted(lease) in zones:
                await self.delete(lease)

    async def _try(self, kind: ClaimKind, pool: str, wanted: str, holder: Holder) -> Blocked | None:
        """Claim one name; return what stands in the way."""
        if kind == "host" and (foreign := self._foreign_route(wanted, holder)):
            return Blocked(
                Reason.HOST_TAKEN,
                f"host {wanted} is routed by {foreign['kind']} {'/'.join(key_of(foreign))}, which"
                f" Kapsa did not make; delete that, or choose another {_field(pool)}",
                stalled=True,
            )
        lease = claim(kind, pool=pool, wanted=wanted, holder=holder, namespace=self._namespace)
        known = self._state.claims.get(*key_of(lease))
        if known is None:
            if kind == "host" and (former := self._former_route(wanted, holder)):
                return Blocked(
                    Reason.HOST_PENDING,
                    f"host {wanted} is still routed by {former['kind']}"
                    f" {'/'.join(key_of(former))}, whose Environment does not hold it any more",
                    retry_after=_HOLDER_GONE_RETRY,
                )
            try:
                self._state.claims.observe("ADDED", await self._cluster.create(lease))
            except AlreadyExists:
                known = await self._cluster.get(LEASES, lease["metadata"]["name"], self._namespace)
            else:
                log.info("claimed", kind=kind, wanted=wanted, holder=str(holder))
                return None
        if known is None:
            return _pending(wanted, None)
        return self._judge(lease, known, holder)

    def _judge(self, wish: Manifest, lease: Manifest, holder: Holder) -> Blocked | None:
        """Return what stands in the way of a claim that there is already."""
        kind, wanted = _kind(wish), _wanted(wish)
        other = Holder.of(lease)
        if other.uid == holder.uid:
            self._state.claims.observe("MODIFIED", lease)
            return None
        cache = self._cache_of(other)
        if cache is None or not any(map(_is_staying, cache.find(UID, other.uid))):
            return _pending(wanted, other)
        if kind == "subdomain":
            return Blocked(
                Reason.SUBDOMAIN_TAKEN,
                f"subdomain {wanted!r} is held by {other}; choose another in spec.domain.subdomain",
                stalled=True,
            )
        return Blocked(
            Reason.HOST_TAKEN,
            f"host {wanted} is held by {other}; choose another {_field(_pool(wish))}",
            stalled=True,
        )

    def _cache_of(self, holder: Holder) -> Cache | None:
        return {"Environment": self._state.environments, "Project": self._state.projects}.get(
            holder.kind
        )

    def _foreign_route(self, host: str, holder: Holder) -> Manifest | None:
        """Return a route of the host that no claim of Kapsa's stands behind.

        A route of a wildcard, such as an admin's default backend, is none: the one of the very host
        goes before it.
        """
        for manifest in self._routes(host):
            owner = labels.controller_uid(manifest)
            if owner != holder.uid and not (owner and labels.is_managed(manifest)):
                return manifest
        return None

    def _former_route(self, host: str, holder: Holder) -> Manifest | None:
        """Return a route of Kapsa's that leads the host, which nobody holds, to another."""
        for manifest in self._routes(host):
            owner = labels.controller_uid(manifest)
            if owner not in ("", holder.uid) and labels.is_managed(manifest):
                return manifest
        return None

    def _routes(self, host: str) -> Iterator[Manifest]:
        """Yield the Ingresses and HTTPRoutes that lead the host, whoever's they are."""
        for cache in (self._state.ingresses, self._state.http_routes):
            yield from cache.find(HOST, host)

    async def release(self, kind: ClaimKind, uid: str, *, keep: Collection[str] = ()) -> None:
        """Give back what the holder of that UID has claimed, but for what to `keep`."""
        for lease in self._state.claims.find(OWNER, uid):
            if _kind(lease) == kind and _wanted(lease) not in keep:
                await self.delete(lease)

    async def delete(self, lease: Manifest) -> None:
        """Delete a claim: this one, and none that was made anew under its name."""
        namespace, name = key_of(lease)
        log.info("released", wanted=_wanted(lease), holder=str(Holder.of(lease)))
        deletion = await self._cluster.delete(LEASES, name, namespace, uid=uid_of(lease))
        self._state.claims.take_deletion(lease, deletion)


def _pending(wanted: str, holder: Holder | None) -> Blocked:
    former = f" of {holder}, which is gone," if holder else ""
    return Blocked(
        Reason.HOST_PENDING,
        f"the claim of {wanted!r}{former} is being cleaned up",
        retry_after=_HOLDER_GONE_RETRY,
    )


def _field(pool: str) -> str:
    """Return the field that says which host is wanted."""
    return "spec.domain.subdomain" if pool else "spec.ingress.host"


def _is_staying(holder: Manifest) -> bool:
    return not holder["metadata"].get("deletionTimestamp")


def _kind(lease: Manifest) -> str:
    return str((lease["metadata"].get("labels") or {}).get(labels.CLAIM, ""))


def _pool(lease: Manifest) -> str:
    return str((lease["metadata"].get("labels") or {}).get(labels.POOL, ""))


def _wanted(lease: Manifest) -> str:
    return str((lease["metadata"].get("annotations") or {}).get(labels.HOST, ""))
