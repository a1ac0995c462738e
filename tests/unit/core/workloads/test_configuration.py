"""What an Environment gets of the ConfigMaps and Secrets that it names."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.environments.environment import EnvironmentInput, plan_environment
from kapsa.core.workloads.configuration import (
    Binding,
    Configuration,
    Reference,
    Source,
    configuration_of,
    copy_name,
    references_of,
    source_of,
)
from kapsa.core.workloads.configuration_rules import configuration_obstacle, mount_problem
from kapsa.core.workloads.pod_configuration import file_volumes
from kapsa.models import Environment
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime
from kapsa.utils.names import join_digested
from tests.builders import DIGEST, environment, project

CANARY = "correct horse battery"
DOMAIN = {"domainPoolRef": {"name": "apps"}, "subdomain": "shop"}
SHOP = project()
BOTH: dict[str, Any] = {
    "configRefs": [{"name": "shop"}],
    "secretRefs": [{"name": "shop"}, {"name": "files", "mountPath": "/etc/shop"}],
}
CERTIFICATE = {"tls": {"secretName": "shop"}}
IMAGE = f"registry.example.com/acme/shop@{DIGEST}"


def web(
    namespace: str = "team-a", ingress: Mapping[str, Any] | None = None, **runtime: Any
) -> Environment:
    """Return an Environment of a Project in namespace `team-a`."""
    return environment(
        "web",
        of=SHOP,
        namespace=namespace,
        image=IMAGE,
        domain=DOMAIN,
        ingress=ingress or {},
        runtime=runtime,
    )


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def secret(uid: str = "u", type_: str = "Opaque", **data: str) -> dict[str, Any]:
    values = {key.replace("_", "."): encoded(value) for key, value in data.items()}
    return {"kind": "Secret", "metadata": {"uid": uid}, "type": type_, "data": values}


def config_map(uid: str = "u", **data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"uid": uid}, "data": data}


def read(item: Environment, *manifests: dict[str, Any]) -> dict[Reference, Source]:
    """Return what the Environment names, read in its order."""
    return dict(zip(references_of(item), map(source_of, manifests), strict=True))


def got(item: Environment, *manifests: dict[str, Any]) -> Configuration:
    found = configuration_of(item, read(item, *manifests))
    assert found is not None
    return found


def obstacle(item: Environment, *manifests: dict[str, Any] | None) -> Blocked | None:
    sources = (source_of(manifest) if manifest else None for manifest in manifests)
    return configuration_obstacle(item, dict(zip(references_of(item), sources, strict=True)))


def test_who_names_nothing_gets_nothing() -> None:
    assert configuration_of(web()) is None
    assert references_of(web()) == ()


def test_beside_the_source_the_pods_get_the_source_itself() -> None:
    known = got(web(**BOTH), config_map(A="1"), secret(B="2"), secret(C="3"))
    assert known.copies == ()
    assert known.bindings == (
        Binding("ConfigMap", "shop", "shop"),
        Binding("Secret", "shop", "shop"),
        Binding("Secret", "files", "files", "/etc/shop"),
    )


def test_one_that_stands_alone_has_its_sources_beside_it() -> None:
    known = configuration_of(environment("web", namespace="ci", runtime=BOTH))
    assert known is not None
    assert known.copies == ()


def test_elsewhere_each_source_has_a_copy_of_a_name_of_its_own() -> None:
    item = web("kapsa-shop", ingress=CERTIFICATE, **BOTH)
    known = got(
        item,
        config_map(A="1"),
        secret(B="2"),
        secret(C="3"),
        secret(type_="kubernetes.io/tls", tls_crt="crt", tls_key="key", ca_crt="ca", other="x"),
    )
    names = [(copy.kind, copy.name) for copy in known.copies]
    assert len(set(names)) == 4
    assert all(len(name) <= 63 and name.startswith("web-") for _, name in names)
    assert [binding.name for binding in known.bindings] == [name for _, name in names[:3]]
    assert {copy.source for copy in known.copies} == {"team-a/shop", "team-a/files"}
    assert [copy.type for copy in known.copies] == ["", "Opaque", "Opaque", "kubernetes.io/tls"]
    assert known.copies[0].data == {"A": "1"}
    assert sorted(known.copies[3].data) == ["ca.crt", "tls.crt", "tls.key"]


@pytest.mark.parametrize(
    ("ingress", "domain"),
    [
        pytest.param({"tls": {"enabled": False, "secretName": "x"}}, DOMAIN, id="without-tls"),
        pytest.param({"enabled": False, "tls": {"secretName": "x"}}, DOMAIN, id="without-a-route"),
        pytest.param({"tls": {"secretName": "x"}}, None, id="without-a-host"),
        pytest.param({"tls": {}}, DOMAIN, id="without-a-name"),
    ],
)
def test_a_certificate_that_nobody_would_use_is_not_asked_for(ingress: Any, domain: Any) -> None:
    assert references_of(environment(ingress=ingress, domain=domain)) == ()


def test_a_copy_has_a_name_that_no_other_object_has() -> None:
    others = {join_digested("web", name) for name in ("tls", "worker", "web")}
    pairs = [("web", "tls"), ("web-tls", "x"), ("web", "tls-x"), ("web", "a.b"), ("web", "a-b")]
    made = [copy_name(*pair, what) for pair in pairs for what in ("copy", "certificate")]
    assert len({*made, *others}) == len(made) + len(others)


def test_a_certificate_does_not_roll_the_pods() -> None:
    item = web(ingress=CERTIFICATE)
    known = got(item, secret(type_="kubernetes.io/tls", tls_crt="a", tls_key="b"))
    assert (known.digest, known.bindings) == ("", ())


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        pytest.param((config_map(A="1"), secret(B="2")), True, id="the-same"),
        pytest.param((config_map(A="2"), secret(B="2")), False, id="another-value"),
        pytest.param((config_map(A="1"), secret(C="2")), False, id="another-key"),
        pytest.param((config_map(A="1", B="1"), secret(B="2")), False, id="one-more-key"),
        pytest.param((config_map(A="1"), secret("v", B="2")), False, id="made-anew"),
    ],
)
def test_the_digest_follows_the_content(other: tuple[Any, ...], is_same: bool) -> None:
    item = web(configRefs=[{"name": "a"}], secretRefs=[{"name": "b"}])
    one = got(item, config_map(A="1"), secret(B="2")).digest
    assert len(one) == 16
    assert (got(item, *other).digest == one) == is_same


def test_binary_content_counts_and_is_copied() -> None:
    item = web("kapsa-shop", configRefs=[{"name": "a"}])
    plain = got(item, config_map(A="1"))
    more = got(item, config_map(A="1") | {"binaryData": {"b": "AA=="}})
    assert more.copies[0].binary_data == {"b": "AA=="}
    assert more.digest != plain.digest


def test_what_is_secret_shows_in_no_representation() -> None:
    item = web("kapsa-shop", **BOTH)
    manifests = (config_map(A=CANARY), secret(B=CANARY), secret(C=CANARY))
    text = repr((got(item, *manifests), read(item, *manifests)))
    assert CANARY not in text
    assert encoded(CANARY) not in text


def test_known_values_are_told_whole_and_by_the_line() -> None:
    item = web(secretRefs=[{"name": "a"}], configRefs=[{"name": "b"}])
    binary = secret(short="yes", lines="first line\nx\nsecond line", one=CANARY)
    binary["data"]["binary"] = "/w=="
    assert set(got(item, config_map(public="public value"), binary).secret_values) == {
        "first line\nx\nsecond line",
        "first line",
        "second line",
        CANARY,
    }


TLS = web(ingress=CERTIFICATE)
NAMING = web("kapsa-shop", secretRefs=[{"name": "a"}])
NAMING_A_MAP = web("kapsa-shop", configRefs=[{"name": "a"}])
MANAGED = {"uid": "u", "labels": {"app.kubernetes.io/managed-by": "kapsa"}}


@pytest.mark.parametrize(
    ("item", "manifest", "reason", "words"),
    [
        pytest.param(
            NAMING,
            None,
            Reason.SECRET_NOT_FOUND,
            "Environment web: spec.runtime.secretRefs[0].name names the Secret a, which does not"
            " exist in namespace team-a; create it there, or take it out",
            id="no-secret",
        ),
        pytest.param(
            NAMING_A_MAP,
            None,
            Reason.CONFIG_MAP_NOT_FOUND,
            "spec.runtime.configRefs[0].name names the ConfigMap a, which does not exist in"
            " namespace team-a",
            id="no-config-map",
        ),
        pytest.param(
            TLS,
            None,
            Reason.SECRET_NOT_FOUND,
            "spec.ingress.tls.secretName names the Secret shop",
            id="no-certificate",
        ),
        pytest.param(
            NAMING,
            secret(A=CANARY) | {"metadata": MANAGED},
            Reason.SOURCE_NOT_ALLOWED,
            "which Kapsa made in namespace team-a for itself",
            id="kapsas-own",
        ),
        pytest.param(
            TLS,
            secret(type_="kubernetes.io/tls", tls_crt="a", tls_key="b") | {"metadata": MANAGED},
            Reason.SOURCE_NOT_ALLOWED,
            "which Kapsa made",
            id="kapsas-own-certificate",
        ),
        pytest.param(
            NAMING,
            secret(type_="kubernetes.io/service-account-token", token=CANARY),
            Reason.SOURCE_NOT_ALLOWED,
            "the token of a ServiceAccount",
            id="a-token",
        ),
        pytest.param(
            TLS,
            secret(tls_crt="a", tls_key="b"),
            Reason.SECRET_INVALID,
            "not of type kubernetes.io/tls",
            id="a-certificate-of-another-type",
        ),
        pytest.param(
            TLS,
            secret(type_="kubernetes.io/tls", tls_crt="a", tls_key=""),
            Reason.SECRET_INVALID,
            "with the keys tls.crt and tls.key",
            id="a-certificate-without-its-key",
        ),
        pytest.param(
            NAMING,
            secret(A=CANARY * 6300),
            Reason.CONFIGURATION_TOO_LARGE,
            "set mountPath",
            id="a-variable-too-long",
        ),
        pytest.param(
            NAMING_A_MAP,
            config_map(**{f"A{number}": "ä" * 60_000 for number in range(10)}),
            Reason.CONFIGURATION_TOO_LARGE,
            "set mountPath",
            id="too-many-variables",
        ),
    ],
)
def test_what_is_wrong_is_told_with_field_source_and_namespace(
    item: Environment, manifest: Any, reason: Reason, words: str
) -> None:
    blocked = obstacle(item, manifest)
    assert blocked is not None
    assert (blocked.reason, blocked.stalled) == (reason, True)
    assert words in blocked.message
    assert CANARY not in blocked.message
    plan = plan_environment(EnvironmentInput(item, configuration=blocked))
    assert plan.blocked == blocked
    assert plan.objects == ()


@pytest.mark.parametrize(
    ("item", "manifest"),
    [
        pytest.param(NAMING, secret(A="1"), id="a-secret"),
        pytest.param(NAMING, secret(), id="an-empty-secret"),
        pytest.param(
            NAMING, secret(**{"not a variable": "x", "tls_key": "y"}), id="keys-that-are-no-names"
        ),
        pytest.param(
            web(secretRefs=[{"name": "a", "mountPath": "/etc/a"}]),
            secret(A=CANARY * 20_000),
            id="a-large-file",
        ),
        pytest.param(
            TLS, secret(type_="kubernetes.io/tls", tls_crt="a", tls_key="b"), id="a-certificate"
        ),
    ],
)
def test_what_is_right_is_no_obstacle(item: Environment, manifest: Any) -> None:
    assert obstacle(item, manifest) is None


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        pytest.param({**BOTH}, None, id="one-path"),
        pytest.param(
            {"configRefs": [{"name": "a"}], "secretRefs": [{"name": "a"}]}, None, id="variables"
        ),
        pytest.param(
            {
                "configRefs": [{"name": "a", "mountPath": "/a"}],
                "secretRefs": [{"name": "b"}, {"name": "c", "mountPath": "/a"}],
            },
            "spec.runtime.secretRefs: mountPath of c is /a, where a shows already; choose another"
            " path",
            id="two-at-one-path",
        ),
    ],
)
def test_two_never_show_at_one_path(runtime: Any, said: str | None) -> None:
    problem = mount_problem(Runtime.model_validate(runtime))
    assert (str(problem) if problem else None) == said


def test_volumes_of_the_pod_have_names_that_never_meet() -> None:
    long = "a" * 200
    item = web(
        configRefs=[{"name": "shop", "mountPath": "/a"}, {"name": "s.hop", "mountPath": "/b"}],
        secretRefs=[
            {"name": "shop", "mountPath": "/c"},
            {"name": long + "b", "mountPath": "/d"},
            {"name": long + "c", "mountPath": "/e"},
        ],
    )
    known = configuration_of(item)
    assert known is not None
    names = [volume["name"] for volume in file_volumes(known)]
    assert len(set(names)) == 5
    assert all(len(name) <= 63 and "." not in name for name in names)


def test_copies_are_there_before_the_pods_that_want_them() -> None:
    item = web("kapsa-shop", secretRefs=[{"name": "a"}])
    known = EnvironmentInput(item, project=SHOP, configuration=got(item, secret(A="1")))
    kinds = [manifest["kind"] for manifest in plan_environment(known).objects]
    assert kinds.index("Secret") < kinds.index("Deployment")
