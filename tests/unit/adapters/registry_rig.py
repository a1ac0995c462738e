"""A registry on loopback that gives rights to one user, by basic authentication or by tokens."""

import base64
import json
from dataclasses import dataclass, field

from aiohttp import web

from kapsa.adapters.credentials import Credentials
from kapsa.core.images.rights import Right

CANARY = "canary-t0ken"
ADA = Credentials("ada", CANARY)
UPLOAD = "/v2/acme/shop/blobs/uploads/7?_state=a%3D%3D"


def error(status: int, code: str, message: str = "said so", **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"errors": [{"code": code, "message": message}]}
    return web.json_response(body, status=status, headers=named)


def jwt(claims: dict[str, object]) -> str:
    """Return claims as the token that they would be in; nobody has signed it."""
    packed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{packed}.c2lnbmVk"


@dataclass
class RightsRegistry:
    """Lets ada do what is granted, and strangers nothing.

    Attributes:
        granted: Actions by repository.
        tokens: `""` for basic authentication, `jwt` for tokens that say what they are good for,
            `opaque` for tokens that don't.
        begun: Uploads that were begun and not given up.
        requests: What was asked of the registry itself.
        scopes: What the token service was asked for.
    """

    granted: dict[str, tuple[str, ...]]
    tokens: str = ""
    location: str = UPLOAD
    begun: int = 0
    requests: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        if request.path == "/token":
            return self._token(request, given)
        self.requests.append(f"{request.method} {request.path_qs}")
        if self.tokens:
            realm = f'Bearer realm="{request.url.origin()}/token",service="reg"'
        else:
            realm = 'Basic realm="reg"'
        known = given == f"Basic {ADA.basic}" or given.startswith("Bearer e30.")
        if not known:
            return error(401, "UNAUTHORIZED", WWW_Authenticate=realm)
        return self._answer(request)

    def _token(self, request: web.Request, given: str) -> web.Response:
        scope = request.query.get("scope", "")
        self.scopes.append(scope)
        if given != f"Basic {ADA.basic}":
            return error(401, "UNAUTHORIZED")
        access: list[dict[str, object]] = []
        if scope:
            kind, name, actions = scope.split(":")
            may = [action for action in actions.split(",") if action in self.granted.get(name, ())]
            access = [{"type": kind, "name": name, "actions": may}]
        claims: dict[str, object] = {"access": access} if self.tokens == "jwt" else {}
        return web.json_response({"token": jwt(claims), "expires_in": 300})

    def _answer(self, request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.json_response({})
        name = request.path.removeprefix("/v2/").partition("/blobs/")[0].partition("/tags/")[0]
        if request.method == "DELETE":
            self.begun -= 1
            return web.Response(status=204)
        action = "push" if request.method == "POST" else "pull"
        if action not in self.granted.get(name, ()):
            return error(403, "DENIED", f"no {action}")
        if request.method == "POST":
            self.begun += 1
            return web.Response(status=202, headers={"Location": self.location})
        return error(404, "NAME_UNKNOWN")


def push(repository: str) -> Right:
    return Right(repository, ("pull", "push"))
