"""A stand-in for metrics-server: what pods use is what a test says, and nothing is measured.

The API server serves the resource metrics API as custom resources, in which the autoscaler's own
controller reads as it would from metrics-server; `kubectl top pods` does too. Both CRD and objects
say what they are.

Source: https://github.com/kubernetes/metrics, pkg/apis/metrics/v1beta1, and
https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lab.platform import Platform

Manifest = dict[str, Any]

_GROUP: Final = "metrics.k8s.io"
_SAYS: Final = "a stand-in of the laboratory: nothing was measured"
# An autoscaler leaves out what was measured before a pod was Ready, or within this time after.
_WINDOW: Final = "1s"


@dataclass(frozen=True)
class MetricsStandIn:
    """Says what pods use, in a laboratory that has no metrics-server.

    Attributes:
        platform: The laboratory.
    """

    platform: Platform

    def install(self) -> None:
        """Have the API server serve the metrics of pods; there are none yet."""
        self.platform.apply(_definition())
        name = f"crd/pods.{_GROUP}"
        self.platform.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)

    def uninstall(self) -> None:
        """Take the metrics away: whoever asks is told that there is no such API."""
        self.platform.kubectl("delete", f"crd/pods.{_GROUP}", "--ignore-not-found")

    def report(self, pods: Iterable[Manifest], millicores: int) -> None:
        """Say that a load is spread evenly over pods, just now.

        Args:
            pods: Their manifests, with names, labels and containers.
            millicores: What all of them together use, in thousandths of a core.
        """
        listed = list(pods)
        share = millicores // len(listed)
        self.platform.apply(*(_metrics(pod, share) for pod in listed))


def _metrics(pod: Manifest, millicores: int) -> Manifest:
    metadata, containers = pod["metadata"], pod["spec"]["containers"]
    share = {"cpu": f"{millicores // len(containers)}m", "memory": "1Mi"}
    return {
        "apiVersion": f"{_GROUP}/v1beta1",
        "kind": "PodMetrics",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            # An autoscaler finds metrics by the labels of the pods.
            "labels": metadata.get("labels") or {},
            "annotations": {"kapsa-lab/metrics": _SAYS},
        },
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window": _WINDOW,
        "containers": [{"name": item["name"], "usage": share} for item in containers],
    }


def _definition() -> Manifest:
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1beta1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {**free, "description": f"Metrics of a pod, by {_SAYS}."}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"pods.{_GROUP}",
            # Asked of every definition in a group of Kubernetes' own.
            "annotations": {"api-approved.kubernetes.io": f"unapproved, {_SAYS}"},
        },
        "spec": {
            "group": _GROUP,
            "scope": "Namespaced",
            "names": {
                "plural": "pods",
                "singular": "podmetrics",
                "kind": "PodMetrics",
                "listKind": "PodMetricsList",
            },
            "versions": [version],
        },
    }
