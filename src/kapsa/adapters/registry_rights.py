"""Ask a registry whether it lets Kapsa do something, without doing it."""

from yarl import URL

from kapsa.adapters.errors import Stalled
from kapsa.adapters.registry_session import Answer, RegistrySession
from kapsa.core.images.rights import Right


async def refusal(session: RegistrySession, challenges: list[str], right: Right) -> str:
    """Return why the registry refuses a right; nothing where it grants it.

    Args:
        session: Asks for that right and no other.
        challenges: How the registry wants to know who asks.
        right: What is to be done.

    Raises:
        Waiting: RegistryUnreachable or RateLimited.
    """
    try:
        if challenges:
            await session.authorize(challenges)
        granted = session.token.grants(right) if session.token else None
        if granted is None:
            return await _tried(session, right)
    except Stalled as error:
        return error.message
    return "" if granted else f"its token service does not grant {' and '.join(right.actions)}"


async def _tried(session: RegistrySession, right: Right) -> str:
    """Try what a registry grants that doesn't say it in a token."""
    if "push" in right.actions:
        path = f"/v2/{right.repository}/blobs/uploads/"
        answer = await session.request("POST", path)
        if answer.status != 202:
            return _said(session, answer)
        await _give_up(session, answer)
    answer = await session.request("GET", f"/v2/{right.repository}/tags/list?n=1")
    # A repository comes to be by the first push.
    return "" if answer.status in {200, 404} else _said(session, answer)


async def _give_up(session: RegistrySession, begun: Answer) -> None:
    """Cancel an upload; where the registry keeps it elsewhere, it forgets it by itself."""
    base = URL(session.base)
    try:
        upload = base.join(URL(begun.headers.get("Location", "")))
    except ValueError:
        return
    if upload.origin() == base.origin() and upload.path.startswith("/v2/"):
        await session.request("DELETE", upload.raw_path_qs)


def _said(session: RegistrySession, answer: Answer) -> str:
    return f"it answers HTTP {answer.status}.{session.words(answer)}".rstrip(".")
