"""The whole path against a small OpenAI-compatible server on loopback."""

from __future__ import annotations

import json
import pickle
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from blampert_env.errors import LMError, LMUnavailable, UsageError
from blampert_env.lm import CircuitBreaker, ContextOverflow, LanguageModel, SamplePool, language_model
from blampert_env.lm.clients import OpenAIClient

MESSAGES = [{"role": "user", "content": "Write add(a, b)."}]


class Endpoint:
    """Answers with its count and the seed; ``status`` says what to answer first."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[str | None] = []
        self.status: list[int] = []
        self.error: object = {"message": "no luck", "type": "server_error"}
        self.delay_s = 0.0
        self.text = ""

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.bodies.append(body)
        self.headers.append(request.headers.get("Authorization"))
        time.sleep(self.delay_s)
        status = self.status.pop(0) if self.status else 200
        text = self.text or f"answer {len(self.bodies)} seed {body['seed']}"
        answer: object = {
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15},
        }
        data = json.dumps(answer if status == 200 else {"error": self.error}).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def lm(endpoint: Endpoint, serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LanguageModel:
    monkeypatch.setattr(language_model, "_PAUSE_S", 0.001)
    client = OpenAIClient("openai/tiny", "tiny", f"{serve(endpoint)}/v1", "sk-test", timeout_s=5.0)
    return LanguageModel("openai/tiny", client, pool=SamplePool(tmp_path / "samples.sqlite3", 4))


def ask(lm: LanguageModel, draw: int = 0, temperature: float = 0.8, **kwargs: Any) -> Any:
    return lm.complete(MESSAGES, temperature=temperature, max_tokens=50, stop=["\n```"], draw=draw, **kwargs)


def test_the_request_and_the_answer(lm: LanguageModel, endpoint: Endpoint):
    completion = ask(lm)
    body = endpoint.bodies[0]
    assert {key: body[key] for key in ("model", "messages", "temperature", "max_tokens", "stop", "top_p")} == {
        "model": "tiny",
        "messages": MESSAGES,
        "temperature": 0.8,
        "max_tokens": 50,
        "stop": ["\n```"],
        "top_p": 1.0,
    }
    assert endpoint.headers == ["Bearer sk-test"]
    assert (completion.prompt_tokens, completion.completion_tokens, completion.finish_reason) == (11, 4, "stop")
    assert not completion.cached
    assert completion.latency_s > 0
    assert "sk-test" not in repr(lm.client)


def test_draws_are_slots_of_the_pool(lm: LanguageModel, endpoint: Endpoint):
    texts = [ask(lm, draw).text for draw in range(12)]
    assert texts[0:4] == texts[4:8] == texts[8:12]
    assert len(set(texts)) == 4
    assert len({body["seed"] for body in endpoint.bodies}) == 4
    assert (lm.stats.hits, lm.stats.misses, lm.calls) == (8, 4, 4)


def test_at_temperature_zero_there_is_one_sample(lm: LanguageModel, endpoint: Endpoint):
    assert len({ask(lm, draw, temperature=0).text for draw in range(5)}) == 1
    assert len(endpoint.bodies) == 1


def test_a_pickled_copy_uses_the_same_pool(lm: LanguageModel, endpoint: Endpoint):
    first = ask(lm)
    copy = pickle.loads(pickle.dumps(lm))
    assert ask(copy).text == first.text
    assert ask(copy, 1).text != first.text
    assert len(endpoint.bodies) == 2
    copy.close()


def test_seeds_do_not_depend_on_the_address_of_the_pool(
    endpoint: Endpoint, serve: Callable[..., str], lm: LanguageModel
):
    no_pool = LanguageModel(lm.name, lm.client)
    for _ in range(2):
        ask(no_pool, 1)
    ask(lm, 1)
    assert len({body["seed"] for body in endpoint.bodies}) == 1
    other = LanguageModel(lm.name, lm.client, seed=1)
    ask(other, 1)
    assert endpoint.bodies[-1]["seed"] != endpoint.bodies[0]["seed"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_passing_trouble_is_tried_twice_more(lm: LanguageModel, endpoint: Endpoint, status: int):
    endpoint.status = [status, status]
    assert ask(lm).text.startswith("answer 3")
    endpoint.status = [status] * 3
    with pytest.raises(LMUnavailable, match=rf"answered {status}: no luck server_error \(tried 3 times\)"):
        ask(lm, 1)
    assert len(endpoint.bodies) == 6
    assert lm.circuit.failures == 1


@pytest.mark.parametrize(
    ("status", "error", "kind", "message"),
    [
        (400, {"message": "bad top_p"}, LMError, "answered 400: bad top_p"),
        (404, {"message": "model 'tiny' not found"}, LMError, "not found"),
        (401, {"message": "Invalid API Key"}, LMUnavailable, "check the API key"),
        (
            400,
            {
                "message": "request (6030 tokens) exceeds the available context size",
                "type": "exceed_context_size_error",
            },
            ContextOverflow,
            "6030 tokens",
        ),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, ContextOverflow, "8192"),
        (400, "just text", LMError, "just text"),
    ],
)
def test_a_refusal_is_not_tried_again(
    lm: LanguageModel, endpoint: Endpoint, status: int, error: object, kind: type[LMError], message: str
):
    endpoint.status, endpoint.error = [status], error
    with pytest.raises(kind, match=message) as caught:
        ask(lm)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert len(endpoint.bodies) == 1
    assert not lm.circuit.as_dict()["open"]


def test_the_circuit_opens_and_full_slots_still_answer(lm: LanguageModel, endpoint: Endpoint):
    kept = ask(lm, 0).text
    endpoint.status = [500] * 15
    for _ in range(5):
        with pytest.raises(LMUnavailable):
            ask(lm, 1)
    assert lm.circuit.as_dict()["open"] is True
    asked = len(endpoint.bodies)
    with pytest.raises(LMUnavailable, match=r"circuit is open, next try in [01]\.\d s"):
        ask(lm, 1)
    assert len(endpoint.bodies) == asked, "an open circuit asks nobody"
    assert ask(lm, 0).text == kept
    assert lm.pool is not None
    assert lm.pool.count() == 1


def test_the_circuit_closes_again(lm: LanguageModel, endpoint: Endpoint):
    now = [0.0]
    lm.breaker = CircuitBreaker(threshold=1, clock=lambda: now[0])
    endpoint.status = [500] * 3
    with pytest.raises(LMUnavailable):
        ask(lm)
    now[0] = 2.0
    assert ask(lm).text
    assert lm.circuit.state == "closed"


def test_a_time_out_is_a_failure(lm: LanguageModel, endpoint: Endpoint):
    lm.client.timeout_s = 0.05  # type: ignore[attr-defined]
    endpoint.delay_s = 0.3
    with pytest.raises(LMUnavailable, match=r"did not answer within 0\.05 s"):
        ask(lm)


def test_a_dead_address_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(language_model, "_PAUSE_S", 0.001)
    client = OpenAIClient("ollama/x", "x", "http://127.0.0.1:9/v1", hint="start it with `ollama serve`")
    with pytest.raises(LMUnavailable, match=r"not reachable at http://127.0.0.1:9/v1 .*ollama serve"):
        ask(LanguageModel("ollama/x", client))


@pytest.mark.parametrize("text", ["```python\ndef add(a, b):\n    return a + b", "    return a + b"])
def test_only_the_continuation_of_a_prefill_is_given_back(lm: LanguageModel, endpoint: Endpoint, text: str):
    messages = [*MESSAGES, {"role": "assistant", "content": "```python\ndef add(a, b):\n"}]
    with pytest.raises(UsageError, match="does not go on from an assistant message"):
        lm.complete(messages, temperature=0, max_tokens=9)
    lm.supports_prefill = True
    endpoint.text = text
    assert lm.complete(messages, temperature=0, max_tokens=9).text == "    return a + b"
    assert endpoint.bodies[-1]["messages"] == messages


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"messages": []}, "no messages"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\]"),
        ({"messages": [{"role": "user", "content": None}]}, r"messages\[0\]"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"draw": -1}, "draw"),
        ({"top_p": 0}, "top_p"),
    ],
)
def test_arguments_that_cannot_be_right(lm: LanguageModel, change: dict[str, Any], message: str):
    with pytest.raises(UsageError, match=message):
        lm.complete(**{"messages": MESSAGES, "temperature": 0.5, "max_tokens": 5, **change})


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"choices": []}', b"<html>"])
def test_an_answer_that_is_none(serve: Callable[..., str], answer: bytes):
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers["Content-Length"]))
        request.send_response(200)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    with pytest.raises(LMError, match=r"openai/x at http://.* sent no"):
        ask(LanguageModel("openai/x", OpenAIClient("openai/x", "x", f"{serve(handle)}/v1")))


def test_many_threads(lm: LanguageModel, endpoint: Endpoint):
    endpoint.delay_s = 0.02
    texts: list[tuple[int, str]] = []
    threads = [
        threading.Thread(target=lambda draw=draw: texts.append((draw % 4, ask(lm, draw).text))) for draw in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 16
    assert len(set(texts)) == 4
    assert len(endpoint.bodies) == 4
