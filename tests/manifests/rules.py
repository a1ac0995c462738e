"""Manifests that break a rule over several fields, written by hand."""

from collections.abc import Iterator
from typing import Any, Final

from kapsa.models import DomainPool, Environment, Model, Project, Registry
from tests.manifests.constraints import Node, nodes_below, root_of
from tests.manifests.invalid import Invalid, Manifest
from tests.manifests.valid import DIGEST, FULL, MINIMAL, SHA, manifest_of

ROOT: Final = "<nil>"
"""What the API server calls the object itself."""

_Row = tuple[str, Manifest, str, str]
"""A name, fields of the spec that go over the smallest one, the place and what is said there."""

_ONE_SOURCE: Final = "set exactly one of branch, tag and promoteFrom"
_KEPT_NAMES: Final = (
    "names such as pr-7 are kept for the previews of pull requests; choose another name"
)
_OTHER_ENVIRONMENT: Final = (
    "promoteFrom must be the name of another environment in spec.environments"
)
_SAME_HOST: Final = (
    "apiURL must have the scheme, host and port of url: the credentials are sent there"
)
_SAME_PORT: Final = "two ports have the same containerPort and protocol; leave one of them out"
_OWN_PROCESSES: Final = (
    "web is the name of the main process, and release that of the release; choose another"
)
_REPLICAS: Final = "minReplicas is more than maxReplicas; lower minReplicas or raise maxReplicas"
_RESOURCE: Final = (
    "a resource is cpu, memory, ephemeral-storage, hugepages-<size>, or has a prefix such as"
    " example.com/gpu"
)
_OWN_VARIABLES: Final = "names that start with KAPSA_ are set by Kapsa; choose another name"
_GATEWAY: Final = "kind Gateway needs gatewayRef, and kind Ingress has none"
_INGRESS: Final = "ingressClassName is for kind Ingress; leave it out"
_ROUTER_PODS: Final = "routerPodSelector needs routerNamespace: say where those pods are"
_ISSUER: Final = "issuerRef is needed to issue certificates; name an issuer, or set mode to none"
_ROUTER: Final = "delivery router is for mode wildcard; leave it out"
_PER_HOST: Final = "mode perHost needs a ClusterIssuer: an Issuer signs in its own namespace only"
_LISTENERS: Final = (
    "a Gateway has its certificates at its listeners: set certManager.mode to wildcard and"
    " certManager.delivery to router"
)
_KEYS: Final = "matchLabels needs keys of labels, such as example.com/team"
_ANNOTATIONS: Final = (
    "annotations needs keys of annotations, such as example.com/team; those of kapsa-project.io are"
    " Kapsa's own"
)
_PREVIEW_ANNOTATIONS: Final = (
    "previewAnnotations needs keys of annotations, such as example.com/team; those of"
    " kapsa-project.io are Kapsa's own"
)
_SYSTEM: Final = (
    "names that begin with system: mean everybody, or Kubernetes itself; name a person, a group, or"
    " a ServiceAccount such as system:serviceaccount:team-a:robot"
)
_PATHS: Final = "a path is there twice; leave one of them out"
_ONE_HOST: Final = "only one environment can have a host; set it in environments[].ingress.host"
_BUILDER: Final = "set either image, or kind and name"
_PUSHED: Final = "image names what CI has pushed: set it with strategy prebuilt, and with no other"
_OF_DOCKERFILES: Final = "dockerfile and args are for strategy dockerfile only"
_OF_BUILDPACKS: Final = "builder and env are for strategy buildpack only"
_OF_BUILDS: Final = (
    "context is for strategies dockerfile and buildpack only: nothing is built otherwise"
)
_TARGET: Final = (
    "registry says where images are pushed that Kapsa builds; set it, or build.strategy to prebuilt"
)
_PULL_SECRET: Final = (
    "imagePullSecret is made of pullAuth; set that too, or generatePerNamespace to false"
)
_VALUES: Final = "In and NotIn need values; Exists and DoesNotExist have none"

_OWN_HOST: Final = {"ingress": {"host": "shop.example.com"}}
_STAGING: Final = {"name": "staging", "branch": "main"}
_SIGNER: Final = {"name": "letsencrypt"}
_GATEWAY_REF: Final = {"name": "public", "namespace": "gateways"}


def _environments(*items: Manifest) -> Manifest:
    return {"environments": list(items)}


def _built(strategy: str, **fields: Any) -> Manifest:
    return {"registry": {"name": "harbor"}, "build": {"strategy": strategy, **fields}}


_PREBUILT: Final = {"image": "ghcr.io/acme/shop:{sha}"}


def _repository(url: str, api_url: str) -> Manifest:
    return {"repository": {"url": url, "apiURL": api_url}}


