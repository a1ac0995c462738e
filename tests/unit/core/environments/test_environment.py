"""What an Environment becomes, and what stands in its way."""

from dataclasses import replace

import pytest

from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.environments.environment import EnvironmentInput, Plan, plan_environment
from kapsa.core.environments.expiry import Lifetime
from kapsa.models.reasons import Reason
from tests.builders import DIGEST, condition, environment, pool, project

IMAGE = f"registry.example.com/acme/shop@{DIGEST}"
ENABLED = {"enabled": True}
SHOP = project()
WEB = environment("web", image=IMAGE)
BARE = environment("web")
MISTRUST = Blocked(Reason.PROJECT_MISMATCH, "not of that Project", stalled=True)
TAKEN = Blocked(Reason.HOST_TAKEN, "taken", stalled=True)
LOOKING = Blocked(Reason.IMAGE_NOT_FOUND, "not there yet", retry_after=15)
UNCONFIGURED = Blocked(Reason.SECRET_NOT_FOUND, "no such Secret", stalled=True)
STOPPED = project(suspend=True)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        pytest.param(EnvironmentInput(WEB), None, id="nothing-blocks-one-with-an-image"),
        pytest.param(
            EnvironmentInput(environment(suspend=True, image=IMAGE), trust=MISTRUST, host=TAKEN),
            Reason.SUSPENDED,
            id="its-own-suspension-goes-before-all",
        ),
        pytest.param(
            EnvironmentInput(WEB, project=STOPPED, host=TAKEN),
            Reason.SUSPENDED,
            id="the-suspension-of-its-project-too",
        ),
        pytest.param(
            EnvironmentInput(BARE, trust=MISTRUST, host=TAKEN, image=LOOKING),
            Reason.PROJECT_MISMATCH,
            id="then-mistrust",
        ),
        pytest.param(
            EnvironmentInput(BARE, host=TAKEN, image=LOOKING), Reason.HOST_TAKEN, id="then-the-host"
        ),
        pytest.param(
            EnvironmentInput(BARE, host="a.example.com", image=LOOKING),
            Reason.IMAGE_NOT_FOUND,
            id="then-the-image",
        ),
        pytest.param(
            EnvironmentInput(BARE, host="a.example.com", configuration=UNCONFIGURED, image=LOOKING),
            Reason.SECRET_NOT_FOUND,
            id="which-may-come-by-itself-as-a-secret-does-not",
        ),
        pytest.param(
            EnvironmentInput(WEB, image=LOOKING),
            None,
            id="an-image-that-is-there-goes-before-doubt",
        ),
    ],
)
def test_what_blocks(known: EnvironmentInput, reason: Reason | None) -> None:
    plan = plan_environment(known)

    assert (plan.blocked.reason if plan.blocked else None) == reason
    assert bool(plan.objects) == (reason is None)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        pytest.param(
            EnvironmentInput(environment(of=SHOP)),
            "the Project is looking it up",
            id="of-a-project",
        ),
        pytest.param(EnvironmentInput(BARE), "set it to the image", id="standing-alone"),
    ],
)
def test_an_image_that_is_missing_says_who_can_change_that(
    known: EnvironmentInput, words: str
) -> None:
    blocked = plan_environment(known).blocked

    assert blocked is not None
    assert (blocked.reason, blocked.stalled) == (Reason.IMAGE_PENDING, False)
    assert words in blocked.message


@pytest.mark.parametrize(
    ("stalled", "expected"),
    [
        pytest.param([], False, id="waiting"),
        pytest.param([condition("Stalled", reason="RegistryMismatch")], True, id="stalled"),
        pytest.param(
            [condition("Stalled", reason="HostTaken")], False, id="stalled-for-another-reason"
        ),
    ],
)
def test_after_a_start_the_last_look_for_an_image_still_holds(
    stalled: list[dict[str, str]], expected: bool
) -> None:
    before = condition("ImageReady", "False", "RegistryMismatch", "elsewhere")

    plan = plan_environment(
        EnvironmentInput(environment(status={"conditions": [before, *stalled]}))
    )

    assert plan.blocked == Blocked(Reason.REGISTRY_MISMATCH, "elsewhere", expected)


