"""The HTTP server: `/metrics`, `/healthz` and `/readyz`."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler


@dataclass(frozen=True)
class Probes:
    """What the server asks the operator.

    Attributes:
        is_ready: Whether the caches are filled.
        stuck: Parts that have shown no life for two minutes.
    """

    is_ready: Callable[[], bool]
    stuck: Callable[[], list[str]]


def make_app(probes: Probes, *, metrics: bool) -> web.Application:
    """Return the application.

    Args:
        probes: What `/healthz` and `/readyz` answer by: 200, or 503 with the reason in one line.
        metrics: Whether to serve `/metrics` in the Prometheus text format.
    """

    async def healthz(_: web.Request) -> web.Response:
        stuck = probes.stuck()
        if stuck:
            return web.Response(status=503, text=f"stuck: {', '.join(stuck)}\n")
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if not probes.is_ready():
            return web.Response(status=503, text="the caches are not filled yet\n")
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    if metrics:
        app.router.add_get("/metrics", make_aiohttp_handler())
    return app


async def serve(app: web.Application, address: str, port: int) -> web.AppRunner:
    """Start serving; `cleanup()` of what is returned ends it.

    Raises:
        OSError: The port is taken.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, port).start()
    return runner
