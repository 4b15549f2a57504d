"""The dashboard as a web application: one page, its files, and what it asks for as JSON."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware
from jinja2 import Environment, FileSystemLoader

from blampert_env.errors import BlampertError, UsageError
from blampert_env.telemetry.dashboard.assets import HERE, load_assets
from blampert_env.telemetry.dashboard.board import Board
from blampert_env.telemetry.dashboard.steps import step_text
from blampert_env.telemetry.exporter.http import metrics_routes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(board: Board, guard: Middleware) -> web.Application:
    """The application.

    ==================================  ==================================================================
    ``GET /``                           the page
    ``GET /static/<version>/<file>``    its files
    ``GET /api/runs``                   every run, and which one is shown first
    ``GET /api/runs/<run>``             everything the page shows of a run but its texts; 304 if unchanged
    ``GET /api/runs/<run>/quality``     code quality of its edits
    ``GET /api/runs/<run>/steps/<id>``  diff, source and test output of a step
    ``GET /metrics`` ...                as the exporter's, of the run that is shown first
    ==================================  ==================================================================

    Args:
        board: The runs.
        guard: :func:`blampert_env.telemetry.web.guard.guard`, which every request passes first.

    Raises:
        UsageError: plotly is not installed.
    """
    app = web.Application(middlewares=[guard, _errors])
    app.add_routes([*_page(), *_data(board), *metrics_routes(board.status)])
    return app


def _page() -> list[web.RouteDef]:
    assets = load_assets()
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
    text = templates.get_template("index.html").render(version=assets.version, reserved_id=assets.reserved_id)

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    async def static(request: web.Request) -> web.Response:
        found = assets.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        newest = request.match_info["version"] == assets.version
        cache = "public, max-age=31536000, immutable" if newest else "no-store"
        return web.Response(body=found[0], content_type=found[1], charset="utf-8", headers={"Cache-Control": cache})

    return [web.get("/", page), web.get("/static/{version}/{name}", static)]


def _data(board: Board) -> list[web.RouteDef]:
    def list_runs() -> dict[str, Any]:
        current = board.current()
        return {"runs": [run.describe() for run in board.runs()[:200]], "current": current.id if current else None}

    async def runs(request: web.Request) -> web.Response:
        return _json(request, await asyncio.to_thread(list_runs))

    async def overview(request: web.Request) -> web.Response:
        name = request.match_info["run"]
        return _json(request, await asyncio.to_thread(lambda: board.overview(board.find(name))))

    async def quality(request: web.Request) -> web.Response:
        run = await asyncio.to_thread(board.find, request.match_info["run"])
        try:
            return _json(request, await asyncio.to_thread(board.quality, run))
        except UsageError as error:  # the tools are not installed: the page says so in that figure's place
            return _json(request, {"missing": str(error)})

    async def step(request: web.Request) -> web.Response:
        name, number = request.match_info["run"], int(request.match_info["id"])
        return _json(request, await asyncio.to_thread(lambda: step_text(board.find(name), number)))

    return [
        web.get("/api/runs", runs),
        web.get("/api/runs/{run}", overview),
        web.get("/api/runs/{run}/quality", quality),
        web.get(r"/api/runs/{run}/steps/{id:\d{1,18}}", step),
    ]


def _json(request: web.Request, content: Mapping[str, Any]) -> web.Response:
    """JSON with an ETag; 304 without a body where the client has the same."""
    body = json.dumps(content, allow_nan=False).encode()
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    if f'"{tag}"' in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of ours as one line of JSON."""
    try:
        return await handler(request)
    except UsageError as error:
        return web.json_response({"error": str(error)}, status=404)
    except BlampertError as error:
        return web.json_response({"error": str(error)}, status=500)
