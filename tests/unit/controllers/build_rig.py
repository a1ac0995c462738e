"""A Project whose images Kapsa builds, with everything that it needs, for the tests of builds."""

import json
from base64 import b64encode
from typing import Any

from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.core import labels
from kapsa.core.builds.keys import build_key, reference_of, source_digest
from kapsa.core.builds.orders import Origin
from kapsa.core.builds.queue import Interest
from kapsa.core.builds.wants import Want
from kapsa.core.images.repositories import build_repository
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing
from kapsa.models.project import Project
from kapsa.models.registry import Registry
from tests.builders import DIGEST, project_manifest, registry_manifest, sha
from tests.unit.controllers.project_rig import MADE, Rig
from tests.unit.controllers.world import secret

BUILDS = "kapsa-builds"
REPOSITORY = "registry.example.com/acme/team-a/shop"
PASSWORD = "correct-horse-battery"
BUILT: dict[str, Any] = {
    "build": {"strategy": "dockerfile"},
    "registry": {"name": "harbor"},
    "environments": [{"name": "production", "branch": "main"}],
}


def encoded(value: str) -> str:
    return b64encode(value.encode()).decode()


class BuildRig(Rig):
    """Project `shop`, whose Dockerfiles Kapsa builds, with two pull requests."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.outside.images.clear()
        self.open(1, 2)
        self.rotate(PASSWORD)
        self.harbor()

    def rotate(self, password: str) -> None:
        """Have the Registry's password be this one."""
        self.cluster.put(secret("robot", username=encoded("robot"), password=encoded(password)))

    def harbor(self, **changes: Any) -> None:
        """Store the Registry."""
        spec = {
            "endpoint": "registry.example.com",
            "repositoryTemplate": "acme/{namespace}/{imageRepository}",
            "auth": {"secretRef": {"name": "robot"}},
        }
        self.cluster.put(registry_manifest("harbor", **{**spec, **changes}))

    def shop(self, **changes: Any) -> dict[str, Any]:
        return super().shop(**{**BUILT, **changes})

    def open(self, *numbers: int) -> None:
        """Have these pull requests open, and no others."""
        items = tuple(OpenPullRequest(n, sha(f"p{n}"), f"topic-{n}") for n in numbers)
        self.outside.pull_requests["acme/shop"] = PullRequestListing(items, complete=True)

    async def step(self) -> None:
        """Look at the Project, at the builds, and at the Project again."""
        await self.reconcile()
        await self.builds.reconcile(THE_QUEUE)
        await self.reconcile()

    async def begin(self, **changes: Any) -> None:
        self.shop(**changes)
        await self.converge()
        await self.step()

    def forget(self) -> None:
        """Have nothing in memory of builds, as after a restart."""
        self.builds._interests.clear()
        self.builds._beginnings.obstacles = {}
        self.builds._hidden.keep_only(())

    def jobs(self) -> list[dict[str, Any]]:
        return self._all("Job")

    def secrets(self) -> list[dict[str, Any]]:
        return self._all("Secret")

    def _all(self, kind: str) -> list[dict[str, Any]]:
        return [
            self.cluster.live(*key[::2], key[1])
            for key in sorted(self.cluster.objects)
            if key[:2] == (kind, BUILDS)
        ]

    def job_of(self, environment: str) -> dict[str, Any]:
        return next(
            job
            for job in self.jobs()
            if job["metadata"]["annotations"][labels.BUILT_FOR] == environment
        )

    def end(self, job: dict[str, Any], *, log: str = "", digest: str = DIGEST) -> None:
        """Have a build end: badly where it leaves a log, else with an image."""
        name = job["metadata"]["name"]
        ended = {
            "name": "build",
            "state": {
                "terminated": {
                    "exitCode": 1 if log else 0,
                    "reason": "Error" if log else "Completed",
                    "message": log or json.dumps({"containerimage.digest": digest}),
                }
            },
        }
        template = job["spec"]["template"]
        self.cluster.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"{name}-x",
                    "namespace": BUILDS,
                    "labels": template["metadata"]["labels"],
                    "ownerReferences": [
                        labels.owner_reference("batch/v1", "Job", name, job["metadata"]["uid"])
                    ],
                },
                "spec": {"containers": template["spec"]["containers"]},
                "status": {"phase": "Failed" if log else "Succeeded", "containerStatuses": [ended]},
            }
        )
        self.cluster.logs[BUILDS, f"{name}-x", "build"] = log
        type_ = "Failed" if log else "Complete"
        self.cluster.put(
            {
                **job,
                "status": {
                    "conditions": [
                        {
                            "type": type_,
                            "status": "True",
                            "reason": "BackoffLimitExceeded" if log else "Completed",
                            "message": "it has reached its limit" if log else "",
                            "lastTransitionTime": "2026-01-01T00:00:10Z",
                        }
                    ]
                },
            }
        )

    def image(self, environment: str) -> str:
        spec = self.cluster.live("Environment", environment, MADE)["spec"]
        return str(spec.get("image", ""))

    def built(self) -> tuple[str, str]:
        return self.condition("BuildSucceeded", "Project", "shop", "team-a")

    def neighbour(self, name: str, *, is_preview: bool = False, **spec: Any) -> Want:
        """Have another Project want one image; return that."""
        manifest = self.cluster.put(
            project_manifest(name, metadata={"uid": f"uid-of-{name}"}, **{**BUILT, **spec})
        )
        project = Project.model_validate(manifest)
        registry = Registry.model_validate(self.cluster.live("Registry", "harbor", ""))
        repository = build_repository(project, registry)
        assert isinstance(repository, str)
        build, meta = project.spec.build, project.metadata
        key = build_key(build, source_digest("the tree", (), build))
        origin = Origin(meta.namespace, name, meta.uid, f"{name}-production")
        want = Want(origin, key, sha("a"), reference_of(repository, key), is_preview)
        environments = frozenset({origin.environment})
        self.builds.settle(meta.uid, Interest((want,), frozenset({key}), environments))
        return want

    def projects_built(self) -> list[str]:
        """Return the names of the Projects that have builds."""
        return sorted({job["metadata"]["labels"][labels.NAME] for job in self.jobs()})
