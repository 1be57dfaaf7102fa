"""Headers that keep what strangers wrote harmless in a reader's browser."""

from collections.abc import Awaitable, Callable
from typing import Any

from datasette import hookimpl
from datasette.app import Datasette

from archive.site.app import reopen_replaced
from archive.site.limits import limited
from archive.site.tables import speaking

Asgi = Callable[
    [dict[str, Any], Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]], Awaitable[None]
]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
}


@hookimpl
def asgi_wrapper(datasette: Datasette) -> Callable[[Asgi], Asgi]:
    """Add security headers to every answer, count costly requests, and read the database that is in place now."""
    return lambda app: secured(limited(speaking(app)), datasette)


def secured(app: Asgi, datasette: Datasette) -> Asgi:
    """Return the application with the security headers on each of its answers."""

    async def with_headers(
        scope: dict[str, Any],
        receive: Callable[..., Awaitable[Any]],
        send: Callable[..., Awaitable[Any]],
    ) -> None:
        async def send_with_headers(event: dict[str, Any]) -> None:
            if event["type"] == "http.response.start":
                present = {name.lower() for name, _ in event.get("headers", [])}
                added = {**HEADERS, "content-security-policy": POLICY}
                event["headers"] = [
                    *event.get("headers", []),
                    *((k.encode(), v.encode()) for k, v in added.items() if k.encode() not in present),
                ]
            await send(event)

        if scope["type"] == "http":
            reopen_replaced(datasette)
        await app(scope, receive, send_with_headers if scope["type"] == "http" else send)

    return with_headers
