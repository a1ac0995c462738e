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


def _no_name_of_kapsas(_: Draw, process: Manifest) -> Manifest:
    own = process["name"] in {"web", "release"}
    return {**process, "name": f"{process['name']}-1"} if own else process


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


def _pods_of_a_router(_: Draw, routing: Manifest) -> Manifest:
    return routing if "routerNamespace" in routing else _without(routing, "routerPodSelector")


def _somebody_who_signs(_: Draw, certificates: Manifest) -> Manifest:
    by_router = certificates.get("mode", "wildcard") == "wildcard" and (
        certificates.get("delivery") == "router"
    )
    if "issuerRef" in certificates or certificates.get("mode") == "none" or by_router:
        return certificates
    return {**certificates, "mode": "none"}


def _wildcards_for_a_router(_: Draw, certificates: Manifest) -> Manifest:
    is_wildcard = certificates.get("mode", "wildcard") == "wildcard"
    return certificates if is_wildcard else _without(certificates, "delivery")


def _who_signs_everywhere(_: Draw, certificates: Manifest) -> Manifest:
    if certificates.get("mode") != "perHost" or "issuerRef" not in certificates:
        return certificates
    return {**certificates, "issuerRef": _without(certificates["issuerRef"], "kind")}


def _certificates_at_listeners(_: Draw, pool: Manifest) -> Manifest:
    if "certManager" not in pool or pool.get("routing", {}).get("kind") != "Gateway":
        return pool
    said = _without(pool["certManager"], "mode")
    return {**pool, "certManager": {**said, "delivery": "router"}}


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


def _keys_of_annotations(field: str) -> Repair:
    def repair(_: Draw, value: Manifest) -> Manifest:
        if field not in value:
            return value
        return {**value, field: {f"key-{i}": text for i, text in enumerate(value[field].values())}}

    return repair


def _distinct_paths(_: Draw, ingress: Manifest) -> Manifest:
    if "paths" not in ingress:
        return ingress
    return {**ingress, "paths": list(dict.fromkeys(ingress["paths"]))}


def _person(_: Draw, subject: Manifest) -> Manifest:
    return {**subject, "name": subject["name"].removeprefix("system:") or "jane"}


def _no_host_for_all(_: Draw, value: Manifest) -> Manifest:
    if "ingress" not in value:
        return value
    return {**value, "ingress": _without(value["ingress"], "host")}


def _credentials_to_pull_with(_: Draw, spec: Manifest) -> Manifest:
    secret = spec.get("imagePullSecret")
    if secret is None or not secret.get("generatePerNamespace", True) or "pullAuth" in spec:
        return spec
    return {**spec, "pullAuth": {"secretRef": {"name": "pull"}}}


def _one_builder(draw: Draw, builder: Manifest) -> Manifest:
    if "image" in builder:
        return _without(builder, "kind", "name")
    if {"kind", "name"} <= builder.keys():
        return builder
    return {"kind": draw(st.sampled_from(["Builder", "ClusterBuilder"])), "name": "base"}


def _image_of_ci(_: Draw, build: Manifest) -> Manifest:
    if build.get("strategy", "prebuilt") != "prebuilt":
        return _without(build, "image")
    return {"image": "ghcr.io/acme/shop:{sha}", **build}


def _fields_of_strategies(*names: str, strategies: frozenset[str]) -> Repair:
    def repair(_: Draw, build: Manifest) -> Manifest:
        return build if build.get("strategy") in strategies else _without(build, *names)

    return repair


def _somewhere_to_push(_: Draw, spec: Manifest) -> Manifest:
    if spec["build"].get("strategy", "prebuilt") == "prebuilt":
        return spec
    return {"registry": {"name": "harbor"}, **spec}


_REPAIRS: Final[dict[str, Repair]] = {
    "imagePullSecret is made of pullAuth; set that too, or generatePerNamespace to false": (
        _credentials_to_pull_with
    ),
    "set either image, or kind and name": _one_builder,
    "image names what CI has pushed: set it with strategy prebuilt, and with no other": (
        _image_of_ci
    ),
    "dockerfile and args are for strategy dockerfile only": _fields_of_strategies(
        "dockerfile", "args", strategies=frozenset({"dockerfile"})
    ),
    "builder and env are for strategy buildpack only": _fields_of_strategies(
        "builder", "env", strategies=frozenset({"buildpack"})
    ),
    "context is for strategies dockerfile and buildpack only: nothing is built otherwise": (
        _fields_of_strategies("context", strategies=frozenset({"dockerfile", "buildpack"}))
    ),
    (
        "registry says where images are pushed that Kapsa builds; set it, or build.strategy to"
        " prebuilt"
    ): _somewhere_to_push,
    "isolation can't be changed; make a new Project": _as_it_is,
    "apiURL must have the scheme, host and port of url: the credentials are sent there": (
        _api_beside_repository
    ),
    "two ports have the same containerPort and protocol; leave one of them out": _distinct_ports,
    "web is the name of the main process, and release that of the release; choose another": (
        _no_name_of_kapsas
    ),
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
    "routerPodSelector needs routerNamespace: say where those pods are": _pods_of_a_router,
    "issuerRef is needed to issue certificates; name an issuer, or set mode to none": (
        _somebody_who_signs
    ),
    "delivery router is for mode wildcard; leave it out": _wildcards_for_a_router,
    "mode perHost needs a ClusterIssuer: an Issuer signs in its own namespace only": (
        _who_signs_everywhere
    ),
    (
        "a Gateway has its certificates at its listeners: set certManager.mode to wildcard and"
        " certManager.delivery to router"
    ): _certificates_at_listeners,
    "matchLabels needs keys of labels, such as example.com/team": _keys_of_labels,
    (
        "annotations needs keys of annotations, such as example.com/team; those of kapsa-project.io"
        " are Kapsa's own"
    ): _keys_of_annotations("annotations"),
    (
        "previewAnnotations needs keys of annotations, such as example.com/team; those of"
        " kapsa-project.io are Kapsa's own"
    ): _keys_of_annotations("previewAnnotations"),
    (
        "names that begin with system: mean everybody, or Kubernetes itself; name a person, a"
        " group, or a ServiceAccount such as system:serviceaccount:team-a:robot"
    ): _person,
    "a path is there twice; leave one of them out": _distinct_paths,
    "only one environment can have a host; set it in environments[].ingress.host": (
        _no_host_for_all
    ),
    "In and NotIn need values; Exists and DoesNotExist have none": _values_where_they_count,
}
