"""Who may talk to the server: this page and programs, but not other pages in the same browser."""

import ipaddress
import socket
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    # Asked for again each time, so that an upgrade is seen; it costs a few bytes.
    "cache-control": "no-cache",
    # Nothing from elsewhere, nothing inline, and no frame around the page.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """Refuses what other pages send, and tells browsers to keep this one to itself.

    - A page elsewhere may send forms here. Browsers say where a request comes from (Origin, Sec-Fetch-Site); programs don't.
    - A page elsewhere may let its own name lead here (DNS rebinding), and so be of the same origin. Then Host is that name. So
      names must be known; addresses need not be, for they can't be made to lead elsewhere.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """Args:
        names: by which the server is known, besides its addresses.
        """
        self._app = app
        self._names = {name.casefold() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        problem = self._problem(scope["method"], Headers(scope=scope))
        app = JSONResponse({"detail": problem}, status_code=403) if problem else self._app
        await app(scope, receive, send_with_headers)

    def _problem(self, method: str, headers: Headers) -> str:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_known(host):
            return "this server is not known by that name; --name=NAME allows it"
        if origin is not None:
            is_foreign = urlsplit(origin).netloc != host
        else:  # a link elsewhere may lead to the page
            is_link = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
            is_foreign = headers.get("sec-fetch-site") == "cross-site" and not is_link
        return "requests of other pages are not answered" if is_foreign else ""

    def _is_known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name.casefold() in self._names:
                return True
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def own_names(more: Sequence[str] = ()) -> set[str]:
    """The names of this machine, and more."""
    return {"localhost", socket.gethostname(), socket.getfqdn(), *more}
