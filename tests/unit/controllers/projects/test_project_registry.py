"""What a Project hears of its Registry: what the registry says to what the Project needs."""

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.images.rights import Right
from kapsa.core.images.verdict import Verdict
from tests.builders import registry_manifest
from tests.unit.controllers.project_rig import KEY, Rig

SHOP = Right("acme/shop")
NAMED = {"name": "harbor"}
DENIED = Verdict(refused={SHOP: "DENIED: no robot"})


@pytest.fixture
async def rig() -> Rig:
    made = Rig()
    made.cluster.put(registry_manifest("harbor"))
    return made


def registry_ready(rig: Rig) -> tuple[str, str]:
    return rig.condition("RegistryReady", "Project", "shop", "team-a")


async def test_a_project_has_its_registry_asked_for_what_it_needs(rig: Rig) -> None:
    rig.shop(registry=NAMED)
    await rig.converge()
    assert rig.verdicts.needed("harbor") == {SHOP}
    assert registry_ready(rig) == ("True", "RegistryReady")


async def test_what_the_registry_refuses_is_the_projects_condition(rig: Rig) -> None:
    rig.shop(registry=NAMED)
    rig.verdicts.note("harbor", DENIED)
    await rig.converge()
    assert registry_ready(rig) == ("False", "RegistryUnauthorized")
    assert rig.ready() == ("False", "RegistryUnauthorized")
    rig.verdicts.note("harbor", Verdict())
    await rig.reconcile()
    assert registry_ready(rig) == ("True", "RegistryReady")


async def test_what_is_refused_to_others_is_none_of_a_projects_business(rig: Rig) -> None:
    rig.shop(registry=NAMED)
    rig.verdicts.note("harbor", Verdict(refused={Right("acme/blog"): "DENIED"}))
    await rig.converge()
    assert registry_ready(rig) == ("True", "RegistryReady")


async def test_images_are_looked_up_whatever_the_registry_said_last(rig: Rig) -> None:
    rig.shop(registry=NAMED)
    rig.verdicts.note("harbor", Verdict(Blocked("RegistryUnreachable", "HTTP 502")))
    await rig.converge()
    assert registry_ready(rig) == ("False", "RegistryUnreachable")
    assert len(rig.names()) == 3


async def test_an_operator_that_starts_anew_says_the_same_until_it_has_asked(rig: Rig) -> None:
    rig.shop(registry=NAMED)
    rig.verdicts.note("harbor", DENIED)
    await rig.converge()
    rig.verdicts.note("harbor", None)
    rig.written()
    await rig.reconcile()
    assert registry_ready(rig) == ("False", "RegistryUnauthorized")
    assert rig.written() == []


@pytest.mark.parametrize("how", ["deleted", "suspended", "without-a-registry"])
async def test_who_needs_nothing_any_more_has_nothing_asked(rig: Rig, how: str) -> None:
    rig.shop(registry=NAMED)
    await rig.converge()
    if how == "deleted":
        rig.cluster.remove("Project", "shop", "team-a")
    elif how == "suspended":
        rig.edit(suspend=True)
    else:
        rig.cluster.remove("Registry", "harbor")
    await rig.projects.reconcile(KEY)
    assert rig.verdicts.needed("harbor") == frozenset()
