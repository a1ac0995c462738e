"""What the demo says before and after the story."""

from __future__ import annotations

from lab.demo.manifests import POLL_SECONDS
from lab.demo.snapshot import Snapshot
from lab.demo.stage import Stage
from lab.operator import NAMESPACE

SIMULATED = (
    "The lab's nodes are simulated: Pods become Ready, but no container runs, and\n"
    "nothing answers at the URLs. A later version of the lab brings a real node."
)

POLLS = (
    f"Kapsa looks at the repository, and for missing images, every {POLL_SECONDS} s here\n"
    f"(KAPSA_MIN_POLL_INTERVAL={POLL_SECONDS}, KAPSA_MAX_IMAGE_RETRY_INTERVAL={POLL_SECONDS}):\n"
    "that is most of the time that a step takes."
)


def follow_along(stage: Stage) -> str:
    """Return how to watch from another terminal."""
    return (
        "To follow in another terminal:\n"
        f"  export KUBECONFIG={stage.platform.kubeconfig}\n"
        f"  {stage.kubectl} get environments -A --watch"
    )


def look_around(stage: Stage, snapshot: Snapshot) -> str:
    """Return where everything is, and what to try."""
    kubectl, app, gitea = stage.kubectl, stage.app, stage.app.gitea
    environment = snapshot.named("Environment", f"{app.name}-pr-2") or {"metadata": {}}
    namespace = environment["metadata"].get("namespace", "")
    page = f"{gitea.url}/{app.repository.full_name}"
    lines = (
        "Look around, in another terminal:",
        f"  export KUBECONFIG={stage.platform.kubeconfig}",
        f"  {kubectl} get projects,environments -A -o wide",
        f"  {kubectl} describe environment -n {namespace} {app.name}-pr-2",
        f"  {kubectl} get deployments,pods,services,ingresses -n {namespace}",
        f"  {kubectl} get leases -n {NAMESPACE} -L kapsa-project.io/claim",
        f"  tail -f {stage.operator.log_file}",
        f"  curl {stage.operator.address}/metrics",
        "",
        f"Gitea: {page}/pulls",
        f"  user {gitea.username}, password {gitea.password} (throw-away)",
        "",
        "Try:",
        f"  close pull request #2 there, and watch:  {kubectl} get environments -A --watch",
        f"  {kubectl} delete project -n {app.namespace} {app.name}",
        "",
        "It all stays until you press Ctrl-C here, and is then stopped and removed.",
    )
    return "\n".join(lines)
