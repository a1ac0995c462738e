"""Who may connect to whom: the rules of the NetworkPolicy API, one by one."""

from typing import Any

import pytest

from lab.network_policies import Manifest, Network, Outside, Peer, Port, selects

NAMESPACES = {"team-a": {"team": "a"}, "team-b": {"team": "b"}, "router": {"role": "router"}}
HTTP = Port(8080)
SOMEBODY = Outside("203.0.113.7")


def pod(
    name: str, namespace: str = "team-a", ip: str = "10.244.0.9", **fields: Any
) -> dict[str, Any]:
    """Return a pod called `name`, with the label `app` of that value."""
    container = {"name": "main", "ports": [{"name": "http", "containerPort": 8080}]}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [container], **fields},
        "status": {"podIPs": [{"ip": ip}], "hostIP": "192.0.2.1"},
    }


def policy(name: str = "rules", namespace: str = "team-a", **spec: Any) -> Manifest:
    """Return a policy, of all pods of the namespace if nothing else is said."""
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {}, **spec},
    }


def network(*policies: Manifest) -> Network:
    return Network(NAMESPACES, policies)


WEB, WORKER, STRANGER = pod("web"), pod("worker"), pod("web", "team-b", "10.244.1.9")
ROUTER = pod("traefik", "router", "10.244.2.9")


def test_without_a_policy_everybody_connects_to_everybody() -> None:
    assert network().refusing(STRANGER, WEB, HTTP) == ()
    assert network().refusing(SOMEBODY, WEB, HTTP) == ()


def test_a_policy_without_rules_lets_nobody_in_and_says_which_it_is() -> None:
    shut = network(policy(policyTypes=["Ingress"]))
    assert shut.refusing(STRANGER, WEB, HTTP) == ("Ingress team-a/rules",)
    assert shut.refusing(SOMEBODY, WEB, HTTP) == ("Ingress team-a/rules",)
    assert shut.refusing(WEB, STRANGER, HTTP) == ()


def test_a_rule_without_peers_and_ports_means_all() -> None:
    assert network(policy(ingress=[{}])).refusing(SOMEBODY, WEB, Port(53, "UDP")) == ()


def test_policies_add_up() -> None:
    shut = policy("shut", policyTypes=["Ingress"])
    opened = policy("opened", ingress=[{"from": [{"podSelector": {}}]}])
    assert network(shut, opened).refusing(WORKER, WEB, HTTP) == ()
    both = ("Ingress team-a/shut", "Ingress team-a/opened")
    assert network(shut, opened).refusing(STRANGER, WEB, HTTP) == both


def test_both_ends_have_to_agree() -> None:
    no_way_out = policy("out", "team-b", policyTypes=["Egress"])
    no_way_in = policy("in", policyTypes=["Ingress"])
    assert network(no_way_out, no_way_in).refusing(STRANGER, WEB, HTTP) == (
        "Egress team-b/out",
        "Ingress team-a/in",
    )


def test_egress_is_meant_where_the_types_say_so_or_there_are_rules() -> None:
    assert network(policy()).refusing(WEB, STRANGER, HTTP) == ()
    here_only = policy(egress=[{"to": [{"podSelector": {}}]}])
    assert network(here_only).refusing(WEB, STRANGER, HTTP) == ("Egress team-a/rules",)
    # Without types, a policy is about ingress whatever else it says.
    assert network(here_only).refusing(STRANGER, WEB, HTTP) == ("Ingress team-a/rules",)


def test_a_policy_is_for_the_pods_that_it_selects_in_its_namespace() -> None:
    of_web = network(policy(podSelector={"matchLabels": {"app": "web"}}))
    assert of_web.refusing(STRANGER, WEB, HTTP)
    assert not of_web.refusing(STRANGER, WORKER, HTTP)
    assert not of_web.refusing(WEB, STRANGER, HTTP)


_A, _WEB = {"matchLabels": {"team": "a"}}, {"matchLabels": {"app": "web"}}


