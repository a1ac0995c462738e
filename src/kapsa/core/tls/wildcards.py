"""The zones that wildcard certificates are issued for, and which zone a host is in.

A zone is a domain with the hosts right below it: the certificate of `apps.example.com` is for
`*.apps.example.com`. It is issued once, whatever number of hosts comes and goes.
"""

from collections.abc import Callable, Collection, Iterable

from kapsa.core.hosts.domain import with_parents
from kapsa.models.domain_pool import CertManager, DomainPool
from kapsa.utils.names import with_digest

IsClaimed = Callable[[str], bool]
"""Tells whether a Project holds that zone as its subdomain."""


def issues_wildcards(offered: CertManager | None) -> bool:
    """Tell whether Kapsa has wildcard certificates issued for a pool.

    With delivery `router` and no issuer the router has one of its own.
    """
    return offered is not None and offered.mode == "wildcard" and offered.issuer_ref is not None


def zone_of(host: str, pool: DomainPool, is_claimed: IsClaimed) -> str:
    """Return the zone of the pool that the host is in; nothing where it is below no base domain.

    That is the domain right above the host. Where hosts nest, a Project's subdomain is a zone of
    its own, and the host that is called like it is in that.
    """
    above = host.partition(".")[2]
    if not any(domain in pool.spec.base_domains for domain in with_parents(above)):
        return ""
    return host if pool.spec.naming == "nested" and is_claimed(host) else above


def wanted_zones(
    pool: DomainPool, hosts: Iterable[str], subdomains: Collection[str], is_claimed: IsClaimed
) -> tuple[str, ...]:
    """Return the zones that need a certificate, each once, in order.

    Args:
        pool: Where the hosts are from.
        hosts: The hosts that are held of it.
        subdomains: The zones that Projects hold of it as their subdomains.
        is_claimed: See `zone_of`; it knows the subdomains of other pools, too.
    """
    if not issues_wildcards(pool.spec.cert_manager):
        return ()
    zones = {zone_of(host, pool, is_claimed) for host in hosts} - {""}
    if pool.spec.naming == "flat":
        zones.update(pool.spec.base_domains)
    else:
        zones.update(zone for zone in subdomains if zone_of(zone, pool, is_claimed) == zone)
    return tuple(sorted(zones))


def dns_names(zone: str, pool: DomainPool) -> tuple[str, ...]:
    """Return the names in the certificate of a zone.

    A Project's subdomain is itself a host. A base domain is never given away.
    """
    return (f"*.{zone}",) if zone in pool.spec.base_domains else (f"*.{zone}", zone)


def wildcard_name(pool: str, zone: str) -> str:
    """Return the name of a wildcard's Certificate, of its Secret, and of the copies of that.

    No other pool or zone has it, whatever they are called.
    """
    return with_digest(f"{zone}-tls", f"{pool}\n{zone}")
