from __future__ import annotations

import json
import logging
import pickle
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from blampert_env.errors import LMUnavailable, UsageError
from blampert_env.lm import LanguageModel, resolve
from blampert_env.lm.clients import EmbeddedClient, OpenAIClient
from blampert_env.lm.models import bundled_models

LITELLM = pytest.mark.slow  # its import takes seconds
DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def clean(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's settings, and no server anywhere."""
    for name in ("BLAMPERT_MODEL", "BLAMPERT_MODEL_PATH", "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", DEAD)
    monkeypatch.setenv("OPENAI_API_BASE", f"{DEAD}/v1")


def ollama(*tags: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def handle(request: BaseHTTPRequestHandler) -> None:
        data = json.dumps({"models": [{"name": tag, "digest": f"sha-{tag}"} for tag in tags]}).encode()
        request.send_response(200 if request.path == "/api/tags" else 404)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return handle


@pytest.mark.parametrize(
    ("name", "resolved"),
    [
        ("auto", "embedded/qwen2.5-coder-0.5b"),
        ("embedded", "embedded/qwen2.5-coder-0.5b"),
        ("embedded/smollm2-135m", "embedded/smollm2-135m"),
        ("embedded/qwen2.5-coder-1.5b", "embedded/qwen2.5-coder-1.5b"),
        ("small", "embedded/qwen2.5-coder-0.5b"),
        ("large", "embedded/qwen2.5-coder-1.5b"),
    ],
)
def test_embedded_names(name: str, resolved: str, cache: Path, caplog: pytest.LogCaptureFixture):
    lm = resolve(name)
    assert lm.name == resolved
    assert lm.supports_prefill
    assert pickle.loads(pickle.dumps(lm)).name == resolved
    assert not cache.exists(), "resolving fetches and writes nothing"
    assert caplog.records == []


def test_a_role_is_what_the_user_says_before_what_the_configuration_says():
    lm = resolve("large", roles={"large": "embedded/smollm2-135m", "tiny": "embedded/smollm2-135m"}, pool=False)
    assert lm.name == "embedded/smollm2-135m"
    assert lm.other("large") is lm.other("large"), "looked up once"
    assert lm.other("tiny").name == "embedded/smollm2-135m"
    assert lm.other("small").name == "embedded/qwen2.5-coder-0.5b"


def test_other_models_share_pool_and_seed(cache: Path):
    lm = pickle.loads(pickle.dumps(resolve("small", samples=3, pool=cache / "mine.sqlite3", seed=7)))
    assert lm.other("") is lm
    assert lm.other(lm.name) is lm
    other = lm.other("large")
    assert (other.seed, other.pool.samples, other.pool.path) == (7, 3, cache / "mine.sqlite3")
    with pytest.raises(UsageError, match=r"did you mean 'qwen2\.5-coder-1\.5b'"):
        lm.other("embedded/qwen2.5-coder-1.5")


def test_a_model_made_by_hand_knows_no_other():
    lm = LanguageModel("mine", EmbeddedClient(bundled_models().model("smollm2-135m"), None, 1.0))
    with pytest.raises(UsageError, match="asks 'large', and only mine was given"):
        lm.other("large")


def test_the_identity_of_embedded_weights_is_their_hash():
    assert resolve("embedded").client.identity().startswith("gguf:1d9614638d18")


def test_a_file_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "mine-1b.gguf"
    path.write_bytes(b"GGUF")
    monkeypatch.setenv("BLAMPERT_MODEL_PATH", str(path))
    lm = resolve("embedded")
    assert lm.name == "embedded/mine-1b"
    assert isinstance(lm.client, EmbeddedClient)
    assert lm.client.path == path
    assert resolve("embedded/smollm2-135m").name == "embedded/smollm2-135m"


@pytest.mark.parametrize("name", ["ollama", "ollama/llama3.1:8b", "llama3.1:8b"])
def test_ollama_names(name: str, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    url = serve(ollama("llama3.1:8b", "qwen3:latest"))
    monkeypatch.setenv("OLLAMA_HOST", url.removeprefix("http://"))
    lm = resolve(name)
    assert lm.name == "ollama/llama3.1:8b"
    assert isinstance(lm.client, OpenAIClient)
    assert lm.client.base_url == f"{url}/v1"
    assert lm.client.identity() == "ollama/llama3.1:8b@sha-llama3.1:8b"
    assert resolve("ollama/qwen3").name == "ollama/qwen3"


def test_a_model_that_ollama_does_not_have(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OLLAMA_HOST", serve(ollama("qwen3:8b")))
    with pytest.raises(LMUnavailable, match=r"run `ollama pull llama3.1:8b`; it has qwen3:8b"):
        resolve("ollama")


def test_what_answers_is_not_ollama(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"hi")

    monkeypatch.setenv("OLLAMA_HOST", serve(handle))
    with pytest.raises(LMUnavailable, match="is not Ollama"):
        resolve("ollama")


def test_a_silent_ollama_is_given_up_within_a_second_or_so(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OLLAMA_HOST", serve(lambda request: time.sleep(3)))
    start = time.monotonic()
    with pytest.raises(LMUnavailable, match="does not answer"):
        resolve("ollama")
    assert time.monotonic() - start < 2.5


def test_an_openai_compatible_server(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    url = serve(ollama())  # any HTTP answer will do, 404 included
    monkeypatch.setenv("OPENAI_API_BASE", f"{url}/v1/")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    lm = resolve("openai/my-model")
    assert lm.name == "openai/my-model"
    assert isinstance(lm.client, OpenAIClient)
    assert (lm.client.model, lm.client.base_url, lm.client.api_key) == ("my-model", f"{url}/v1", "sk-test")
    assert not lm.supports_prefill


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ollama/llama3.1:8b", r"Ollama does not answer at http://127.0.0.1:9 .*ollama serve.*lm=embedded"),
        ("openai/x", r"no OpenAI-compatible server answers at http://127.0.0.1:9/v1 .*OPENAI_API_BASE"),
        pytest.param("anthropic/claude-sonnet-4-5", r"needs ANTHROPIC_API_KEY", marks=LITELLM),
    ],
)
def test_what_is_not_there_says_what_to_do(name: str, message: str):
    with pytest.raises(LMUnavailable, match=message) as caught:
        resolve(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("embedded/qwen2.5-code-0.5b", "did you mean 'qwen2.5-coder-0.5b'"),
        ("embedded/", "names no model"),
        ("openai/", "names no model"),
        ("openai", "names no model"),
        ("", "names no model"),
        ("qwen2.5-coder-0.5b", "call it embedded/qwen2.5-coder-0.5b"),
        pytest.param("nobody-knows-this", "unknown language model 'nobody-knows-this'", marks=LITELLM),
    ],
)
def test_names_that_mean_nothing(name: str, message: str):
    with pytest.raises(UsageError, match=message) as caught:
        resolve(name)
    assert "\n" not in str(caught.value)


def test_auto_takes_the_configured_model_if_it_answers(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OLLAMA_HOST", serve(ollama("llama3.1:8b")))
    assert resolve("auto", configured="llama3.1:8b").name == "ollama/llama3.1:8b"
    monkeypatch.setenv("BLAMPERT_MODEL", "ollama")
    assert resolve().name == "ollama/llama3.1:8b"


def test_auto_says_once_that_it_fell_back(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    import importlib

    monkeypatch.setattr(importlib.import_module("blampert_env.lm.resolve"), "_told", set())
    with caplog.at_level(logging.WARNING, "blampert.lm"):
        for _ in range(3):
            assert resolve("auto", configured="llama3.1:8b").name == "embedded/qwen2.5-coder-0.5b"
    assert len(caplog.records) == 1
    assert "Ollama does not answer" in caplog.text
    assert "using embedded/qwen2.5-coder-0.5b instead" in caplog.text


def test_auto_does_not_hide_a_wrong_name():
    with pytest.raises(UsageError):
        resolve("auto", configured="embedded/nope")


def test_pools(cache: Path, tmp_path: Path):
    shared, own, none = resolve(), resolve(pool=tmp_path / "x.sqlite3", samples=2), resolve(pool=False)
    assert shared.pool is not None
    assert shared.pool.path == cache / "samples.sqlite3"
    assert shared.pool.samples == 8
    assert own.pool is not None
    assert (own.pool.path, own.pool.samples) == (tmp_path / "x.sqlite3", 2)
    assert none.pool is None
    with pytest.raises(UsageError, match="samples must be at least 1"):
        resolve(samples=0)
