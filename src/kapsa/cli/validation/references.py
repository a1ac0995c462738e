"""Whether what the objects of some files name is among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kapsa.core.hosts.routing_rules import pool_routing_problems
from kapsa.core.images.repositories import registry_problems
from kapsa.core.offers import FIELDS, absence
from kapsa.core.problems import Problem
from kapsa.core.projects.spec_checks import check_subdomain
from kapsa.models import DomainPool, Environment, Model, Project, Registry


@dataclass
class Offers:
    """What the files offer.

    Attributes:
        names: Names of the objects of each kind that can be named.
        pools: The DomainPools that can be read, by name.
        registries: The Registries that can be read, by name.
    """

    names: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in FIELDS})
    pools: dict[str, DomainPool] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)

    def add(self, kind: str, name: str, item: Model | None) -> None:
        """Add an object that is among the files; `item` is None where it can't be read."""
        if kind in self.names:
            self.names[kind].append(name)
        if isinstance(item, DomainPool):
            self.pools[name] = item
        if isinstance(item, Registry):
            self.registries[name] = item


def find_missing(item: Model, offers: Offers) -> Iterator[Problem]:
    """Yield what an object names or wants in vain, as far as the files tell."""
    if not isinstance(item, Project | Environment):
        return
    for kind, name, there in _references(item, offers):
        if there and name not in there:
            gone = absence(kind, name)
            message = f"{kind} {name} is not among the files, which hold {', '.join(there)}"
            yield Problem(_path(kind), message, gone.reason)
    domain = item.spec.domain
    pool = offers.pools.get(domain.domain_pool_ref.name) if domain else None
    if pool is not None:
        yield from pool_routing_problems(item, pool)
    if pool is not None and isinstance(item, Project):
        yield from check_subdomain(item, pool)
    registry = offers.registries.get(item.spec.registry.name) if item.spec.registry else None
    if registry is not None:
        yield from registry_problems(item, registry)


def unjudged(item: Model, offers: Offers) -> Iterator[tuple[str, str]]:
    """Yield field and message for each reference to a kind of which the files hold no object."""
    if isinstance(item, Project | Environment):
        for kind, name, there in _references(item, offers):
            if not there:
                yield _path(kind), f"no {kind} is among the files; {name} was not looked for"


def _references(
    item: Project | Environment, offers: Offers
) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield kind and name of what the object names, and the names of that kind in the files."""
    if item.spec.domain is not None:
        yield "DomainPool", item.spec.domain.domain_pool_ref.name, offers.names["DomainPool"]
    if item.spec.registry is not None:
        yield "Registry", item.spec.registry.name, offers.names["Registry"]


def _path(kind: str) -> str:
    return f"{FIELDS[kind]}.name"
