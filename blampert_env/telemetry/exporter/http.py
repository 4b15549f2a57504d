"""The routes of ``/metrics``, ``/health`` and ``/ready``: the exporter has them, and the dashboard's server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from blampert_env.errors import BlampertError
from blampert_env.telemetry.exporter.figures import NO_BUS
from blampert_env.telemetry.exporter.text import registry_of

Document = Mapping[str, Any]
SHARED_S = 0.1
"""Scrapes that come so close together get one answer: 50 scrapers cost a training no more than one does."""
_SHAPE = ("lm_circuit", "rl", "dlq", "bus")
_NO_RUN = {
    "lm_circuit": {"open": False, "next_retry_sec": 0.0},
    "rl": {"avg_reward": 0.0, "steps": 0},
    **NO_BUS,
}


def metrics_routes(document: Callable[[], Document | None], *collectors: Collector) -> list[web.RouteDef]:
    """Routes that answer with the status document.

    ============================  =============================================================================
    ``GET /metrics``              JSON; Prometheus or OpenMetrics text where ``Accept`` prefers it, as a scraper's does
    ``GET /metrics.json``         JSON: ``lm_circuit``, ``rl``, ``dlq``, ``bus``
    ``GET /metrics/prometheus``   text, OpenMetrics where ``Accept`` names it
    ``GET /health``               200 as long as the process serves
    ``GET /ready``                200 while a run goes on and its LM's circuit is closed, else 503 and why
    ============================  =============================================================================

    Args:
        document: Gives the status document; None where there is no run.
        collectors: Further Prometheus collectors.
    """
    registry = registry_of(document, *collectors)
    shared: dict[Any, tuple[float, bytes, str]] = {}

    def once(key: Any, render: Callable[[], tuple[bytes, str]]) -> web.Response:
        kept = shared.get(key)
        if kept is None or time.monotonic() - kept[0] > SHARED_S:
            try:
                kept = shared[key] = (time.monotonic(), *render())
            except BlampertError as error:  # such as a bus that cannot be read
                return web.Response(status=503, text=f"503: {error}\n")
            if len(shared) > 16:  # Accept headers are the client's; keep few
                shared.clear()
        return web.Response(body=kept[1], headers={"Content-Type": kept[2], "Cache-Control": "no-store"})

    def render_json() -> tuple[bytes, str]:
        status = document() or _NO_RUN
        text = json.dumps({name: status[name] for name in _SHAPE})
        return text.encode(), "application/json"

    async def as_json(request: web.Request) -> web.Response:
        return once("json", render_json)

    async def as_text(request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")

        def render() -> tuple[bytes, str]:
            encode, content_type = choose_encoder(accept)
            return encode(registry), content_type

        return once(accept, render)

    async def negotiated(request: web.Request) -> web.Response:
        response = await (as_text if prefers_text(request.headers.get("Accept", "")) else as_json)(request)
        response.headers["Vary"] = "Accept"
        return response

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(request: web.Request) -> web.Response:
        reason = _not_ready(document())
        return web.json_response({"ready": not reason, "reason": reason}, status=503 if reason else 200)

    return [
        web.get("/metrics", negotiated),
        web.get("/metrics.json", as_json),
        web.get("/metrics/prometheus", as_text),
        web.get("/health", health),
        web.get("/ready", ready),
    ]


def _not_ready(status: Document | None) -> str:
    if status is None:
        return "no run yet"
    if status["state"] != "running":
        return f"the run is {status['state']}"
    if status["lm_circuit"]["open"]:
        return f"the LM does not answer; next try in {status['lm_circuit']['next_retry_sec']:.1f} s"
    return ""


def prefers_text(accept: str) -> bool:
    """Whether an ``Accept`` header would rather have a scraper's text than JSON; ``*/*`` and none mean JSON."""
    best = {"text": 0.0, "json": 0.0, "any": 0.0}
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if kind := _KINDS.get(name):
            best[kind] = max(best[kind], quality)
    return best["text"] > best["json"] and best["text"] >= best["any"]


_KINDS = {
    "text/plain": "text",
    "application/openmetrics-text": "text",
    "application/json": "json",
    "application/*": "any",
    "*/*": "any",
}