def _runtime(**fields: Any) -> Manifest:
    return {"runtime": fields}


def _selector(**requirement: Any) -> Manifest:
    return {"allowedNamespaces": {"selector": {"matchExpressions": [requirement]}}}


_URL: Final = "https://git.example.com/acme/shop.git"

_ROWS: Final[dict[type[Model], tuple[_Row, ...]]] = {
    Project: (
        ("a host for all environments", _OWN_HOST, "spec", _ONE_HOST),
        (
            "a build without a registry",
            {"build": {"strategy": "dockerfile"}},
            "spec",
            _TARGET,
        ),
        ("a prebuilt image that is not named", {"build": {}}, "spec.build", _PUSHED),
        (
            "an image by name that Kapsa builds",
            _built("dockerfile", **_PREBUILT),
            "spec.build",
            _PUSHED,
        ),
        (
            "a Dockerfile for buildpacks",
            _built("buildpack", dockerfile="Dockerfile"),
            "spec.build",
            _OF_DOCKERFILES,
        ),
        (
            "arguments of a prebuilt image",
            _built("prebuilt", **_PREBUILT, args=[{"name": "A", "value": "b"}]),
            "spec.build",
            _OF_DOCKERFILES,
        ),
        (
            "a builder for a Dockerfile",
            _built("dockerfile", builder={"image": "acme/builder"}),
            "spec.build",
            _OF_BUILDPACKS,
        ),
        (
            "variables of buildpacks for a Dockerfile",
            _built("dockerfile", env=[{"name": "A", "value": "b"}]),
            "spec.build",
            _OF_BUILDPACKS,
        ),
        (
            "the context of a prebuilt image",
            _built("prebuilt", **_PREBUILT, context="web"),
            "spec.build",
            _OF_BUILDS,
        ),
        *(
            (
                f"a builder with {' and '.join(fields) or 'nothing'}",
                _built("buildpack", builder=fields),
                "spec.build.builder",
                _BUILDER,
            )
            for fields in (
                {},
                {"image": "acme/builder", "name": "base"},
                {"image": "acme/builder", "kind": "Builder", "name": "base"},
                {"kind": "Builder"},
                {"name": "base"},
            )
        ),
        (
            "a host for all previews",
            {"previewEnvironments": _OWN_HOST},
            "spec.previewEnvironments",
            _ONE_HOST,
        ),
        (
            "an annotation of all environments with a key that is none",
            {"ingress": {"annotations": {"": "x"}}},
            "spec.ingress",
            _ANNOTATIONS,
        ),
        (
            "access for everybody",
            {"access": [{"kind": "Group", "name": "system:authenticated"}]},
            "spec.access[0]",
            _SYSTEM,
        ),
        (
            "a path of an environment that is there twice",
            _environments(_STAGING | {"ingress": {"paths": ["/a", "/a"]}}),
            "spec.environments[0].ingress",
            _PATHS,
        ),
        (
            "an environment that follows nothing",
            _environments({"name": "production"}),
            "spec.environments[0]",
            _ONE_SOURCE,
        ),
        (
            "an environment that follows a branch and a tag",
            _environments(_STAGING, {"name": "production", "branch": "main", "tag": "v*"}),
            "spec.environments[1]",
            _ONE_SOURCE,
        ),
        (
            "an environment that follows a branch and another environment",
            _environments(
                _STAGING, {"name": "production", "branch": "main", "promoteFrom": "staging"}
            ),
            "spec.environments[1]",
            _ONE_SOURCE,
        ),
        (
            "an environment with no source but a pinned image",
            _environments({"name": "production", "image": f"acme/shop@{DIGEST}"}),
            "spec.environments[0]",
            _ONE_SOURCE,
        ),
        (
            "an environment with no source but a pinned revision",
            _environments({"name": "production", "revision": SHA}),
            "spec.environments[0]",
            _ONE_SOURCE,
        ),
        (
            "an environment that promotes from itself",
            _environments({"name": "production", "promoteFrom": "production"}),
            "spec.environments[0]",
            "promoteFrom names the environment itself; name another one of spec.environments",
        ),
        (
            "an environment that promotes from one that is not there",
            _environments(_STAGING, {"name": "production", "promoteFrom": "stagging"}),
            "spec",
            _OTHER_ENVIRONMENT,
        ),
        (
            "an environment called like the preview of a pull request",
            _environments({"name": "pr-7", "branch": "main"}),
            "spec.environments[0]",
            _KEPT_NAMES,
        ),
        (
            "a forge on another host than the repository",
            _repository(_URL, "https://evil.example.com/api/v1"),
            "spec.repository",
            _SAME_HOST,
        ),
        (
            "a forge whose host begins like the repository's",
            _repository(_URL, "https://git.example.com.evil.example.com/api/v1"),
            "spec.repository",
            _SAME_HOST,
        ),
        (
            "a forge spoken to without encryption",
            _repository(_URL, "http://git.example.com/api/v1"),
            "spec.repository",
            _SAME_HOST,
        ),
        (
            "a forge at another port than the repository",
            _repository(_URL, "https://git.example.com:8443/api/v1"),
            "spec.repository",
            _SAME_HOST,
        ),
        (
            "two ports of one number and protocol",
            _runtime(
                ports=[
                    {"name": "http", "containerPort": 80},
                    {"name": "web", "containerPort": 80, "protocol": "TCP"},
                ]
            ),
            "spec.runtime",
            _SAME_PORT,
        ),
        (
            "two ports of one number in an environment",
            _environments(
                {
                    **_STAGING,
                    "runtime": {
                        "ports": [
                            {"name": "a", "containerPort": 1},
                            {"name": "b", "containerPort": 1},
                        ]
                    },
                }
            ),
            "spec.environments[0].runtime",
            _SAME_PORT,
        ),
        (
            "a further process called like the main one",
            _runtime(processes=[{"name": "worker"}, {"name": "web"}]),
            "spec.runtime.processes[1]",
            _OWN_PROCESSES,
        ),
        (
            "a further process called like the release",
            _runtime(processes=[{"name": "release"}]),
            "spec.runtime.processes[0]",
            _OWN_PROCESSES,
        ),
        (
            "two ports of one number of a further process",
            _runtime(
                processes=[
                    {
                        "name": "api",
                        "ports": [
                            {"name": "a", "containerPort": 1},
                            {"name": "b", "containerPort": 1},
                        ],
                    }
                ]
            ),
            "spec.runtime.processes[0]",
            _SAME_PORT,
        ),
        (
            "more pods at least than at most",
            _runtime(autoscaling={"minReplicas": 3, "maxReplicas": 2}),
            "spec.runtime.autoscaling",
            _REPLICAS,
        ),
        (
            "a limit of a resource that there is not",
            _runtime(resources={"limits": {"memroy": "1Gi"}}),
            "spec.runtime.resources",
            _RESOURCE,
        ),
        (
            "a request of a resource that there is not",
            _runtime(resources={"requests": {"cpus": 1}}),
            "spec.runtime.resources",
            _RESOURCE,
        ),
        (
            "a variable that Kapsa sets itself",
            _runtime(env=[{"name": "A"}, {"name": "KAPSA_COMMIT", "value": "x"}]),
            "spec.runtime.env[1]",
            _OWN_VARIABLES,
        ),
        (
            "an annotation with a key that is none",
            {"ingress": {"annotations": {"my key": "x"}}},
            "spec.ingress",
            _ANNOTATIONS,
        ),
        (
            "an annotation that is Kapsa's own",
            {"ingress": {"annotations": {"kapsa-project.io/commit": "x"}}},
            "spec.ingress",
            _ANNOTATIONS,
        ),
        (
            "a path that is there twice",
            {"ingress": {"paths": ["/a", "/b", "/a"]}},
            "spec.ingress",
            _PATHS,
        ),
    ),
    DomainPool: (
        (
            "a pool of a Gateway without one",
            {"routing": {"kind": "Gateway"}},
            "spec.routing",
            _GATEWAY,
        ),
        (
            "a pool of Ingresses with a Gateway",
            {"routing": {"kind": "Ingress", "gatewayRef": _GATEWAY_REF}},
            "spec.routing",
            _GATEWAY,
        ),
        (
            "a pool with a Gateway whose kind is left out",
            {"routing": {"gatewayRef": _GATEWAY_REF}},
            "spec.routing",
            _GATEWAY,
        ),
        (
            "a pool of a Gateway with an IngressClass",
            {
                "routing": {
                    "kind": "Gateway",
                    "gatewayRef": _GATEWAY_REF,
                    "ingressClassName": "nginx",
                }
            },
            "spec.routing",
            _INGRESS,
        ),
        (
            "pods of a router in no namespace",
            {"routing": {"routerPodSelector": {"app.kubernetes.io/name": "traefik"}}},
            "spec.routing",
            _ROUTER_PODS,
        ),
        ("certificates that nobody signs", {"certManager": {}}, "spec.certManager", _ISSUER),
        (
            "one certificate for each host, and nobody to sign it",
            {"certManager": {"mode": "perHost"}},
            "spec.certManager",
            _ISSUER,
        ),
        (
            "a router with certificates of single hosts",
            {"certManager": {"issuerRef": _SIGNER, "mode": "perHost", "delivery": "router"}},
            "spec.certManager",
            _ROUTER,
        ),
        (
            "a router with no certificate",
            {"certManager": {"mode": "none", "delivery": "router"}},
            "spec.certManager",
            _ROUTER,
        ),
        (
            "certificates of single hosts that are signed for one namespace only",
            {"certManager": {"issuerRef": {**_SIGNER, "kind": "Issuer"}, "mode": "perHost"}},
            "spec.certManager",
            _PER_HOST,
        ),
        (
            "a Gateway that is to have copies",
            {
                "certManager": {"issuerRef": _SIGNER},
                "routing": {"kind": "Gateway", "gatewayRef": _GATEWAY_REF},
            },
            "spec",
            _LISTENERS,
        ),
        (
            "a Gateway that is to have certificates of single hosts",
            {
                "certManager": {"issuerRef": _SIGNER, "mode": "perHost"},
                "routing": {"kind": "Gateway", "gatewayRef": _GATEWAY_REF},
            },
            "spec",
            _LISTENERS,
        ),
        (
            "an annotation of all routes with a key that is none",
            {"routing": {"annotations": {"team": "a", "example.com/a/b": "x"}}},
            "spec.routing",
            _ANNOTATIONS,
        ),
        (
            "an annotation of all previews that is Kapsa's own",
            {"routing": {"previewAnnotations": {"kapsa-project.io/applied": "x"}}},
            "spec.routing",
            _PREVIEW_ANNOTATIONS,
        ),
        (
            "a label with a key that is none",
            {"allowedNamespaces": {"selector": {"matchLabels": {"a": "", "my team": "shop"}}}},
            "spec.allowedNamespaces.selector",
            _KEYS,
        ),
        (
            "a demand that a label is in nothing",
            _selector(key="tier", operator="In"),
            "spec.allowedNamespaces.selector.matchExpressions[0]",
            _VALUES,
        ),
        (
            "a demand that a label is not in an empty list",
            _selector(key="tier", operator="NotIn", values=[]),
            "spec.allowedNamespaces.selector.matchExpressions[0]",
            _VALUES,
        ),
        (
            "a demand that a label exists with a value",
            _selector(key="tier", operator="Exists", values=["gold"]),
            "spec.allowedNamespaces.selector.matchExpressions[0]",
            _VALUES,
        ),
    ),
    Registry: tuple(
        (
            f"a pull Secret of nothing{more}",
            {"imagePullSecret": secret, **fields},
            "spec",
            _PULL_SECRET,
        )
        for more, secret, fields in (
            ("", {}, {}),
            (", but of what a cloud gives the operator", {}, {"type": "ecr"}),
            (", though it is to be made", {"generatePerNamespace": True}, {}),
        )
    ),
}

