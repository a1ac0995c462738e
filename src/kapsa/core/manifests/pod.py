"""The pods of a process: what Deployments, Jobs and CronJobs have in their templates."""

from typing import Any, Final

from kapsa.core import labels
from kapsa.core.manifests.context import WorkloadContext, object_labels, selector
from kapsa.core.workloads.literals import literal
from kapsa.core.workloads.pod_configuration import file_mounts, file_volumes, variable_sources
from kapsa.core.workloads.pod_security import profile_of
from kapsa.core.workloads.processes import Process
from kapsa.core.workloads.volume_mounts import file_group, pod_volumes, volume_mounts
from kapsa.models.probes import Probe, Probes

_DRAIN_SECONDS: Final = 5
"""How long a pod that ends still answers: routers hear of its end later than it does."""
_SHUTDOWN_SECONDS: Final = 30
"""How long the application has to end by itself, which is Kubernetes' default."""
_STARTUP_SECONDS: Final = 3600
"""How long an application may take to answer at first. Long, for its container is then started
again, which nobody has asked for."""
_SPREAD_OVER: Final = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def pod_template(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return the template of the pods. They meet the Pod Security Standard that is wanted.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    metadata: dict[str, Any] = {"labels": object_labels(context.environment, process.name)}
    told = {labels.COMMIT: context.commit, labels.CONFIG: context.configuration.digest}
    if annotations := {name: value for name, value in told.items() if value}:
        metadata["annotations"] = annotations
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _pod_security(context) | file_group(context, process),
        "containers": [container(context, process)],
    }
    if context.service_account:
        spec["serviceAccountName"] = context.service_account
    if context.pull_secret:
        spec["imagePullSecrets"] = [{"name": context.pull_secret}]
    if volumes := [*pod_volumes(context, process), *file_volumes(context.configuration)]:
        spec["volumes"] = volumes
    if process.kind == "web":
        spec["terminationGracePeriodSeconds"] = _DRAIN_SECONDS + _SHUTDOWN_SECONDS
    if process.lasts:
        spec["topologySpreadConstraints"] = _spread(context, process)
    return {"metadata": metadata, "spec": spec}


def container(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return the container of a process, which is called like it."""
    built: dict[str, Any] = {
        "name": process.name,
        "image": context.image,
        "env": _variables(context, process),
        "resources": process.resources.to_json(),
        "securityContext": _container_security(context),
    }
    if variables := variable_sources(context.configuration):
        built["envFrom"] = variables
    if process.ports:
        built["ports"] = [
            {
                "name": port.name,
                "containerPort": port.container_port,
                "protocol": port.protocol,
            }
            for port in process.ports
        ]
    if mounts := [*volume_mounts(context, process), *file_mounts(context.configuration)]:
        built["volumeMounts"] = mounts
    if process.lasts:
        built |= _probes(process)
        # Its last lines are then in the pod's status, and in the Environment's.
        built["terminationMessagePolicy"] = "FallbackToLogsOnError"
    if process.kind == "web":
        built["lifecycle"] = {"preStop": {"sleep": {"seconds": _DRAIN_SECONDS}}}
    if process.command:
        built["command"] = list(process.command)
    if process.args:
        built["args"] = list(process.args)
    return built


def _pod_security(context: WorkloadContext) -> dict[str, Any]:
    runtime = context.environment.spec.runtime
    built: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    if profile_of(runtime) == "restricted":
        built["runAsNonRoot"] = True
    if runtime.security and runtime.security.run_as_user:
        built["runAsUser"] = runtime.security.run_as_user
    return built


def _container_security(context: WorkloadContext) -> dict[str, Any]:
    """Return what a container may do. An image that starts as root needs a few capabilities."""
    built: dict[str, Any] = {"allowPrivilegeEscalation": False}
    if profile_of(context.environment.spec.runtime) == "restricted":
        built["capabilities"] = {"drop": ["ALL"]}
    return built


def _spread(context: WorkloadContext, process: Process) -> list[dict[str, Any]]:
    """Return over what the pods are spread, as far as that can be.

    A single pod has it too: else all pods would be made anew when a second one is asked for.
    Zones too: whoever says anything of it loses the scheduler's own defaults, which spread over
    both. Each version is spread for itself, or the old pods would push the new ones aside.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(context.environment, process.name)},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in _SPREAD_OVER
    ]


def _probes(process: Process) -> dict[str, Any]:
    """Return the container's probes. Who says nothing of readiness has the first port tried.

    Until that has succeeded once it is asked each second: at the pace of readiness, a container
    that needs a moment to start would wait for its second question up to ten seconds.
    """
    said: Probes = process.probes
    readiness = said.readiness
    if readiness is None and process.tells_readiness:
        readiness = Probe(period_seconds=5)
    startup = said.startup
    if startup is None and readiness is not None:
        patience = {"period_seconds": 1, "failure_threshold": _STARTUP_SECONDS}
        startup = readiness.model_copy(update=patience)
    wanted = {
        "livenessProbe": said.liveness,
        "readinessProbe": readiness,
        "startupProbe": startup,
    }
    return {name: _probe(process, probe) for name, probe in wanted.items() if probe is not None}


def _probe(process: Process, probe: Probe) -> dict[str, Any]:
    port = probe.port or process.ports[0].name
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


def _variables(context: WorkloadContext, process: Process) -> list[dict[str, str]]:
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
    given = {item.name: item.value for item in process.env if not item.name.startswith("KAPSA_")}
    told = {name: value for name, value in own.items() if value}
    return [
        {"name": name} | ({"value": literal(value)} if value else {})
        for name, value in (told | given).items()
    ]
