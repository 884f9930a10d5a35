"""A gateway that behaves, in front of the service in memory, and the account that knows of it."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.secrets import Secret

Pass = Callable[[], Awaitable[None]]


def refusal(status: int, code: str) -> Response:
    id_ = str(uuid.uuid4())
    return JSONResponse(
        {"error": {"code": code, "message": code}, "request_id": id_},
        status,
        headers={"x-request-id": id_},
    )


@dataclass
class GatewayInMemory:
    """Every feature that is probed, as plainly as can be."""

    app: ASGIApp
    secrets: dict[Secret, str] = field(
        default_factory=lambda: {Secret.API_KEY: "the-key", Secret.TOKEN: "the-token"}
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body}

        path = scope["path"]
        answer = self.answer(Request(scope), path, body)
        if answer is not None:
            await answer(scope, receive_again, send)
            return
        for prefix in ("/keyed", "/authorized"):
            if path.startswith(f"{prefix}/"):
                path = path.removeprefix(prefix)
        await self.app({**scope, "path": path, "raw_path": path.encode()}, receive_again, send)

    def answer(self, request: Request, path: str, body: bytes) -> Response | None:
        """What is answered here; nothing when it is the service's turn."""
        del body
        match path.split("/")[1]:
            case "keyed":
                if request.headers.get("x-api-key") != self.secrets[Secret.API_KEY]:
                    return refusal(403, "forbidden")
            case "authorized":
                given = request.headers.get("authorization")
                if given is None:
                    return refusal(401, "unauthorized")
                if given != f"Bearer {self.secrets[Secret.TOKEN]}":
                    return refusal(403, "forbidden")
        return None


@dataclass
class InsideInMemory:
    """Keeps the promise of `loadtest.inside.Inside` for a `GatewayInMemory`."""

    gateway: GatewayInMemory

    def secret(self, which: Secret) -> str:
        return self.gateway.secrets[which]
