"""Every field of an Environment and of a DomainPool is set, changed, taken away and set again.

What the Environment becomes follows each time; what it was before it is again.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

import lab
from kapsa.models import API_VERSION
from lab.certificates import create_self_signed_issuer
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.fields import DOMAIN_POOL, ENVIRONMENT, GONE, Trial, spec_of
from tests.integration.conftest import QUICK
from tests.integration.owned import Objects

Outcome = dict[str, Any]
"""What an Environment has become: what its objects say, by kind and name."""

_BOOKKEEPING = frozenset(
    {
        "clusterIP",
        "clusterIPs",
        "volumeName",
        "controller-uid",
        "batch.kubernetes.io/controller-uid",
        "deployment.kubernetes.io/revision",
        "kapsa-project.io/applied",
    }
)
_ENVIRONMENT = "kapsa-project.io/environment"
_PATIENCE = 60.0


@dataclass(frozen=True)
class Case:
    """A field that is tried, at an Environment of its own.

    Attributes:
        name: Name of the Environment, and of its DomainPool where that has the field.
        path: The field.
        trial: What is tried of it.
        of_pool: Whether it is a field of the DomainPool.
    """

    name: str
    path: str
    trial: Trial
    of_pool: bool

    def __str__(self) -> str:
        return f"{'DomainPool' if self.of_pool else 'Environment'}.{self.path}"

    def manifests(self, image: str, namespace: str, value: Any) -> Iterator[Manifest]:
        """Yield the objects in which the field has that value."""
        domain = {"domainPoolRef": {"name": self.name if self.of_pool else "fields"}}
        usual = {"image": image, "domain": domain, "runtime": {"replicas": 0}}
        if self.of_pool:
            pool = {"baseDomains": [f"{self.name}.example.com"]}
            spec = spec_of(self.path, self.trial, pool, value)
            yield _object("DomainPool", spec, name=self.name)
        else:
            usual = spec_of(self.path, self.trial, usual, value)
        yield _object("Environment", usual, name=self.name, namespace=namespace)


def _object(kind: str, spec: Manifest, **metadata: str) -> Manifest:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


CASES = tuple(
    Case(f"{'p' if of_pool else 'e'}{number}", path, trial, of_pool)
    for of_pool, trials in ((False, ENVIRONMENT), (True, DOMAIN_POOL))
    for number, (path, trial) in enumerate(trials.items())
)


Wrong = Callable[[Case, Outcome], bool]
"""Tells whether that is not what a case should come to."""


@pytest.fixture
def operator(admin: lab.Platform) -> Iterator[OperatorProcess]:
    """A running operator whose admin allows images that run as root."""
    allowed = {"KAPSA_POD_SECURITY": "baseline"}
    process = OperatorProcess(admin, QUICK | allowed, name="test_fields")
    process.start()
    yield process
    process.stop()


@dataclass(frozen=True)
class Field:
    """Where all fields are tried.

    Attributes:
        app: What the Environments run.
        image: Their image.
        objects: What they become.
    """

    app: Application
    image: str
    objects: Objects

    def say(self, value: str) -> None:
        """Give each field that value: `one`, `two`, or nothing for none."""
        for case in CASES:
            said = getattr(case.trial, value) if value else GONE
            for manifest in case.manifests(self.image, self.app.namespace, said):
                self.objects.put(manifest)

    def outcomes(self, cases: Sequence[Case] = CASES) -> dict[str, Outcome]:
        """Return what the Environments of these cases have become by now."""
        selector = f"{_ENVIRONMENT} in ({','.join(case.name for case in cases)})"
        found: dict[str, Outcome] = defaultdict(dict)
        for (kind, _, name), item in self.objects.found(selector).items():
            owner = item["metadata"]["labels"][_ENVIRONMENT]
            found[owner][f"{kind} {name}"] = _cleaned(item)
        return {case.name: _without(found[case.name], case.trial.beyond) for case in cases}

    def settled(self) -> dict[str, Outcome]:
        """Return what the Environments have become once all have been seen to."""
        where = f"metadata.namespace={self.app.namespace}"
        wait_for("each was seen to", lambda: not self._busy(where), _PATIENCE)
        return self.outcomes()

    def _busy(self, where: str) -> list[str]:
        return [
            item["metadata"]["name"]
            for item in self.app.list("environments", fieldSelector=where)
            if item["metadata"]["generation"] != item.get("status", {}).get("observedGeneration")
        ]


def _cleaned(item: Manifest) -> Manifest:
    """Return what an object says, without what the API server and the controllers add."""
    metadata = {
        name: item["metadata"].get(name) or {}
        for name in ("labels", "annotations", "ownerReferences")
    }
    said = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return dict(_plain(said | {"metadata": metadata}))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _plain(inner)
            for key, inner in value.items()
            if key not in _BOOKKEEPING and not key.startswith("pv.kubernetes.io/")
        }
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _without(outcome: Outcome, beyond: tuple[str, ...]) -> Outcome:
    """Return the outcome without fields that others write, each as `<Kind>.<path>`."""
    cleaned = json.loads(json.dumps(outcome))
    for name, item in cleaned.items():
        for path in beyond:
            kind, *steps, last = path.split(".")
            inner = item
            for step in steps:
                inner = inner.get(step, {})
            if name.startswith(f"{kind} "):
                inner.pop(last, None)
    return dict(cleaned)


@pytest.fixture
def field(operator: OperatorProcess, app: Application) -> Iterator[Field]:
    """What the fields name, and nothing else yet."""
    for name in ("fields", "fields-too"):
        create_self_signed_issuer(app.platform, name)
    issuer = {"issuerRef": {"name": "fields"}, "mode": "perHost"}
    routing = {"allowedAnnotations": ["example.com/*"]}
    pools: dict[str, Manifest] = {
        "fields": {"routing": routing},
        "fields-too": {"routing": {**routing, "ingressClassName": "too"}},
        "fields-tls": {"routing": routing, "certManager": issuer},
    }
    for name, more in pools.items():
        app.apply(
            _object("DomainPool", {"baseDomains": [f"{name}.example.com"], **more}, name=name)
        )
    app.apply(*_sources(app.namespace))
    image = f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"
    with Objects(app.platform.api_server, app.namespace) as objects:
        yield Field(app, image, objects)
    mine = [case.name for case in CASES if case.of_pool]
    app.platform.kubectl("delete", "environments", "--all", "-n", app.namespace)
    app.platform.kubectl("delete", "domainpools", *pools, *mine)


def _sources(namespace: str) -> Iterator[Manifest]:
    """Yield what the fields name of configuration and certificates."""
    for name in ("one", "two"):
        metadata = {"name": name, "namespace": namespace}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"A": name}}
        secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"B": name}}
        yield secret | {"metadata": metadata}
        pair = {"tls.crt": name, "tls.key": name}
        yield secret | {
            "type": "kubernetes.io/tls",
            "metadata": {"name": f"{name}-tls", "namespace": namespace},
            "stringData": pair,
        }


def _expect(field: Field, what: str, wrong: Wrong) -> dict[str, Outcome]:
    """Wait until no case is wrong; return what there is then."""
    found: dict[str, Outcome] = {}
    cases = list(CASES)

    def look() -> bool:
        found.update(field.outcomes(cases))
        cases[:] = [case for case in cases if wrong(case, found[case.name])]
        return not cases

    try:
        wait_for(what, look, _PATIENCE)
    except lab.LabError as error:
        raise AssertionError(f"{what}: not so of {', '.join(map(str, cases))}") from error
    return found


def test_what_there_is_follows_each_field_there_and_back(field: Field) -> None:
    field.say("")
    before = field.settled()
    assert [name for name, found in before.items() if not found] == []

    def differs(base: dict[str, Outcome]) -> Wrong:
        return lambda case, found: (found == base[case.name]) is not bool(case.trial.still)

    field.say("one")
    field.settled()
    one = _expect(field, "what is set has an effect", differs(before))
    field.say("two")
    field.settled()
    _expect(field, "what is changed has an effect", differs(one))
    field.say("")
    field.settled()
    _expect(
        field,
        "what is taken away has none any more",
        lambda case, found: not case.trial.stays and found != before[case.name],
    )
    field.say("one")
    field.settled()
    _expect(
        field,
        "what is set again has the same effect",
        lambda case, found: found != one[case.name],
    )
