"""Who may ask a server on this machine: the host it calls it by, the site it comes from, the token it brings.

A web page elsewhere can make a visitor's browser ask 127.0.0.1. Such requests are told by the ``Host`` they name (DNS
rebinding), by ``Origin`` and by ``Sec-Fetch-Site``, and get 403.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

LOOPBACK = "127.0.0.1"
COOKIE = "blampert_token"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """Whether an address to listen at can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def guard(*, names: Collection[str] = LOCAL_NAMES, any_address: bool = False, token: str | None = None) -> Middleware:
    """A middleware that lets good requests pass and puts :data:`HEADERS` on every answer.

    Args:
        names: Host names and addresses that this server may be called by.
        any_address: An IP address as ``Host`` is fine, too: rebinding needs a name.
        token: What a client must bring, as ``Authorization: Bearer <token>``, or once as ``?token=<token>``, which
            becomes a cookie; None asks for nothing.
    """
    # the cookie is not the token: whoever reads a browser's cookies cannot log in elsewhere or after a restart
    session = hashlib.sha256(secrets.token_bytes(32) + (token or "").encode()).hexdigest()

    def refusal(request: web.Request) -> str | None:
        host = _host_name(request.host)
        if host not in names and not (any_address and _is_address(host)):
            return f"host {host!r} is not served here"
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            return "requests from other sites are refused"
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in ("same-origin", "none") and not _is_visit(request):
            return "requests from other sites are refused"
        return None

    def known(request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        bearer = scheme.lower() == "bearer" and same(given.strip(), token or "")
        return bearer or same(request.cookies.get(COOKIE, ""), session)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if reason := refusal(request):
            return _headed(web.Response(status=403, text=f"403: {reason}\n"))
        if token is not None and not known(request):
            if "token" in request.query and same(request.query["token"], token):
                # away from the address bar, the history and the logs
                response = web.Response(status=303, headers={"Location": request.path})
                response.set_cookie(COOKIE, session, httponly=True, samesite="Strict", path="/")
                return _headed(response)
            challenge = {"WWW-Authenticate": "Bearer"}
            text = "401: this monitor needs its token: open the address that it printed, ?token=... included\n"
            return _headed(web.Response(status=401, text=text, headers=challenge))
        try:
            return _headed(await handler(request))
        except web.HTTPException as error:
            return _headed(web.Response(status=error.status, text=f"{error.status}: {error.reason}\n"))

    return check


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how much of them is."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _headed(response: web.StreamResponse) -> web.StreamResponse:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _is_visit(request: web.Request) -> bool:
    """A link on another site that a person follows: a page of its own, which tells that site nothing."""
    wanted = ("navigate", "document")
    return request.method == "GET" and (
        (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")) == wanted
    )


def _host_name(host: str) -> str:
    """``127.0.0.1:8080`` to ``127.0.0.1``, ``[::1]:8080`` to ``::1``; "" for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