_PROJECT_NAME: Final = (
    "a Project's name is a DNS label of at most 40 characters that starts with a letter: the names"
    " of its objects begin with it"
)
_ENVIRONMENT_NAME: Final = (
    "an Environment's name is a DNS label of at most 63 characters that starts with a letter: its"
    " Service has the same"
)
_NAMES: Final = (
    (Project, "a" * 41, _PROJECT_NAME),
    (Project, "7up", _PROJECT_NAME),
    (Project, "shop.v2", _PROJECT_NAME),
    (Environment, "a" * 64, _ENVIRONMENT_NAME),
    (Environment, "7up", _ENVIRONMENT_NAME),
    (Environment, "shop.v2", _ENVIRONMENT_NAME),
)


def handwritten_cases() -> Iterator[Invalid]:
    """Yield a case for each row of the tables."""
    for kind, rows in _ROWS.items():
        for name, fields, path, message in rows:
            manifest = manifest_of(kind, {**MINIMAL[kind], **fields})
            broken = node_at(kind, path).rule(message)
            yield Invalid(f"{kind.__name__}: {name}", manifest, path, said(message), broken)
    for kind, called, message in _NAMES:
        manifest = manifest_of(kind, FULL[kind][0]) | {"metadata": {"name": called}}
        broken = root_of(kind).rule(message)
        yield Invalid(f"{kind.__name__} called {called}", manifest, ROOT, said(message), broken)


def said(message: str) -> str:
    """Return the words of the API server for a rule that is broken."""
    return f"Invalid value: {message}"


def node_at(kind: type[Model], path: str) -> Node:
    """Return the place of a schema, by the path of a value there."""
    if path == ROOT:
        return root_of(kind)
    wanted = "".join("[]" if part[0].isdigit() else part for part in _parts(path))
    return next(node for node in nodes_below(root_of(kind)) if node.path == wanted)


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("[", "\0").replace("]", "\0").split("\0") if part]
