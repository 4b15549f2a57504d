"""An OpenAI-compatible server for the ``serve`` fixture: real HTTP, answers from a function. For unit tests only."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any


class ChatServer:
    """Handles the requests of one server.

    Args:
        answer: Body of a request to the text of its answer, or to a status above 200 to refuse it with.

    Attributes:
        bodies: What was asked so far, in the order of arrival.
        most: Most requests that were under way at once.
        delay_s: What an answer takes.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], str | int] = lambda body: f"seed {body['seed']}") -> None:
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []
        self.most = self._now = 0
        self.delay_s = 0.0
        self._lock = threading.Lock()

    @property
    def prompts(self) -> list[str]:
        """The user's messages of what was asked."""
        return [body["messages"][0]["content"] for body in self.bodies]

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        status, reply = 200, {}
        if request.command == "POST":
            body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
            with self._lock:
                self.bodies.append(body)
                self._now += 1
                self.most = max(self.most, self._now)
            time.sleep(self.delay_s)
            status, reply = self._reply(body)
            with self._lock:
                self._now -= 1
        data = json.dumps(reply).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _reply(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        said = self.answer(body)
        if isinstance(said, int):
            return said, {"error": {"message": "no luck", "type": "refused"}}
        choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        return 200, {"choices": [choice], "usage": {"prompt_tokens": 11, "completion_tokens": 4}}
