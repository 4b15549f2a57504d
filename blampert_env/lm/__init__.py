"""Language models: which one, its weights, its server, its circuit breaker and its sample pool. Knows no project."""

from __future__ import annotations

from blampert_env.lm.circuit import CircuitBreaker, CircuitState
from blampert_env.lm.completion import Completion, ContextOverflow, Messages, NotInPool
from blampert_env.lm.language_model import LanguageModel
from blampert_env.lm.pool import PoolStats, SamplePool
from blampert_env.lm.resolve import resolve
from blampert_env.lm.scripted import ScriptedLM

__all__ = [
    "CircuitBreaker",
    "CircuitState",
    "Completion",
    "ContextOverflow",
    "LanguageModel",
    "Messages",
    "NotInPool",
    "PoolStats",
    "SamplePool",
    "ScriptedLM",
    "resolve",
]