ENDED = Lifetime(expired=Blocked(Reason.TTL_EXPIRED, "over"))


@pytest.mark.parametrize(
    ("known", "plan"),
    [
        pytest.param(
            EnvironmentInput(environment(of=SHOP), project=SHOP, host=TAKEN, lifetime=ENDED),
            Plan(),
            id="one-of-a-project-keeps-nothing-whatever-it-waits-for",
        ),
        pytest.param(
            EnvironmentInput(WEB, lifetime=ENDED), Plan(ends=True), id="one-that-stands-alone-goes"
        ),
    ],
)
def test_what_has_expired(known: EnvironmentInput, plan: Plan) -> None:
    assert plan_environment(known) == plan


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        pytest.param(
            EnvironmentInput(environment(suspend=True), lifetime=ENDED),
            Reason.SUSPENDED,
            id="suspended",
        ),
        pytest.param(
            EnvironmentInput(environment(of=SHOP), trust=MISTRUST, lifetime=ENDED),
            Reason.PROJECT_MISMATCH,
            id="not-believed",
        ),
    ],
)
def test_what_may_not_be_touched_does_not_end(known: EnvironmentInput, reason: Reason) -> None:
    plan = plan_environment(known)

    assert plan.blocked is not None
    assert (plan.blocked.reason, plan.ends) == (reason, False)


def test_without_a_host_there_is_no_ingress() -> None:
    plan = plan_environment(EnvironmentInput(WEB))

    assert [item["kind"] for item in plan.objects] == ["Deployment", "Service"]


def test_with_a_host_there_is_one_of_the_pools_class() -> None:
    known = EnvironmentInput(
        WEB, host="web.apps.example.com", pool=pool(routing={"ingressClassName": "nginx"})
    )

    *_, ingress = plan_environment(known).objects

    assert ingress["kind"] == "Ingress"
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["rules"][0]["host"] == "web.apps.example.com"


def test_with_autoscaling_there_is_an_autoscaler_and_the_deployment_leaves_the_number_to_it() -> (
    None
):
    scaled = environment("web", image=IMAGE, runtime={"replicas": 3, "autoscaling": ENABLED})

    deployment, _, autoscaler = plan_environment(EnvironmentInput(scaled)).objects

    assert autoscaler["kind"] == "HorizontalPodAutoscaler"
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        pytest.param(
            {"probes": {"liveness": {"port": "admin"}}}, "no port called admin", id="a-probe"
        ),
        pytest.param(
            {"autoscaling": {"enabled": True, "minReplicas": 6}},
            "minReplicas: is 6, more than",
            id="the-autoscaling",
        ),
    ],
)
def test_a_runtime_that_contradicts_itself_is_for_a_person_to_mend(
    runtime: dict[str, object], words: str
) -> None:
    wrong = environment("web", image=IMAGE, runtime=runtime)

    blocked = plan_environment(EnvironmentInput(wrong, host=TAKEN)).blocked

    assert blocked is not None
    assert (blocked.reason, blocked.stalled) == (Reason.INVALID_SPEC, True)
    assert words in blocked.message


def test_every_object_is_stamped_and_owned_by_the_environment_in_its_namespace() -> None:
    known = EnvironmentInput(WEB, host="web.apps.example.com", pool=pool())

    for manifest in plan_environment(known).objects:
        assert manifest["metadata"]["annotations"][labels.APPLIED]
        assert manifest["metadata"]["namespace"] == WEB.metadata.namespace
        assert labels.is_owned_by(manifest, WEB.metadata.uid)


def test_the_same_input_gives_the_same_plan() -> None:
    known = EnvironmentInput(WEB, host="web.apps.example.com", pool=pool())

    assert plan_environment(known) == plan_environment(replace(known))
