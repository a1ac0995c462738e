"""What the demo says before and after the story."""

from __future__ import annotations

from lab.demo.manifests import POLL_SECONDS
from lab.demo.snapshot import Snapshot
from lab.demo.stage import Stage
from lab.operator import NAMESPACE

SIMULATED = (
    "The lab's nodes are simulated: Pods become Ready, but no container runs, and\n"
    "nothing answers at the URLs. As root on Linux, with runc, the demo has a real node."
)

REAL = (
    "Containers really run here: Kapsa has every commit built by BuildKit, and each page is\n"
    "fetched over HTTPS whose certificate is verified."
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
    opened = _to_open(stage, snapshot)
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
        *opened,
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


def _to_open(stage: Stage, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the URLs that answer, for a browser; nothing where none does."""
    routing = stage.platform.routing
    if stage.ca_file is None or routing is None:
        return ()
    told = (str((item.get("status") or {}).get("url", "")) for item in snapshot.of("Environment"))
    urls = [routing.address(url) for url in told if url]
    return (
        "Open in a browser (it knows nothing of the lab's certificate authority, and warns):",
        *(f"  {url}" for url in urls),
        "Or verified:",
        *(f"  curl --cacert {stage.ca_file} {url}" for url in urls[:1]),
        "",
    )
