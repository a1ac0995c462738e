"""What Projects need of registries, and what registries said."""

from kapsa.controllers.registries.verdicts import Verdicts
from kapsa.core.conditions import Blocked
from kapsa.core.images.rights import Right
from kapsa.core.images.verdict import Verdict

SHOP, BLOG = Right("acme/shop"), Right("acme/blog")
A, B = ("team", "a"), ("team", "b")


def test_a_registry_is_told_of_what_is_needed_and_no_longer_needed() -> None:
    told: list[str] = []
    verdicts = Verdicts(told.append, lambda _: None)
    verdicts.need(A, "harbor", (SHOP,))
    verdicts.need(A, "harbor", (SHOP,))
    verdicts.need(B, "harbor", (BLOG, SHOP))
    assert verdicts.needed("harbor") == {SHOP, BLOG}
    verdicts.need(B, "other", (BLOG,))
    assert sorted(told[2:]) == ["harbor", "other"]
    verdicts.need(A, "")
    verdicts.need(A, "")
    assert told[4:] == ["harbor"]
    assert verdicts.needed("harbor") == frozenset()
    assert verdicts.needed("other") == {BLOG}


def test_projects_are_told_of_what_is_new() -> None:
    told: list[str] = []
    verdicts = Verdicts(lambda _: None, told.append)
    down = Verdict(Blocked("RegistryUnreachable", "no"))
    for verdict in (Verdict(), Verdict(), down, down, Verdict()):
        verdicts.note("harbor", verdict)
    assert told == ["harbor"] * 3
    verdicts.note("harbor", None)
    verdicts.note("harbor", None)
    assert verdicts.of("harbor") is None
    assert told == ["harbor"] * 4
