"""The Deployment of an Environment's web process."""

from typing import Any

from kapsa.core import labels
from kapsa.core.autoscaling import autoscaler_of
from kapsa.core.manifests.context import WEB, WorkloadContext, metadata, object_labels, selector
from kapsa.models.runtime import Probe, Probes, Resources, Runtime

DEFAULT_RESOURCES = Resources(requests={"cpu": "50m", "memory": "64Mi"}, limits={"memory": "256Mi"})


def deployment(context: WorkloadContext) -> dict[str, Any]:
    """Return the Deployment. Its pods meet the Pod Security Standard `restricted`.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted

    `replicas` is left out where nobody set it, and with autoscaling: the API server makes it 1, and
    whoever scales the Deployment then owns it.
    """
    runtime = context.environment.spec.runtime
    pod_metadata: dict[str, Any] = {"labels": object_labels(context.environment)}
    if context.commit:
        pod_metadata["annotations"] = {labels.COMMIT: context.commit}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": selector(context.environment)},
        "revisionHistoryLimit": 2,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "template": {
            "metadata": pod_metadata,
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(context, runtime)],
            },
        },
    }
    if runtime.replicas is not None and autoscaler_of(runtime) is None:
        spec["replicas"] = runtime.replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(context, context.name),
        "spec": spec,
    }


def _container(context: WorkloadContext, runtime: Runtime) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": WEB,
        "image": context.image,
        "env": _variables(context, runtime),
        "ports": [
            {
                "name": port.name,
                "containerPort": port.container_port,
                "protocol": port.protocol,
            }
            for port in context.ports
        ],
        "resources": (runtime.resources or DEFAULT_RESOURCES).to_json(),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    container |= _probes(context, runtime.probes or Probes())
    if runtime.command:
        container["command"] = list(runtime.command)
    if runtime.args:
        container["args"] = list(runtime.args)
    return container


def _probes(context: WorkloadContext, said: Probes) -> dict[str, Any]:
    """Return the container's probes. Who says nothing of readiness has the first port tried."""
    readiness = said.readiness
    if readiness is None and context.ports[0].protocol == "TCP":
        readiness = Probe(period_seconds=5)
    wanted = {
        "livenessProbe": said.liveness,
        "readinessProbe": readiness,
        "startupProbe": said.startup,
    }
    return {name: _probe(context, probe) for name, probe in wanted.items() if probe is not None}


def _probe(context: WorkloadContext, probe: Probe) -> dict[str, Any]:
    port = probe.port or context.ports[0].name
    asked = {"httpGet": {"path": probe.path, "port": port}} if probe.path else None
    times = {
        "initialDelaySeconds": probe.initial_delay_seconds,
        "periodSeconds": probe.period_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "failureThreshold": probe.failure_threshold,
    }
    # The API server leaves a zero out, which is what it means anyway.
    said = {name: value for name, value in times.items() if value}
    return (asked or {"tcpSocket": {"port": port}}) | said


def _variables(context: WorkloadContext, runtime: Runtime) -> list[dict[str, str]]:
    """Return the container's variables: what Kapsa tells every application, then its own."""
    spec = context.environment.spec
    own = {
        "KAPSA_ENVIRONMENT": context.name,
        "KAPSA_URL": context.url,
        "KAPSA_HOST": context.host,
        "KAPSA_COMMIT": context.commit,
        "KAPSA_BRANCH": spec.branch or "",
        "KAPSA_PR": str(spec.pull_request.number) if spec.pull_request else "",
    }
    given = {item.name: item.value for item in runtime.env if not item.name.startswith("KAPSA_")}
    told = {name: value for name, value in own.items() if value}
    return [
        {"name": name} | ({"value": _literal(value)} if value else {})
        for name, value in (told | given).items()
    ]


def _literal(value: str) -> str:
    """Return what makes the kubelet give the container `value`, and not what `$(NAME)` stands for.

    Source: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return value.replace("$", "$$") if "$(" in value or "$$" in value else value
