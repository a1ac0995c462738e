"""Who may connect to whom, as the NetworkPolicies of a cluster say.

No network of the laboratory enforces them. This decides what a network plugin that does would do,
over the pods and policies that are there, and drops no packet itself.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/ and
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from lab.objects import read_objects
from lab.platform import ApiServer

Manifest = dict[str, Any]
Direction = Literal["Ingress", "Egress"]


@dataclass(frozen=True)
class Outside:
    """What is no pod of the cluster: a person, a node, a server elsewhere."""

    address: str


Peer = Manifest | Outside
"""A pod, as the API server has it, or what is none."""


@dataclass(frozen=True)
class Port:
    """Where a connection goes to."""

    number: int
    protocol: str = "TCP"


@dataclass(frozen=True)
class Network:
    """What decides about connections.

    Attributes:
        namespaces: The labels of each namespace, by its name.
        policies: All NetworkPolicies.
    """

    namespaces: Mapping[str, Mapping[str, str]]
    policies: tuple[Manifest, ...]

    @classmethod
    def of(cls, namespaces: Iterable[Manifest], policies: Iterable[Manifest]) -> "Network":
        """Take what the API server lists."""
        named = {item["metadata"]["name"]: _labels(item) for item in namespaces}
        return cls(named, tuple(policies))

    def refusing(self, source: Peer, target: Peer, port: Port) -> tuple[str, ...]:
        """Return the policies that don't let a connection through; none where it may be made.

        A pod for which there is a policy of a direction may connect that way only as one of them
        says. A pod reaches itself and its node, and is reached by both, whatever they say. A pod
        with `hostNetwork` is its node: no policy is for it, and no selector means it.

        Returns:
            `Egress <namespace>/<name>` or `Ingress <namespace>/<name>` of each such policy.
        """
        if source is target or _on_one_node(source, target):
            return ()
        return (
            *self._refusing("Egress", source, target, port, target),
            *self._refusing("Ingress", target, source, port, target),
        )

    def _refusing(
        self, direction: Direction, pod: Peer, other: Peer, port: Port, target: Peer
    ) -> tuple[str, ...]:
        responsible = tuple(self._responsible(direction, pod))
        for policy in responsible:
            for rule in policy["spec"].get(direction.lower()) or ():
                peers = rule.get("from" if direction == "Ingress" else "to")
                if _means_port(rule.get("ports"), port, target) and (
                    not peers or any(self._means(peer, other, policy) for peer in peers)
                ):
                    return ()
        return tuple(
            f"{direction} {policy['metadata']['namespace']}/{policy['metadata']['name']}"
            for policy in responsible
        )

    def _responsible(self, direction: Direction, pod: Peer) -> Iterator[Manifest]:
        """Return the policies of a direction that are for a pod."""
        if isinstance(pod, Outside) or _is_on_its_nodes_network(pod):
            return
        for policy in self.policies:
            spec = policy["spec"]
            implied = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
            if (
                direction in (spec.get("policyTypes") or implied)
                and policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
                and selects(spec.get("podSelector") or {}, _labels(pod))
            ):
                yield policy

    def _means(self, rule: Manifest, peer: Peer, policy: Manifest) -> bool:
        """Tell whether an entry of `from` or `to` is about a peer."""
        if "ipBlock" in rule:
            return any(_contains(rule["ipBlock"], address) for address in _addresses(peer))
        if isinstance(peer, Outside) or _is_on_its_nodes_network(peer):
            return False
        namespace = peer["metadata"]["namespace"]
        if "namespaceSelector" in rule:
            is_there = selects(rule["namespaceSelector"], self.namespaces.get(namespace, {}))
        else:
            is_there = namespace == policy["metadata"]["namespace"]
        return is_there and selects(rule.get("podSelector") or {}, _labels(peer))


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector means an object with such labels; an empty one means all."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(requirement, labels) for requirement in selector.get("matchExpressions") or ()
    )


def live_network(server: ApiServer) -> Network:
    """Return what an API server has now."""
    return Network.of(read_objects(server, "namespaces"), read_objects(server, "networkpolicies"))


def _meets(requirement: Manifest, labels: Mapping[str, str]) -> bool:
    key, values = str(requirement["key"]), requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case unknown:
            raise ValueError(f"a label selector has no operator {unknown!r}")


def _means_port(ports: Iterable[Manifest] | None, port: Port, target: Peer) -> bool:
    ports = tuple(ports or ())
    return not ports or any(_is_port(item, port, target) for item in ports)


def _is_port(item: Manifest, port: Port, target: Peer) -> bool:
    """Tell whether an entry of `ports` means a port; a name is one of the target's containers."""
    if item.get("protocol", "TCP") != port.protocol:
        return False
    first = item.get("port")
    if isinstance(first, str):
        return port.number in _named(first, port.protocol, target)
    if first is None:
        return True
    return bool(first <= port.number <= (item.get("endPort") or first))


def _named(name: str, protocol: str, target: Peer) -> set[int]:
    if isinstance(target, Outside):
        return set()
    return {
        item["containerPort"]
        for container in target["spec"]["containers"]
        for item in container.get("ports") or ()
        if item.get("name") == name and item.get("protocol", "TCP") == protocol
    }


def _contains(block: Manifest, address: str) -> bool:
    where = ip_address(address)
    return where in ip_network(block["cidr"]) and not any(
        where in ip_network(item) for item in block.get("except") or ()
    )


def _addresses(peer: Peer) -> tuple[str, ...]:
    if isinstance(peer, Outside):
        return (peer.address,)
    return tuple(item["ip"] for item in (peer.get("status") or {}).get("podIPs") or ())


def _on_one_node(one: Peer, other: Peer) -> bool:
    """Tell whether one of two is a pod, and the other its node."""
    for pod, node in ((one, other), (other, one)):
        if isinstance(pod, Outside):
            continue
        address = (pod.get("status") or {}).get("hostIP")
        is_node = isinstance(node, Outside) or _is_on_its_nodes_network(node)
        if is_node and address in _addresses(node):
            return True
    return False


def _is_on_its_nodes_network(pod: Manifest) -> bool:
    return bool((pod.get("spec") or {}).get("hostNetwork"))


def _labels(item: Manifest) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}
