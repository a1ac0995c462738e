"""Which namespaces may use a DomainPool or a Registry."""

from kapsa.core.offers import is_for_all, namespace_refusal
from tests.builders import pool, registry

FOR_A = {"selector": {"matchLabels": {"team": "a"}}}


def test_without_a_selector_an_offer_is_for_all() -> None:
    assert is_for_all(pool())
    assert is_for_all(registry(allowedNamespaces={"selector": {}}))
    assert namespace_refusal(pool(), "team-b", {}) is None


def test_a_namespace_that_fits_the_selector_may_use_it() -> None:
    offered = registry(allowedNamespaces=FOR_A)

    assert not is_for_all(offered)
    assert namespace_refusal(offered, "team-a", {"team": "a", "more": ""}) is None


def test_a_refusal_names_the_offer_its_selector_and_what_to_do() -> None:
    refusal = namespace_refusal(pool("apps", allowedNamespaces=FOR_A), "team-b", {"team": "b"})

    assert refusal is not None
    assert (refusal.reason, refusal.stalled) == ("NamespaceNotAllowed", True)
    assert refusal.retry_after == 600.0
    assert refusal.message == (
        "namespace team-b may not use DomainPool apps, which is for namespaces with the labels"
        " 'team=a'; ask an admin to label the namespace, or name another DomainPool in"
        " spec.domain.domainPoolRef"
    )


def test_a_registrys_refusal_names_the_field_of_the_registry() -> None:
    refusal = namespace_refusal(registry("harbor", allowedNamespaces=FOR_A), "team-b", {})

    assert refusal is not None
    assert "Registry harbor" in refusal.message
    assert refusal.message.endswith("name another Registry in spec.registry")
