"""The Kubernetes API: what is sent, and what the answers mean."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from kapsa.adapters import resources
from kapsa.adapters.answers import Deletion
from kapsa.adapters.api_errors import AlreadyExists, Conflict, NotFound, ObjectNotFound
from kapsa.adapters.cluster import Cluster, NotFenced
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from tests.unit.adapters.api_server import ApiServer, Fence, Rig, connection, refusal, stored
from tests.unit.adapters.conftest import Serve

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "ns"}}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}}
PATH = "/api/v1/namespaces/ns/services/web"

Call = Callable[[Cluster], Awaitable[Any]]
READS: dict[str, Call] = {
    "get": lambda cluster: cluster.get(resources.SERVICES, "web", "ns"),
    "list_all": lambda cluster: cluster.list_all(resources.SERVICES),
    "serves": lambda cluster: cluster.serves(resources.SERVICES),
}
WRITES: dict[str, Call] = {
    "create": lambda cluster: cluster.create(SERVICE),
    "apply": lambda cluster: cluster.apply(SERVICE),
    "hold": lambda cluster: cluster.hold(SERVICE, uid="u"),
    "replace": lambda cluster: cluster.replace(SERVICE),
    "apply_status": lambda cluster: cluster.apply_status(resources.SERVICES, stored(), {}),
    "delete": lambda cluster: cluster.delete(resources.SERVICES, "web", "ns", uid="u"),
}


@pytest.fixture
async def rig(serve: Serve) -> AsyncIterator[Rig]:
    api, fence = ApiServer([web.json_response(stored())]), Fence()
    server = await serve(api.handle)
    link, hasty = connection(server), connection(server, timeout=0.05)
    yield Rig(api, Cluster(link, fence), fence, Cluster(hasty, fence))
    await link.close()
    await hasty.close()


async def test_a_kind_without_crd_is_not_served(rig: Rig) -> None:
    assert await rig.cluster.serves(resources.PROJECTS)
    assert rig.api.last.params == {"limit": "1"}
    rig.api.answers[:] = [web.Response(status=404, text="404 page not found")]
    assert not await rig.cluster.serves(resources.PROJECTS)


async def test_get_reads_one_object(rig: Rig) -> None:
    assert await rig.cluster.get(resources.SERVICES, "web", "ns") == stored()
    assert (rig.api.last.method, rig.api.last.path) == ("GET", PATH)
    assert rig.api.last.body is None


@pytest.mark.parametrize(
    ("resource", "namespace", "path"),
    [
        (resources.PROJECTS, "ns", "/apis/kapsa-project.io/v1alpha1/namespaces/ns/projects/web"),
        (resources.REGISTRIES, "", "/apis/kapsa-project.io/v1alpha1/registries/web"),
        (resources.NAMESPACES, "", "/api/v1/namespaces/web"),
        (resources.DEPLOYMENTS, "ns", "/apis/apps/v1/namespaces/ns/deployments/web"),
        (
            resources.AUTOSCALERS,
            "ns",
            "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers/web",
        ),
        (resources.LEASES, "ns", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/web"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
async def test_every_kind_has_its_path(
    rig: Rig, resource: resources.ResourceType, namespace: str, path: str
) -> None:
    await rig.cluster.get(resource, "web", namespace)
    assert rig.api.last.path == path


async def test_an_object_that_is_not_there_is_none(rig: Rig) -> None:
    rig.api.answers = [refusal(404, "NotFound", name="web", kind="services")]
    assert await rig.cluster.get(resources.SERVICES, "web", "ns") is None


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=404, text="404 page not found\n"),
        web.Response(status=404, text="<html>no such site</html>", content_type="text/html"),
        web.json_response({"details": "nothing"}, status=404),
        refusal(404, "NotFound", "the server could not find the requested resource"),
        refusal(404, "NotFound", "namespaces \"ns\" not found", name="ns", kind="namespaces"),
    ],
    ids=["no-such-path", "a-proxy", "somebody-else", "no-such-kind", "no-such-namespace"],
)  # fmt: skip
async def test_a_404_that_does_not_name_the_object_proves_nothing(
    rig: Rig, answer: web.Response
) -> None:
    rig.api.answers = [answer]
    with pytest.raises(NotFound):
        await rig.cluster.get(resources.SERVICES, "web", "ns")
    with pytest.raises(NotFound):
        await rig.cluster.delete(resources.SERVICES, "web", "ns", uid="u")


async def test_a_list_is_read_page_by_page(rig: Rig) -> None:
    rig.api.answers = [
        web.json_response(
            {"metadata": {"resourceVersion": "7", "continue": "c"}, "items": [{"metadata": {}}]}
        ),
        web.json_response({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {}}]}),
    ]
    listing = await rig.cluster.list_all(resources.SERVICES, "a=b")
    assert listing.resource_version == "7"
    assert listing.items == [{"apiVersion": "v1", "kind": "Service", "metadata": {}}] * 2
    first, second = rig.api.seen
    assert first.path == second.path == "/api/v1/services"
    assert first.params == {"limit": "100", "labelSelector": "a=b"}
    assert second.params == first.params | {"continue": "c"}


async def test_each_object_of_a_list_is_trimmed(rig: Rig) -> None:
    rig.api.answers = [
        web.json_response({"metadata": {}, "items": [{"metadata": {"name": "a"}, "status": {}}]})
    ]
    listing = await rig.cluster.list_all(
        resources.SERVICES, trim=lambda item: {"kind": item["kind"], "metadata": item["metadata"]}
    )
    assert listing.items == [{"kind": "Service", "metadata": {"name": "a"}}]


async def test_a_list_of_nothing_may_say_null(rig: Rig) -> None:
    rig.api.answers = [web.json_response({"metadata": {"resourceVersion": "7"}, "items": None})]
    assert (await rig.cluster.list_all(resources.SERVICES)).items == []


async def test_another_writer_has_a_field_manager_of_its_own(rig: Rig) -> None:
    writer = Cluster(rig.cluster._connection, rig.fence, "kapsa-cli")
    await writer.apply(SERVICE)
    assert rig.api.last.params == {"fieldManager": "kapsa-cli", "force": "true"}
    await writer.create(SERVICE)
    assert rig.api.last.params == {"fieldManager": "kapsa-cli"}


async def test_create_posts_into_the_namespace(rig: Rig) -> None:
    await rig.cluster.create(SERVICE)
    assert (rig.api.last.method, rig.api.last.path) == ("POST", "/api/v1/namespaces/ns/services")
    assert rig.api.last.params == {"fieldManager": "kapsa"}
    assert rig.api.last.content_type == "application/json"
    assert rig.api.last.body == SERVICE


async def test_apply_is_a_forced_server_side_apply(rig: Rig) -> None:
    await rig.cluster.apply(SERVICE)
    assert (rig.api.last.method, rig.api.last.path) == ("PATCH", PATH)
    assert rig.api.last.params == {"fieldManager": "kapsa", "force": "true"}
    assert rig.api.last.content_type == "application/apply-patch+yaml"
    assert rig.api.last.body == SERVICE


async def test_apply_names_the_uid_of_the_object_that_is_meant(rig: Rig) -> None:
    await rig.cluster.apply(SERVICE, uid="u")
    assert rig.api.last.body["metadata"] == {"name": "web", "namespace": "ns", "uid": "u"}
    assert "uid" not in SERVICE["metadata"]


async def test_what_is_held_is_applied_without_force_by_another_manager(rig: Rig) -> None:
    await rig.cluster.hold(SERVICE, uid="u")
    assert (rig.api.last.method, rig.api.last.path) == ("PATCH", PATH)
    assert rig.api.last.params == {"fieldManager": "kapsa-handover"}
    assert rig.api.last.content_type == "application/apply-patch+yaml"
    assert rig.api.last.body["metadata"]["uid"] == "u"


async def test_apply_of_what_has_no_namespace(rig: Rig) -> None:
    await rig.cluster.apply(NAMESPACE)
    assert rig.api.last.path == "/api/v1/namespaces/made"


async def test_replace_sends_the_version_that_was_read(rig: Rig) -> None:
    await rig.cluster.replace(stored(resourceVersion="5"))
    assert (rig.api.last.method, rig.api.last.path) == ("PUT", PATH)
    assert rig.api.last.body["metadata"]["resourceVersion"] == "5"


async def test_a_list_of_operations_is_sent_as_a_json_patch(rig: Rig) -> None:
    operations = [{"op": "replace", "path": "/spec/type", "value": "ClusterIP"}]
    await rig.cluster.patch(resources.SERVICES, "web", "ns", operations)
    assert (rig.api.last.method, rig.api.last.path) == ("PATCH", PATH)
    assert rig.api.last.params == {"fieldManager": "kapsa"}
    assert rig.api.last.content_type == "application/json-patch+json"
    assert rig.api.last.body == operations


async def test_a_status_is_applied_to_the_object_of_that_uid_and_carries_nothing_else(
    rig: Rig,
) -> None:
    live = stored() | {"spec": {"x": 1}, "status": {"old": True}}
    await rig.cluster.apply_status(resources.SERVICES, live, {"new": True})
    assert (rig.api.last.method, rig.api.last.path) == ("PATCH", f"{PATH}/status")
    assert rig.api.last.params == {"fieldManager": "kapsa", "force": "true"}
    assert rig.api.last.body == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "ns", "uid": "uid-web"},
        "status": {"new": True},
    }


async def test_delete_has_the_uid_as_its_precondition(rig: Rig) -> None:
    await rig.cluster.delete(resources.SERVICES, "web", "ns", uid="u")
    assert (rig.api.last.method, rig.api.last.path) == ("DELETE", PATH)
    assert rig.api.last.body["preconditions"] == {"uid": "u"}
    assert rig.api.last.body["propagationPolicy"] == "Background"


@pytest.mark.parametrize(
    "answer",
    [{"kind": "Status", "metadata": {}, "status": "Success"}, stored()],
    ids=["a Status", "the object as it was"],
)
async def test_delete_says_that_the_object_is_gone(rig: Rig, answer: dict[str, Any]) -> None:
    rig.api.answers = [web.json_response(answer)]
    deletion = await rig.cluster.delete(resources.SERVICES, "web", "ns", uid="u")
    assert deletion == Deletion(was_there=True)


async def test_delete_says_that_something_has_to_happen_before_the_object_goes(rig: Rig) -> None:
    dying = stored()
    dying["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    rig.api.answers = [web.json_response(dying)]
    deletion = await rig.cluster.delete(resources.SERVICES, "web", "ns", uid="u")
    assert deletion == Deletion(was_there=True, dying=dying)


async def test_delete_can_wait_for_what_the_object_owns(rig: Rig) -> None:
    await rig.cluster.delete(resources.JOBS, "web", "ns", uid="u", dependents_first=True)

    assert rig.api.last.body["propagationPolicy"] == "Foreground"


async def test_a_log_is_the_end_of_what_one_container_has_written(rig: Rig) -> None:
    rig.api.answers[:] = [web.Response(text="begin\nno such table\n")]

    log = await rig.cluster.pod_log("web-x", "ns", container="release", lines=20)

    assert log == "begin\nno such table\n"
    assert rig.api.last.path == "/api/v1/namespaces/ns/pods/web-x/log"
    assert rig.api.last.params == {
        "container": "release",
        "tailLines": "20",
        "limitBytes": "65536",
    }


async def test_a_line_of_a_log_that_was_cut_is_left_out(rig: Rig) -> None:
    cut = b"\xff\n" + b"x" * 65_534
    rig.api.answers[:] = [web.Response(body=cut, content_type="text/plain")]

    assert await rig.cluster.pod_log("web-x", "ns", container="web", lines=20) == "\ufffd\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refusal(400, "BadRequest", "container is waiting to start"), id="not-begun"),
        pytest.param(refusal(500, "InternalError", "the node does not answer"), id="no-node"),
        pytest.param(web.Response(text="<html>", content_type="text/html"), id="a-login-page"),
        pytest.param(web.Response(status=302, headers={"Location": "/login"}), id="a-redirect"),
    ],
)
async def test_what_is_no_log_is_not_taken_for_one(rig: Rig, answer: web.Response) -> None:
    rig.api.answers[:] = [answer]

    with pytest.raises(AdapterError):
        await rig.cluster.pod_log("web-x", "ns", container="web", lines=20)


async def test_delete_of_what_may_not_have_changed_has_its_version_as_precondition_too(
    rig: Rig,
) -> None:
    await rig.cluster.delete(resources.SERVICES, "web", "ns", uid="u", resource_version="7")
    assert rig.api.last.body["preconditions"] == {"uid": "u", "resourceVersion": "7"}


@pytest.mark.parametrize(
    "answer", [refusal(404, "NotFound", name="web"), refusal(409, "Conflict")], ids=["404", "409"]
)
async def test_delete_says_so_when_that_object_was_gone_already(
    rig: Rig, answer: web.Response
) -> None:
    rig.api.answers = [answer]
    deletion = await rig.cluster.delete(resources.SERVICES, "web", "ns", uid="u")
    assert deletion == Deletion(was_there=False)


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "seconds"),
    [
        (refusal(409, "AlreadyExists"), AlreadyExists, "Reconciling", 1.0),
        (refusal(409, "Conflict"), Conflict, "Reconciling", 1.0),
        (refusal(404, "NotFound", name="web"), ObjectNotFound, "Reconciling", 2.0),
        (refusal(410, "Expired"), Waiting, "ApiServerUnavailable", 5.0),
        (refusal(429), Waiting, "ApiServerUnavailable", 5.0),
        (refusal(500), Waiting, "ApiServerUnavailable", 5.0),
        (refusal(503), Waiting, "ApiServerUnavailable", 5.0),
        (web.Response(status=502, text="<html>"), Waiting, "ApiServerUnavailable", 5.0),
        (refusal(401, "Unauthorized"), Waiting, "ApiServerUnavailable", 5.0),
        (web.Response(status=302), Waiting, "ApiServerUnavailable", 5.0),
        (refusal(403, "Forbidden"), Stalled, "ApplyRefused", 60.0),
        (refusal(422, "Invalid"), Stalled, "ApplyRefused", None),
        (refusal(400, "BadRequest"), Stalled, "ApplyRefused", None),
        (web.json_response(["?"], status=403), Stalled, "ApplyRefused", 60.0),
        (web.json_response({"details": "?"}, status=403), Stalled, "ApplyRefused", 60.0),
        (
            refusal(403, "Forbidden", causes=[{"reason": "NamespaceTerminating"}]),
            Waiting,
            "NamespaceTerminating",
            2.0,
        ),
        (
            web.json_response(
                {"message": "pods is forbidden: status unknown for quota: kapsa, resources: pods"},
                status=403,
            ),
            Waiting,
            "ApplyRefused",
            1.0,
        ),
        (refusal(403, "Forbidden", causes=["?", {}]), Stalled, "ApplyRefused", 60.0),
    ],
    ids=lambda value: str(value.status) if isinstance(value, web.Response) else None,
)
async def test_what_a_refusal_means(
    rig: Rig,
    answer: web.Response,
    kind: type[AdapterError],
    reason: str,
    seconds: float | None,
) -> None:
    rig.api.answers = [answer]
    with pytest.raises(AdapterError) as raised:
        await rig.cluster.apply(SERVICE)
    assert type(raised.value) is kind
    assert raised.value.reason == reason
    assert getattr(raised.value, "retry_after", None) == seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("100000", 300.0), ("0", 1.0), ("soon", 5.0), ("-1", 5.0), ("", 5.0)],
)
async def test_retry_after_is_followed_within_reason(rig: Rig, header: str, seconds: float) -> None:
    answer = refusal(429)
    answer.headers["Retry-After"] = header
    rig.api.answers = [answer]
    with pytest.raises(Waiting) as raised:
        await rig.cluster.apply(SERVICE)
    assert raised.value.retry_after == seconds


async def test_a_message_is_one_line_and_bounded(rig: Rig) -> None:
    rig.api.answers = [refusal(422, "Invalid", "a\nb\x1b[31m" + "x" * 5000)]
    with pytest.raises(Stalled) as raised:
        await rig.cluster.apply(SERVICE)
    assert raised.value.message.startswith("a b")
    assert len(raised.value.message) <= 1024
    assert raised.value.message.isprintable()


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_a_server_that_does_not_answer_is_waited_for(rig: Rig, name: str) -> None:
    rig.api.pause = asyncio.Event()
    with pytest.raises(Waiting) as raised:
        await (READS | WRITES)[name](rig.hasty)
    rig.api.pause.set()
    assert raised.value.reason == "ApiServerUnavailable"
    assert raised.value.message.startswith("the API server does not answer")


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    link = connection("http://127.0.0.1:1")
    with pytest.raises(Waiting):
        await Cluster(link, Fence()).get(resources.SERVICES, "web", "ns")
    await link.close()


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="{", content_type="application/json"),
        web.Response(text="<html>log in</html>", content_type="text/html"),
        web.json_response(None),
        web.json_response({"status": "ok"}),
        web.json_response({"metadata": None}),
    ],
    ids=["half", "html", "null", "somebody-else", "no-metadata"],
)
@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_what_is_no_answer_of_an_api_server_is_not_believed(
    rig: Rig, name: str, answer: web.Response
) -> None:
    rig.api.answers = [answer]
    with pytest.raises(Waiting):
        await (READS | WRITES)[name](rig.cluster)


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_no_redirect_is_followed(rig: Rig, name: str) -> None:
    rig.api.answers = [
        web.Response(status=307, headers={"Location": "/elsewhere"}),
        web.json_response({"metadata": {}}),
    ]
    with pytest.raises(Waiting):
        await (READS | WRITES)[name](rig.cluster)
    assert len(rig.api.seen) == 1


@pytest.mark.parametrize("name", WRITES)
async def test_no_write_passes_a_closed_fence(rig: Rig, name: str) -> None:
    rig.fence.error = NotFenced("not elected")
    with pytest.raises(NotFenced):
        await WRITES[name](rig.cluster)
    assert rig.api.seen == []


@pytest.mark.parametrize("name", READS)
async def test_reads_ask_no_fence(rig: Rig, name: str) -> None:
    rig.fence.error = NotFenced("not elected")
    await READS[name](rig.cluster)
    assert rig.fence.asked == 0


async def test_a_write_that_had_to_wait_for_others_asks_the_fence_again(rig: Rig) -> None:
    rig.api.pause = asyncio.Event()
    busy = [asyncio.ensure_future(READS["get"](rig.cluster)) for _ in range(100)]
    write = asyncio.ensure_future(rig.cluster.apply(SERVICE))
    await asyncio.sleep(0)
    assert rig.fence.asked == 1
    rig.fence.error = NotFenced("the Lease was lost meanwhile")
    rig.api.pause.set()
    with pytest.raises(NotFenced):
        await write
    await asyncio.gather(*busy)
    assert all(request.method == "GET" for request in rig.api.seen)


async def test_other_connections_are_left_for_the_election(rig: Rig) -> None:
    rig.api.pause = asyncio.Event()
    busy = [asyncio.ensure_future(READS["get"](rig.cluster)) for _ in range(100)]
    for _ in range(2000):
        await asyncio.sleep(0)
    assert len(rig.api.seen) == 16
    rig.api.pause.set()
    await asyncio.gather(*busy)
