"""What the volumes of a merged runtime must fulfil."""

from collections.abc import Iterator

from kapsa.core.problems import Problem
from kapsa.core.workloads.autoscaling import autoscaler_of
from kapsa.models.runtime import Runtime
from kapsa.utils.quantities import same_quantity


def volume_problem(runtime: Runtime, path: str = "spec.runtime") -> Problem | None:
    """Return what a merged runtime with volumes lacks, or has too much; None where it is right."""
    if not runtime.volumes:
        return None
    if runtime.replicas is not None and runtime.replicas > 1:
        return Problem(
            f"{path}.replicas",
            f"is {runtime.replicas}, and only one pod at a time can have the volumes; set it to 1",
        )
    if autoscaler_of(runtime) is not None:
        return Problem(
            f"{path}.autoscaling.enabled",
            "is true, and only one pod at a time can have the volumes; set it to false",
        )
    return next(_of_each_volume(runtime, path), None)


def _of_each_volume(runtime: Runtime, path: str) -> Iterator[Problem]:
    mounted: dict[str, str] = {}
    for item in (*runtime.config_refs, *runtime.secret_refs):
        if item.mount_path:
            mounted[item.mount_path] = item.name
    for index, volume in enumerate(runtime.volumes):
        where = f"{path}.volumes[{index}]"
        if volume.mount_path is None:
            yield Problem(f"{where}.mountPath", f"is missing; say where volume {volume.name} shows")
        elif volume.mount_path in mounted:
            yield Problem(
                f"{where}.mountPath",
                f"is {volume.mount_path}, where {mounted[volume.mount_path]} shows already;"
                " choose another path",
            )
        else:
            mounted[volume.mount_path] = volume.name
        if volume.size is not None and same_quantity(volume.size, "0"):
            yield Problem(f"{where}.size", "is 0; say how large it is, such as 1Gi")
