"""LiteLLM against a server on loopback; slow because its import takes seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from blampert_env.errors import LMError, LMUnavailable
from blampert_env.lm import ContextOverflow, LanguageModel, language_model, resolve

pytestmark = pytest.mark.slow

MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture
def bodies() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def make_lm(
    serve: Callable[..., str], bodies: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., LanguageModel]:
    """``make_lm(status, message)``: a model whose server answers so (200 answers)."""
    monkeypatch.setattr(language_model, "_PAUSE_S", 0.001)

    def make(status: int = 200, message: str = "") -> LanguageModel:
        def handle(request: BaseHTTPRequestHandler) -> None:
            bodies.append(json.loads(request.rfile.read(int(request.headers["Content-Length"]))))
            answer: dict[str, Any] = {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": "tiny",
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "length"}
                ],
                "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
            }
            data = json.dumps(answer if status == 200 else {"error": {"message": message}}).encode()
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data)

        monkeypatch.setenv("HOSTED_VLLM_API_BASE", f"{serve(handle)}/v1")
        monkeypatch.setenv("HOSTED_VLLM_API_KEY", "sk-test")
        return resolve("hosted_vllm/tiny", pool=False)

    return make


def test_the_request_and_the_answer(make_lm: Callable[..., LanguageModel], bodies: list[dict[str, Any]]):
    lm = make_lm()
    assert lm.name == "hosted_vllm/tiny"
    completion = lm.complete(MESSAGES, temperature=0.5, max_tokens=2, stop=["x"], draw=3)
    assert (completion.text, completion.finish_reason) == ("hello", "length")
    assert (completion.prompt_tokens, completion.completion_tokens) == (9, 2)
    (body,) = bodies
    assert (body["temperature"], body["max_tokens"], body["stop"]) == (0.5, 2, ["x"])
    assert body["messages"] == MESSAGES


@pytest.mark.parametrize(
    ("status", "message", "kind", "requests"),
    [
        (429, "slow down", LMUnavailable, 3),
        (500, "oops", LMUnavailable, 3),
        (401, "bad key", LMUnavailable, 1),
        (400, "no such option", LMError, 1),
        (400, "This model's maximum context length is 8192 tokens", ContextOverflow, 1),
    ],
)
def test_errors(
    make_lm: Callable[..., LanguageModel],
    bodies: list[dict[str, Any]],
    status: int,
    message: str,
    kind: type[LMError],
    requests: int,
):
    with pytest.raises(kind, match=message.split("'")[0]) as caught:
        make_lm(status, message).complete(MESSAGES, temperature=0, max_tokens=2)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert len(bodies) == requests
