"""Whose a claim is, what it can never become, and what keeps it."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.environments.environment import EnvironmentInput, Plan, plan_environment
from kapsa.core.environments.expiry import Lifetime
from kapsa.core.manifests.persistent_volume_claim import volume_claim_name
from kapsa.core.workloads.volumes import belongs_to
from kapsa.models import Environment
from kapsa.models.reasons import Reason
from tests.builders import DIGEST, environment, project, uid

IMAGE = f"registry.example.com/acme/shop@{DIGEST}"
SHOP = project("shop")
NAME = volume_claim_name("web", "data")
MANAGED = {"app.kubernetes.io/managed-by": "kapsa"}
RETAINED = {"kapsa-project.io/retain": "true"}
KEPT_FOR_WEB = {"kapsa-project.io/owner": "Environment/team-a/web"}
GONE = Blocked(Reason.TTL_EXPIRED, "it is over")


def web(*, of: Any = None, image: str | None = IMAGE, **volume: Any) -> Environment:
    """Return the Environment `web` with the volume `data`."""
    volumes = [{"name": "data", "mountPath": "/data"} | volume]
    more = {"image": image} if image else {}
    return environment("web", of=of, runtime={"volumes": volumes}, **more)


def claim(
    size: str = "1Gi",
    storage_class: str | None = "standard",
    *,
    owner: str | None = uid("Environment", "web", "team-a"),
    kind: str = "PersistentVolumeClaim",
    **metadata: Any,
) -> dict[str, Any]:
    """Return a live claim; by default one that goes with `web`."""
    built = {"name": NAME, "namespace": "team-a", "uid": "uid-claim", "labels": MANAGED} | metadata
    if owner:
        built["ownerReferences"] = [{"uid": owner, "controller": True}]
    spec = {"resources": {"requests": {"storage": size}}, "storageClassName": storage_class}
    return {"apiVersion": "v1", "kind": kind, "metadata": built, "spec": spec}


def planned(of: Environment, *claims: dict[str, Any], **known: Any) -> Plan:
    live = {item["metadata"]["name"]: item for item in claims}
    return plan_environment(EnvironmentInput(of, volume_claims=live, **known))


def names(plan: Plan) -> list[str]:
    return [f"{item['kind']} {item['metadata']['name']}" for item in plan.objects]


@pytest.mark.parametrize(
    ("live", "of", "expected"),
    [
        pytest.param(claim(), None, True, id="owned"),
        pytest.param(claim(labels={}), None, True, id="owned-without-labels"),
        pytest.param(claim(owner="another"), None, False, id="a-former-one's"),
        pytest.param(claim(owner=None), None, False, id="nobody's"),
        pytest.param(
            claim(owner=None, annotations=KEPT_FOR_WEB, labels=MANAGED | RETAINED),
            None,
            True,
            id="retained",
        ),
        pytest.param(
            claim(owner=None, annotations=KEPT_FOR_WEB, labels=None),
            None,
            True,
            id="retained-without-labels",
        ),
        pytest.param(
            claim(owner="another", annotations=KEPT_FOR_WEB, labels=MANAGED | RETAINED),
            None,
            False,
            id="retained-and-taken-by-another",
        ),
        pytest.param(
            claim(owner=None, annotations={"kapsa-project.io/owner": "Environment/team-a/api"}),
            None,
            False,
            id="retained-for-another-name",
        ),
        pytest.param(
            claim(owner=None, annotations={"kapsa-project.io/owner": "Environment/team-b/web"}),
            None,
            False,
            id="retained-for-another-namespace",
        ),
        pytest.param(
            claim(owner=None, annotations=KEPT_FOR_WEB, namespace="team-b"),
            None,
            False,
            id="retained-in-another-namespace",
        ),
        pytest.param(
            claim(owner=None, annotations={"kapsa-project.io/owner": "Project/team-a/web"}),
            None,
            False,
            id="retained-for-another-kind",
        ),
        pytest.param(
            claim(
                owner=None,
                annotations=KEPT_FOR_WEB,
                labels=MANAGED | {"kapsa-project.io/project": "shop"},
            ),
            SHOP,
            True,
            id="retained-for-the-projects-environment",
        ),
        pytest.param(
            claim(
                owner=None,
                annotations=KEPT_FOR_WEB,
                labels=MANAGED | {"kapsa-project.io/project": "other"},
            ),
            SHOP,
            False,
            id="retained-for-another-projects-environment",
        ),
        pytest.param(
            claim(
                owner=None,
                annotations=KEPT_FOR_WEB,
                labels=MANAGED | {"kapsa-project.io/project": "shop"},
            ),
            None,
            False,
            id="a-projects-is-not-for-one-that-stands-alone",
        ),
        pytest.param(
            claim(owner=None, annotations=KEPT_FOR_WEB, kind="Deployment"),
            None,
            False,
            id="nothing-but-claims-is-retained",
        ),
    ],
)
def test_whose_a_claim_is(live: dict[str, Any], of: Any, expected: bool) -> None:
    assert belongs_to(live, web(of=of)) is expected


def test_the_claim_is_made_before_the_pods_that_wait_for_it() -> None:
    assert names(planned(web())) == [
        f"PersistentVolumeClaim {NAME}",
        "Deployment web",
        "Service web",
    ]


@pytest.mark.parametrize(
    ("volume", "live", "expected"),
    [
        pytest.param({}, claim(), "", id="as-it-is"),
        pytest.param({"size": "2Gi"}, claim(), "", id="growing"),
        pytest.param({"size": "1024Mi"}, claim(), "", id="the-same-size-in-other-words"),
        pytest.param(
            {"size": "500Mi"},
            claim("1Gi"),
            f"volume data: size is 500Mi, and PersistentVolumeClaim {NAME} has 1Gi; a volume never"
            " shrinks. Set it back to 1Gi, or delete the claim and all that is on it",
            id="shrinking",
        ),
        pytest.param({"storageClassName": "standard"}, claim(), "", id="the-class-that-it-has"),
        pytest.param({"storageClassName": "fast"}, claim("1Gi", None), "", id="no-class-yet"),
        pytest.param(
            {"storageClassName": "fast"},
            claim(),
            f"volume data: storageClassName is fast, and PersistentVolumeClaim {NAME} has standard;"
            " a volume never changes its StorageClass. Set it back to standard, or delete the"
            " claim and all that is on it",
            id="another-class",
        ),
        pytest.param(
            {"size": "500Mi"},
            claim(deletionTimestamp="2026-01-01T00:00:00Z"),
            "",
            id="one-on-its-way-out-counts-no-more",
        ),
        pytest.param(
            {"size": "500Mi"}, claim(owner="another"), "", id="a-strangers-is-not-compared"
        ),
    ],
)
def test_a_volume_neither_shrinks_nor_changes_its_class(
    volume: dict[str, Any], live: dict[str, Any], expected: str
) -> None:
    blocked = planned(web(**volume), live).blocked
    assert (blocked.message if blocked else "") == expected
    if blocked:
        assert (blocked.reason, blocked.stalled) == (Reason.VOLUME_IMMUTABLE, True)


@pytest.mark.parametrize(
    ("volume", "live", "expected"),
    [
        pytest.param({}, (), "1Gi", id="a-new-one-has-the-default"),
        pytest.param({}, (claim("5Gi"),), "5Gi", id="an-old-one-stays-as-large-as-it-is"),
        pytest.param({"size": "6Gi"}, (claim("5Gi"),), "6Gi", id="what-is-said-counts"),
    ],
)
def test_the_size_that_is_asked_for(
    volume: dict[str, Any], live: tuple[dict[str, Any], ...], expected: str
) -> None:
    made = planned(web(**volume), *live).objects[0]
    assert made["spec"]["resources"]["requests"]["storage"] == expected


@pytest.mark.parametrize(
    ("known", "image"),
    [
        pytest.param({}, None, id="it-waits-for-its-image"),
        pytest.param({"host": Blocked(Reason.HOST_TAKEN, "taken")}, IMAGE, id="it-has-no-host"),
        pytest.param({"lifetime": Lifetime(expired=GONE)}, IMAGE, id="it-has-expired"),
    ],
)
def test_a_claim_that_is_to_be_retained_is_released_whatever_else_there_is(
    known: dict[str, Any], image: str | None
) -> None:
    plan = planned(web(image=image, retain=True, size="100Mi"), claim("3Gi", "fast"), **known)
    (released,) = plan.released
    assert plan.objects == ()
    assert "ownerReferences" not in released["metadata"]
    assert released["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "3Gi"}},
        "storageClassName": "fast",
    }


@pytest.mark.parametrize(
    ("volume", "live"),
    [
        pytest.param({"retain": True}, (), id="there-is-none"),
        pytest.param(
            {"retain": True}, (claim(owner=None, annotations=KEPT_FOR_WEB),), id="it-is-released"
        ),
        pytest.param({}, (claim(),), id="it-may-go"),
        pytest.param({"retain": True}, (claim(owner="another"),), id="it-is-somebody-elses"),
        pytest.param(
            {"retain": True}, (claim(deletionTimestamp="2026-01-01T00:00:00Z"),), id="it-goes"
        ),
    ],
)
def test_nothing_is_released_where(
    volume: dict[str, Any], live: tuple[dict[str, Any], ...]
) -> None:
    assert planned(web(image=None, **volume), *live).released == ()


def test_nothing_is_released_while_it_is_suspended() -> None:
    volumes = {"volumes": [{"name": "data", "mountPath": "/data", "retain": True}]}
    stopped = environment("web", image=IMAGE, runtime=volumes, suspend=True)
    assert planned(stopped, claim()) == Plan(blocked=planned(stopped).blocked)