@pytest.mark.parametrize(
    ("peer", "let_in"),
    [
        ({"podSelector": {}}, {"worker"}),
        ({"podSelector": _WEB}, set()),
        ({"namespaceSelector": {}}, {"worker", "stranger", "router"}),
        ({"namespaceSelector": _A}, {"worker"}),
        ({"namespaceSelector": {}, "podSelector": _WEB}, {"stranger"}),
        ({"ipBlock": {"cidr": "10.244.0.0/16"}}, {"worker", "stranger", "router"}),
        ({"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.1.0/24"]}}, {"worker", "router"}),
        ({"ipBlock": {"cidr": "203.0.113.0/24"}}, {"somebody"}),
        ({"ipBlock": {"cidr": "::/0"}}, set()),
    ],
)
def test_a_rule_lets_in_whom_its_peer_means(peer: Manifest, let_in: set[str]) -> None:
    rules = network(policy(ingress=[{"from": [peer]}]))
    callers: dict[str, Peer] = {
        "worker": WORKER,
        "stranger": STRANGER,
        "router": ROUTER,
        "somebody": SOMEBODY,
    }
    found = {name for name, caller in callers.items() if not rules.refusing(caller, WEB, HTTP)}
    assert found == let_in


@pytest.mark.parametrize(
    ("ports", "opened"),
    [
        ([], {"TCP/53", "UDP/53", "TCP/8080"}),
        ([{"port": 53}], {"TCP/53"}),
        ([{"port": 53, "protocol": "UDP"}], {"UDP/53"}),
        ([{"protocol": "UDP"}], {"UDP/53"}),
        ([{"port": "http"}], {"TCP/8080"}),
        ([{"port": "unknown"}], set()),
        ([{"port": 8000, "endPort": 9000}], {"TCP/8080"}),
        ([{"port": 53}, {"port": 8080}], {"TCP/53", "TCP/8080"}),
    ],
)
def test_a_rule_opens_the_ports_that_it_names(ports: list[Manifest], opened: set[str]) -> None:
    rules = network(policy(ingress=[{"ports": ports}]))
    asked = {"TCP/53": Port(53), "UDP/53": Port(53, "UDP"), "TCP/8080": HTTP}
    found = {name for name, port in asked.items() if not rules.refusing(STRANGER, WEB, port)}
    assert found == opened


def test_a_named_port_is_the_targets_also_on_the_way_out() -> None:
    rules = network(policy(policyTypes=["Egress"], egress=[{"ports": [{"port": "http"}]}]))
    assert rules.refusing(WEB, STRANGER, HTTP) == ()
    assert rules.refusing(WEB, SOMEBODY, HTTP) == ("Egress team-a/rules",)


def test_a_pod_and_its_node_and_a_pod_and_itself_always_reach_each_other() -> None:
    shut = network(policy(policyTypes=["Ingress", "Egress"]))
    peers: tuple[Peer, ...] = (Outside("192.0.2.1"), WEB)
    for peer in peers:
        assert shut.refusing(peer, WEB, HTTP) == ()
        assert shut.refusing(WEB, peer, HTTP) == ()
    assert shut.refusing(Outside("192.0.2.2"), WEB, HTTP)


def test_a_pod_on_its_nodes_network_is_a_node_and_none_that_is_selected() -> None:
    router = pod("router", ip="192.0.2.2", hostNetwork=True)
    from_all_pods = network(policy(ingress=[{"from": [{"namespaceSelector": {}}]}]))
    assert from_all_pods.refusing(router, WEB, HTTP) == ("Ingress team-a/rules",)
    assert from_all_pods.refusing(WEB, router, HTTP) == ()
    from_nodes = network(policy(ingress=[{"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}]))
    assert from_nodes.refusing(router, WEB, HTTP) == ()


@pytest.mark.parametrize(
    ("requirement", "meant"),
    [
        ({"key": "app", "operator": "In", "values": ["web", "api"]}, {"web"}),
        ({"key": "app", "operator": "NotIn", "values": ["web"]}, {"worker", ""}),
        ({"key": "app", "operator": "Exists"}, {"web", "worker"}),
        ({"key": "app", "operator": "DoesNotExist"}, {""}),
    ],
)
def test_expressions_select_as_everywhere_in_kubernetes(
    requirement: Manifest, meant: set[str]
) -> None:
    selector = {"matchExpressions": [requirement]}
    labels = [{"app": "web"}, {"app": "worker"}, {}]
    assert {own.get("app", "") for own in labels if selects(selector, own)} == meant


def test_an_operator_that_there_is_not_is_no_match_but_an_error() -> None:
    with pytest.raises(ValueError, match="'Like'"):
        selects({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["w"]}]}, {})
