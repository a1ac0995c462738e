"""Which host an Environment gets from a DomainPool, and which subdomain a Project."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.projects import naming
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason
from kapsa.utils.names import join, label, slug, with_digest


@dataclass(frozen=True)
class HostRequest:
    """Who wants a host.

    Attributes:
        environment: What tells the environment from others of its Project, such as `pr-42`.
        subdomain: The name below the base domain; nothing for an Environment that stands alone.
        holder: `<namespace>/<name>` of the Environment, for the digest of a second choice.
        permanent: Whether it can be the pool's primary environment.
    """

    environment: str
    subdomain: str
    holder: str
    permanent: bool = False


def host_request(environment: Environment) -> HostRequest:
    """Return what the Environment asks of the DomainPool that it names."""
    meta, domain = environment.metadata, environment.spec.domain
    return HostRequest(
        environment=_slug(environment),
        subdomain=(domain.subdomain if domain else None) or "",
        holder=f"{meta.namespace}/{meta.name}",
        permanent=environment.spec.type == naming.PERMANENT,
    )


def _slug(environment: Environment) -> str:
    """Return what tells the Environment from others of its Project, or its name if it has none."""
    meta, reference = environment.metadata, environment.spec.project_ref
    if reference is None:
        return meta.name
    # The name may end in a digest, where another Project of the namespace had the plain one.
    return meta.labels.get(labels.INSTANCE) or naming.environment_slug(meta.name, reference.name)


def host_name(request: HostRequest, pool: DomainPool) -> str | Blocked:
    """Return what comes before the base domain: `pr-42-shop`, or `pr-42.shop` where hosts nest.

    One or two DNS labels: with any base domain that a pool may have, the host is a valid name.
    """
    name = _host_name(request, pool)
    below_base = name.rpartition(".")[2]
    if below_base not in pool.spec.allocation_policy.reserved_subdomains:
        return name
    return Blocked(
        Reason.SUBDOMAIN_RESERVED,
        f"DomainPool {pool.metadata.name} reserves {below_base!r}; choose another subdomain"
        " in spec.domain.subdomain",
        stalled=True,
    )


def _host_name(request: HostRequest, pool: DomainPool) -> str:
    if not request.subdomain:
        return slug(request.environment)
    if request.permanent and request.environment == pool.spec.primary_environment:
        return request.subdomain
    if pool.spec.naming == "nested":
        return f"{label(request.environment)}.{request.subdomain}"
    return join(request.environment, request.subdomain)


def candidate_hosts(name: str, holder: str, bases: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts to try, best first; the first that can be claimed is the one.

    Args:
        name: What comes before the base domain; see `host_name`.
        holder: `<namespace>/<name>` of the Environment.
        bases: The base domains to try, in this order; see `core.allocation.base_order`.

    Returns:
        For each base domain the plain host, and one with a digest of the holder in its first label.
    """
    first, dot, rest = name.partition(".")
    second = with_digest(first, holder) + dot + rest
    return tuple(f"{choice}.{base}" for base in bases for choice in (name, second))


def zone(subdomain: str, base: str) -> str:
    """Return the name that a Project claims to have its subdomain below a base domain.

    Its Environments' hosts are the zone itself, `<environment>-<zone>` and `<environment>.<zone>`:
    both, whatever the pool's naming is now, since an admin may change it.
    """
    return f"{subdomain}.{base}"


def zones_around(name: str, base: str) -> Iterator[str]:
    """Yield the zones in which the host `<name>.<base>` would be, the narrowest first.

    With `name` `pr-1-shop` these are, below the base domain, `pr-1-shop`, `1-shop` and `shop`. The
    base domain may itself be in a zone of a pool that has a shorter one.
    """
    first, _, below_base = name.rpartition(".")
    if first:
        yield f"{name}.{base}"
    words = below_base.split("-")
    for start in range(len(words)):
        yield zone("-".join(words[start:]), base)
    yield from with_parents(base)


def with_parents(domain: str) -> Iterator[str]:
    """Yield the domain and all that it is below: `apps.example.com`, `example.com`, `com`."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def own_host_refusal(host: str, offered: Iterable[str]) -> Blocked | None:
    """Return why nobody may have the host as one of their own; None where somebody may.

    Args:
        host: The host that somebody wants.
        offered: Base domains of all pools: hosts in them are the pools' to give.
    """
    around = frozenset(with_parents(host))
    base = next((base for base in sorted(offered) if base in around), None)
    if base is None:
        return None
    return Blocked(
        Reason.HOST_NOT_ALLOWED,
        f"host {host} is in {base}, where only DomainPools give hosts; choose another"
        " spec.ingress.host, or leave it out and get one of spec.domain.domainPoolRef",
        stalled=True,
    )


def candidate_subdomains(
    asked_for: str | None,
    project: str,
    namespace: str,
    pool: DomainPool,
    offered: AbstractSet[str] = frozenset(),
) -> tuple[str, ...] | Blocked:
    """Return the subdomains that a Project may claim, best first.

    One that a person asked for has no second choice. The default is the Project's name, then the
    name with a digest, since Projects of other namespaces may be called the same.

    Args:
        asked_for: The subdomain in the Project's spec.
        project: Name of the Project.
        namespace: Its namespace.
        pool: Where from.
        offered: Base domains of all pools: none of them may become part of a subdomain.
    """
    choices = (
        (asked_for,) if asked_for else (project, with_digest(project, f"{namespace}/{project}"))
    )
    reserved = pool.spec.allocation_policy.reserved_subdomains
    allowed = tuple(
        choice
        for choice in choices
        if choice not in reserved and not _covers_base(choice, pool, offered)
    )
    if allowed:
        return allowed
    return Blocked(
        Reason.SUBDOMAIN_RESERVED,
        f"DomainPool {pool.metadata.name} reserves the subdomain {choices[0]!r}, or there is a"
        " base domain of that name; choose another in spec.domain.subdomain",
        stalled=True,
    )


def _covers_base(subdomain: str, pool: DomainPool, offered: Iterable[str]) -> bool:
    """Tell whether a base domain is, or is below, the subdomain."""
    zones = {zone(subdomain, base) for base in pool.spec.base_domains}
    return any(parent in zones for base in offered for parent in with_parents(base))
