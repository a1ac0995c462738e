"""What makes a generated value satisfy a CEL rule, by what the rule says to who breaks it.

A rule that isn't here is no secret: `tests/strategies.py` refuses the schema and names it.
"""

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

Manifest = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Repair = Callable[[Draw, Manifest], Manifest]


def repaired(values: st.SearchStrategy[Any], message: str) -> st.SearchStrategy[Any]:
    """Return those values, changed where need be so that they satisfy the rule that says that.

    Raises:
        ValueError: Nobody has written down how.
    """
    if message not in _REPAIRS:
        raise ValueError(f"tests/repairs.py has no repair for the rule {message!r}")
    repair = _REPAIRS[message]

    @st.composite
    def build(draw: Draw) -> Any:
        return repair(draw, draw(values))

    return build()


def _without(value: Manifest, *names: str) -> Manifest:
    return {name: field for name, field in value.items() if name not in names}


def _as_it_is(_: Draw, value: Manifest) -> Manifest:
    """A rule over a change says nothing of a new object."""
    return value


def _api_beside_repository(_: Draw, repository: Manifest) -> Manifest:
    if "apiURL" not in repository:
        return repository
    path = "/".join(repository["apiURL"].split("/")[3:])
    host = "/".join(repository["url"].split("/")[:3])
    return {**repository, "apiURL": f"{host}/{path}"}


def _distinct_ports(_: Draw, runtime: Manifest) -> Manifest:
    if "ports" not in runtime:
        return runtime
    ports = {
        (port["containerPort"], port.get("protocol", "TCP")): port for port in runtime["ports"]
    }
    return {**runtime, "ports": list(ports.values())}


def _ordered_replicas(_: Draw, autoscaling: Manifest) -> Manifest:
    if not {"minReplicas", "maxReplicas"} <= autoscaling.keys():
        return autoscaling
    low, high = sorted((autoscaling["minReplicas"], autoscaling["maxReplicas"]))
    return {**autoscaling, "minReplicas": low, "maxReplicas": high}


def _variable_of_others(_: Draw, variable: Manifest) -> Manifest:
    return {**variable, "name": variable["name"].replace("KAPSA_", "OTHER_", 1)}


def _one_source(draw: Draw, environment: Manifest) -> Manifest:
    sources = [name for name in ("branch", "tag", "promoteFrom") if name in environment]
    if not sources:
        return {**environment, "branch": "main"}
    kept = draw(st.sampled_from(sources))
    return _without(environment, *(name for name in sources if name != kept))


def _promoted_from_another(_: Draw, environment: Manifest) -> Manifest:
    if environment.get("promoteFrom") != environment["name"]:
        return environment
    return {**_without(environment, "promoteFrom"), "branch": "main"}


def _no_name_of_a_preview(_: Draw, environment: Manifest) -> Manifest:
    return {**environment, "name": environment["name"].replace("pr-", "qr-", 1)}


def _promoted_from_one_that_is_there(draw: Draw, spec: Manifest) -> Manifest:
    items = spec.get("environments", [])
    names = [item["name"] for item in items]

    def repair(item: Manifest) -> Manifest:
        others = [name for name in names if name != item["name"]]
        if "promoteFrom" not in item or item["promoteFrom"] in others:
            return item
        if not others:
            return {**_without(item, "promoteFrom"), "branch": "main"}
        return {**item, "promoteFrom": draw(st.sampled_from(others))}

    return {**spec, "environments": [repair(item) for item in items]} if items else spec


def _gateway_by_its_reference(_: Draw, routing: Manifest) -> Manifest:
    if "gatewayRef" in routing:
        return {**routing, "kind": "Gateway"}
    return _without(routing, "kind") if routing.get("kind") == "Gateway" else routing


def _no_class_at_a_gateway(_: Draw, routing: Manifest) -> Manifest:
    return _without(routing, "ingressClassName") if "gatewayRef" in routing else routing


def _values_where_they_count(_: Draw, requirement: Manifest) -> Manifest:
    operator = requirement["operator"]
    if operator in {"Exists", "DoesNotExist"}:
        return _without(requirement, "values")
    return requirement if requirement.get("values") else {**requirement, "values": ["x"]}


def _keys_of_labels(_: Draw, selector: Manifest) -> Manifest:
    if "matchLabels" not in selector:
        return selector
    values = selector["matchLabels"].values()
    return {**selector, "matchLabels": {f"key-{i}": value for i, value in enumerate(values)}}


def _known_resources(_: Draw, resources: Manifest) -> Manifest:
    return {
        field: {f"example.com/{i}": value for i, value in enumerate(amounts.values())}
        for field, amounts in resources.items()
    }


_REPAIRS: Final[dict[str, Repair]] = {
    "isolation can't be changed; make a new Project": _as_it_is,
    "apiURL must have the scheme, host and port of url: the credentials are sent there": (
        _api_beside_repository
    ),
    "two ports have the same containerPort and protocol; leave one of them out": _distinct_ports,
    "minReplicas is more than maxReplicas; lower minReplicas or raise maxReplicas": (
        _ordered_replicas
    ),
    (
        "a resource is cpu, memory, ephemeral-storage, hugepages-<size>, or has a prefix such as"
        " example.com/gpu"
    ): _known_resources,
    "names that start with KAPSA_ are set by Kapsa; choose another name": _variable_of_others,
    "set exactly one of branch, tag and promoteFrom": _one_source,
    "promoteFrom names the environment itself; name another one of spec.environments": (
        _promoted_from_another
    ),
    "names such as pr-7 are kept for the previews of pull requests; choose another name": (
        _no_name_of_a_preview
    ),
    "promoteFrom must be the name of another environment in spec.environments": (
        _promoted_from_one_that_is_there
    ),
    "kind Gateway needs gatewayRef, and kind Ingress has none": _gateway_by_its_reference,
    "ingressClassName is for kind Ingress; leave it out": _no_class_at_a_gateway,
    "matchLabels needs keys of labels, such as example.com/team": _keys_of_labels,
    "In and NotIn need values; Exists and DoesNotExist have none": _values_where_they_count,
}
