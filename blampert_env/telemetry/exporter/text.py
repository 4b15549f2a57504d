"""The status document as Prometheus metrics, named as Prometheus has it: base units, ``_total``, ``_seconds``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from blampert_env.telemetry.exporter.figures import BUCKETS_S

Document = Mapping[str, Any]


def registry_of(document: Callable[[], Document | None], *collectors: Collector) -> CollectorRegistry:
    """A registry of the document's metrics, and of ``collectors``."""
    registry = CollectorRegistry(auto_describe=False)
    for collector in (StatusCollector(document), *collectors):
        registry.register(collector)
    return registry


class StatusCollector(Collector):
    """Turns the document into metrics at each scrape.

    Args:
        document: Gives it; None where there is no run.
    """

    def __init__(self, document: Callable[[], Document | None]) -> None:
        self._document = document

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on the run."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every metric."""
        document = self._document()
        if document is not None:
            yield from _training(document)
            yield from _tests(document)
            yield from _language_model(document)
            yield from _bus(document)


def _training(document: Document) -> Iterable[Metric]:
    yield InfoMetricFamily("blampert_run", "The run.", value={"run": document["run"], **document["labels"]})
    yield _gauge("blampert_run_running", "1 while the run goes on.", document["state"] == "running")
    yield _gauge("blampert_run_start_timestamp_seconds", "Unix time at which it started.", document["started"])
    steps = CounterMetricFamily("blampert_steps", "Training steps.", labels=("project", "strategy"))
    kept = CounterMetricFamily("blampert_edits_kept", "Edits that were kept.", labels=("project", "strategy"))
    reward = GaugeMetricFamily(
        "blampert_reward_sum", "Sum of rewards; may fall, hence a gauge.", labels=("project", "strategy")
    )
    for project, strategy, count, total, accepted in document["steps"]:
        steps.add_metric((project, strategy), count)
        kept.add_metric((project, strategy), accepted)
        reward.add_metric((project, strategy), total)
    yield from (steps, kept, reward)
    yield _gauge("blampert_reward_mean", "Mean reward of a step over the whole run.", document["rl"]["avg_reward"])
    outcomes = CounterMetricFamily("blampert_outcomes", "Steps by what came of them.", labels=("outcome",))
    for outcome, count in document["outcomes"].items():
        outcomes.add_metric((outcome,), count)
    yield outcomes
    episodes = CounterMetricFamily("blampert_episodes", "Episodes that ended.", labels=("project", "result"))
    for project, solved, count in document["episodes"]:
        episodes.add_metric((project, "solved" if solved else "unsolved"), count)
    yield episodes
    scalars = GaugeMetricFamily("blampert_training_scalar", "The trainer's newest numbers.", labels=("tag",))
    for tag, value in document["scalars"].items():
        scalars.add_metric((tag,), value)
    yield scalars


def _tests(document: Document) -> Iterable[Metric]:
    families = [
        GaugeMetricFamily("blampert_tests_passed", "Visible tests passed after the newest step.", labels=("project",)),
        GaugeMetricFamily("blampert_tests_passed_best", "Most that passed in this process.", labels=("project",)),
        GaugeMetricFamily("blampert_tests", "Visible tests there are.", labels=("project",)),
    ]
    for project, row in document["tests"].items():
        for family, value in zip(families, row, strict=True):
            family.add_metric((project,), value)
    yield from families


def _language_model(document: Document) -> Iterable[Metric]:
    calls = CounterMetricFamily("blampert_lm_calls", "Answers, by where they came from.", labels=("source",))
    for source, count in document["lm_calls"].items():
        calls.add_metric((source,), count)
    tokens = CounterMetricFamily("blampert_lm_tokens", "Tokens.", labels=("kind",))
    for kind, count in document["tokens"].items():
        tokens.add_metric((kind,), count)
    yield from (calls, tokens)
    yield _histogram(
        "blampert_lm_latency_seconds", "Time of an answer that the LM itself gave.", document["lm_latency"]
    )
    yield _histogram("blampert_grading_seconds", "Time of a grading.", document["grading"])
    yield CounterMetricFamily(
        "blampert_step_overhead_seconds", "Time of steps beside the LM and grading.", value=document["overhead_s"]
    )
    circuit = document["lm_circuit"]
    yield _gauge("blampert_lm_circuit_open", "1 while no call may go out.", circuit["open"])
    yield _gauge("blampert_lm_circuit_retry_seconds", "Until the next try.", circuit["next_retry_sec"])


def _bus(document: Document) -> Iterable[Metric]:
    dead = GaugeMetricFamily("blampert_dlq_messages", "Messages in the dead-letter queue.", labels=("topic",))
    for topic, count in document["dlq"]["by_topic"].items():
        dead.add_metric((topic,), count)
    yield dead
    if document["dlq"]["last_ts"] is not None:
        yield _gauge("blampert_dlq_last_timestamp_seconds", "Unix time of the newest.", document["dlq"]["last_ts"])
    waiting = GaugeMetricFamily(
        "blampert_bus_subscriber_messages", "Messages that wait for a subscriber.", labels=("topic", "subscriber")
    )
    for topic, depths in document["bus"]["topics"].items():
        for number, depth in enumerate(depths):
            waiting.add_metric((topic, str(number)), depth)
    yield waiting
    groups = GaugeMetricFamily(
        "blampert_bus_group_messages", "Messages a group has not acknowledged.", labels=("topic", "group")
    )
    for topic, members in document["bus"]["groups"].items():
        for group, depths in members.items():
            groups.add_metric((topic, group), sum(depths))
    yield groups


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _histogram(name: str, text: str, durations: Mapping[str, Any]) -> Metric:
    """Prometheus counts buckets cumulatively."""
    cumulative, buckets = 0, []
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), durations["counts"], strict=True):
        cumulative += count
        buckets.append((bound, cumulative))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=durations["sum_s"])
