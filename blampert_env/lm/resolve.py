"""From a name to a language model."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.errors import LMUnavailable, UsageError
from blampert_env.lm.clients import Client, EmbeddedClient, OpenAIClient
from blampert_env.lm.language_model import LanguageModel
from blampert_env.lm.models import bundled_models
from blampert_env.lm.pool import SamplePool
from blampert_env.resources import cache_dir

if TYPE_CHECKING:
    from blampert_env.lm.shared_cache import SharedCache

logger = logging.getLogger("blampert.lm")

SAMPLES = 8


def resolve(
    name: str = "auto",
    *,
    configured: str | None = None,
    samples: int = SAMPLES,
    pool: bool | str | Path = True,
    seed: int = 0,
    timeout_s: float | None = None,
    redis_url: str | None = None,
    roles: Mapping[str, str] | None = None,
    pool_only: bool = False,
) -> LanguageModel:
    """The language model of a name. Servers are asked whether they are there; weights are fetched at the first call.

    ==========================  =====================================================================================
    name                        what it is
    ==========================  =====================================================================================
    ``auto``                    ``configured``, else ``$BLAMPERT_MODEL``, if that answers; else the embedded model
    ``embedded[/<model>]``      runs on this machine by itself; models of ``configs/models.yaml``
    ``small``, ``large``        the model that has this role, by ``roles``, else by ``configs/models.yaml``
    ``ollama[/<tag>]``, a tag   Ollama (``llama3.1:8b`` alone means ``ollama/llama3.1:8b``); ``OLLAMA_HOST``
    ``openai/<model>``          the server at ``OPENAI_API_BASE`` or ``OPENAI_BASE_URL``, with ``OPENAI_API_KEY``
    any other                   as LiteLLM reads it (``anthropic/claude-…``), with that provider's key
    ==========================  =====================================================================================

    Args:
        name: See above. ``BLAMPERT_MODEL_PATH`` makes ``embedded`` a GGUF file of yours.
        configured: What the user's configuration names; only ``auto`` reads it.
        samples: Samples kept of one request, K >= 1.
        pool: True for the shared file in the cache folder, a path for another file, False for no pool.
        seed: Another seed gives other samples.
        timeout_s: Longest wait for one answer in seconds; 600 for the embedded model, else 300.
        redis_url: A Redis server behind the pool that machines share; ``$BLAMPERT_REDIS_URL`` goes before.
        roles: Role to name of a model, before those of ``configs/models.yaml``: what strategies ask for.
        pool_only: Answers come from the pool alone: no model is fetched, started or asked, and a prompt that is not
            there is :class:`NotInPool`.

    Raises:
        UsageError: The name means nothing (the closest match is named), or the Redis address is wrong.
        LMUnavailable: It is not there; says what was tried and what to do.
    """
    if samples < 1:
        raise UsageError(f"samples must be at least 1, not {samples}")
    roles = {**bundled_models().roles, **(roles or {})}
    if pool_only and pool is False:
        raise UsageError("pool_only needs a pool: give pool=PATH")
    passed_on = {"samples": samples, "pool": pool, "seed": seed, "redis_url": redis_url, "pool_only": pool_only}
    others = Others({**passed_on, "roles": roles})
    name = roles.get(name, name)
    if name == "auto":
        name, client = _auto(configured or os.environ.get("BLAMPERT_MODEL"), timeout_s)
    else:
        name, client = _client(name, timeout_s)
    store = None
    if pool is not False:
        path = cache_dir() / "samples.sqlite3" if pool is True else Path(pool)
        store = SamplePool(path, samples, _shared(os.environ.get("BLAMPERT_REDIS_URL") or redis_url))
    prefill = isinstance(client, EmbeddedClient) or name.startswith(bundled_models().prefill)
    return LanguageModel(
        name, client, pool=store, supports_prefill=prefill, seed=seed, others=others, pool_only=pool_only
    )


@dataclass
class Others:
    """Other models for the strategies that name one, each looked up once, with the same pool and seed.

    Attributes:
        arguments: Of :func:`resolve`.
        found: Those that were asked for.
    """

    arguments: Mapping[str, Any]
    found: dict[str, LanguageModel] = field(default_factory=dict)

    def __call__(self, name: str) -> LanguageModel:
        """A model by role or name; raises as :func:`resolve`."""
        if name not in self.found:
            self.found[name] = resolve(name, **self.arguments)
        return self.found[name]


def _shared(url: str | None) -> SharedCache | None:
    if not url:
        return None
    from blampert_env.lm.shared_cache import SharedCache

    return SharedCache(url)


def _auto(configured: str | None, timeout_s: float | None) -> tuple[str, Client]:
    """The configured one if it answers, else the embedded one; the user is told which."""
    if configured is None or configured == "auto":
        return _client("embedded", timeout_s)
    try:
        return _client(configured, timeout_s)
    except LMUnavailable as error:
        name, client = _client("embedded", timeout_s)
        if configured not in _told:
            _told.add(configured)
            logger.warning("%s: using %s instead", error, name)
        return name, client


_told: set[str] = set()


def _client(name: str, timeout_s: float | None) -> tuple[str, Client]:
    kind, _, rest = name.partition("/")
    if not name.strip() or (kind in ("embedded", "ollama", "openai") and "/" in name and not rest):
        raise UsageError(f"{name!r} names no model: give for example embedded, ollama/llama3.1:8b or openai/<model>")
    if kind == "embedded":
        return _embedded(rest, timeout_s or 600.0)
    if kind == "ollama":
        return _ollama(rest or bundled_models().ollama_default, timeout_s or 300.0)
    if kind == "openai":
        return _openai(rest, timeout_s or 300.0)
    if "/" not in name:
        if ":" in name:
            return _ollama(name, timeout_s or 300.0)
        if name in bundled_models().embedded:
            raise UsageError(f"{name!r} is an embedded model: call it embedded/{name}")
    return _litellm(name, timeout_s or 300.0)


def _embedded(model: str, timeout_s: float) -> tuple[str, Client]:
    from dataclasses import replace

    from blampert_env.lm.weights import user_weights

    config = bundled_models()
    path = user_weights() if not model else None
    spec = config.model(model or config.default)
    if path is not None:
        spec = replace(spec, name=path.stem)
    return f"embedded/{spec.name}", EmbeddedClient(spec, path, timeout_s)


def _ollama(tag: str, timeout_s: float) -> tuple[str, Client]:
    url = os.environ.get("OLLAMA_HOST") or bundled_models().ollama_url
    url = (url if "://" in url else f"http://{url}").rstrip("/").replace("//0.0.0.0", "//127.0.0.1")
    models = _ollama_models(url)
    digest = models.get(tag) or models.get(f"{tag}:latest")
    if digest is None:
        have = f"; it has {', '.join(sorted(models)[:5])}" if models else ""
        raise LMUnavailable(f"Ollama at {url} does not have {tag}: run `ollama pull {tag}`{have}, or use lm=embedded")
    hint = "start it with `ollama serve`, or use lm=embedded"
    return f"ollama/{tag}", OpenAIClient(f"ollama/{tag}", tag, f"{url}/v1", "", timeout_s, hint, digest)


def _ollama_models(url: str) -> dict[str, str]:
    """Tag -> digest of the models that Ollama has; asked within a second."""
    import httpx

    try:
        reply = httpx.get(f"{url}/api/tags", timeout=1.0)
        return {str(model["name"]): str(model["digest"]) for model in reply.json()["models"]}
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        raise LMUnavailable(
            f"Ollama does not answer at {url} ({why}): start it with `ollama serve`, or use lm=embedded"
        ) from error
    except (httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise LMUnavailable(f"what answers at {url} is not Ollama; set OLLAMA_HOST, or use lm=embedded") from error


def _openai(model: str, timeout_s: float) -> tuple[str, Client]:
    """A server of the user's is asked by us; OpenAI itself through LiteLLM, which knows what each model refuses."""
    import httpx

    base = os.environ.get("OPENAI_API_BASE") or os.environ.get("OPENAI_BASE_URL")
    name = f"openai/{model}"
    if not model:
        raise UsageError("'openai' names no model: give openai/<model>")
    if not base:
        return _litellm(name, timeout_s)
    base = base.rstrip("/")
    key = os.environ.get("OPENAI_API_KEY", "")
    try:
        httpx.get(f"{base}/models", headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=2.0)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise LMUnavailable(
            f"no OpenAI-compatible server answers at {base} ({why}): start it, set OPENAI_API_BASE, or use lm=embedded"
        ) from error
    return name, OpenAIClient(name, model, base, key, timeout_s, "check OPENAI_API_BASE")


def _litellm(name: str, timeout_s: float) -> tuple[str, Client]:
    """Any other name: LiteLLM must know its provider, and the provider's key must be set."""
    from blampert_env.lm.litellm_client import LiteLLMClient, load_litellm

    litellm = load_litellm()
    try:
        litellm.get_llm_provider(name)
    except litellm.BadRequestError as error:
        raise UsageError(
            f"unknown language model {name!r}: give auto, embedded, ollama/<tag>, openai/<model> or a LiteLLM name"
        ) from error
    missing = litellm.validate_environment(name)["missing_keys"]
    if missing:
        raise LMUnavailable(f"{name} needs {' and '.join(missing)} in the environment: set it, or use lm=embedded")
    return name, LiteLLMClient(name, timeout_s)
