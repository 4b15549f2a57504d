"""The exporter over real sockets: the guide's JSON, text that the official parser reads, figures from events."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from blampert_env.errors import ConfigError, LMUnavailable
from blampert_env.lm import LanguageModel
from blampert_env.lm.circuit import CircuitBreaker
from blampert_env.lm.clients import OpenAIClient
from blampert_env.telemetry import EpisodeEvent, Recorder, StepEvent, Totals
from blampert_env.telemetry.exporter import Exporter, RunFigures
from blampert_env.telemetry.exporter.http import SHARED_S, prefers_text

MakeStep = Callable[..., StepEvent]
# what Prometheus 3 sends
SCRAPER = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
BUS = {
    "dlq": {"total": 3, "by_topic": {"agent.metrics": 2, "logs.ctx.backend": 1}, "last_ts": 1726789012.12},
    "bus": {
        "dlq_total": 3,
        "topics": {"agent.results.backend": [0, 1]},
        "groups": {"agent.results": {"worker-A": [0], "worker-B": [2]}},
    },
}


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker(threshold=1, base_s=30.0)


@pytest.fixture
def figures(breaker: CircuitBreaker) -> RunFigures:
    labels = {"algo": "thompson", "model": "m"}
    return RunFigures("thompson_1", circuit=lambda: breaker.state.as_dict(), bus=lambda: BUS, labels=labels)


@pytest.fixture
def client(figures: RunFigures) -> Iterator[httpx.Client]:
    with Exporter(figures, 0) as exporter, httpx.Client(base_url=exporter.url) as client:
        yield client


def wait_out_sharing() -> None:
    time.sleep(SHARED_S * 1.5)


def test_json_has_the_guides_shape_and_the_events_figures(
    client: httpx.Client, figures: RunFigures, step_event: MakeStep, breaker: CircuitBreaker
) -> None:
    empty = client.get("/metrics").json()
    assert empty["rl"] == {"avg_reward": 0.0, "steps": 0}
    for reward in (0.5, -0.25, 1.0):
        figures.write(step_event(reward=reward))
    breaker.failure()
    wait_out_sharing()
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"] == "application/json"
    content = answer.json()
    assert list(content) == ["lm_circuit", "rl", "dlq", "bus"]
    assert content["lm_circuit"]["open"] is True
    assert 0 < content["lm_circuit"]["next_retry_sec"] <= 37.5
    assert content["rl"] == {"avg_reward": pytest.approx(1.25 / 3), "steps": 3}
    assert {"dlq": content["dlq"], "bus": content["bus"]} == BUS
    assert client.get("/metrics.json").json() == content | {"lm_circuit": pytest.approx(content["lm_circuit"], abs=1)}


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/plain, */*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("text/plain;q=0", False),
        ("text/plain;q=nonsense", False),
        ("text/plain", True),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("application/openmetrics-text; version=1.0.0", True),
        (SCRAPER, True),
    ],
)
def test_accept_decides(accept: str, text: bool, client: httpx.Client) -> None:
    assert prefers_text(accept) is text
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["Vary"] == "Accept"
    assert ("json" not in answer.headers["Content-Type"]) is text


def samples(text: str, parse: Callable[[str], Any]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("path", "accept", "parse"),
    [
        ("/metrics", SCRAPER, parse_openmetrics),
        ("/metrics", "text/plain;version=0.0.4", parse_text),
        ("/metrics/prometheus", "*/*", parse_text),
    ],
)
def test_the_official_parser_reads_every_figure(
    path: str,
    accept: str,
    parse: Callable[[str], Any],
    client: httpx.Client,
    figures: RunFigures,
    step_event: MakeStep,
    episode_event: EpisodeEvent,
) -> None:
    with Recorder([figures]) as recorder:
        recorder.record(step_event(lm_latency_s=0.3, grade_s=0.07, strategy='odd "name"\n\\'))
        recorder.record(step_event(lm_latency_s=70.0, reward=-1.0, accepted=False, outcome="worse"))
        recorder.record(step_event(cached=True, lm_latency_s=0.0, grade_s=0.0))
        recorder.record(episode_event)
        recorder.scalars({"rollout/success_rate": 0.5}, 3)
        found = samples(client.get(path, headers={"Accept": accept}).text, parse)
    calculator = ("project", "calculator")
    assert found["blampert_steps_total", (calculator, ("strategy", 'odd "name"\n\\'))] == 1
    assert found["blampert_steps_total", (calculator, ("strategy", "direct"))] == 2
    assert found["blampert_reward_sum", (calculator, ("strategy", "direct"))] == -0.25
    assert found["blampert_edits_kept_total", (calculator, ("strategy", "direct"))] == 1
    assert found["blampert_outcomes_total", (("outcome", "worse"),)] == 1
    assert found["blampert_episodes_total", (calculator, ("result", "solved"))] == 1
    assert found["blampert_tests_passed", (calculator,)] == 3
    assert found["blampert_tests", (calculator,)] == 6
    assert found["blampert_lm_calls_total", (("source", "lm"),)] == 2
    assert found["blampert_lm_calls_total", (("source", "pool"),)] == 1
    assert found["blampert_lm_tokens_total", (("kind", "completion"),)] == 90
    buckets = {
        labels[0][1]: value for (name, labels), value in found.items() if name == "blampert_lm_latency_seconds_bucket"
    }
    assert (buckets["0.25"], buckets["0.5"], buckets["60.0"], buckets["+Inf"]) == (0, 1, 1, 2)
    assert found["blampert_lm_latency_seconds_sum", ()] == pytest.approx(70.3)
    assert found["blampert_grading_seconds_count", ()] == 2
    assert found["blampert_lm_circuit_open", ()] == 0
    assert found["blampert_dlq_messages", (("topic", "agent.metrics"),)] == 2
    assert found["blampert_bus_subscriber_messages", (("subscriber", "1"), ("topic", "agent.results.backend"))] == 1
    assert found["blampert_bus_group_messages", (("group", "worker-B"), ("topic", "agent.results"))] == 2
    assert found["blampert_training_scalar", (("tag", "rollout/success_rate"),)] == 0.5
    assert found["process_resident_memory_bytes", ()] > 1e6


def test_health_and_ready(client: httpx.Client, figures: RunFigures, breaker: CircuitBreaker) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").status_code == 200
    breaker.failure()
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "the LM does not answer; next try in" in answer.json()["reason"]
    breaker.success()
    figures.state = "finished"
    assert client.get("/ready").json() == {"ready": False, "reason": "the run is finished"}
    assert client.get("/health").status_code == 200


def test_other_methods_paths_and_sites_are_refused(client: httpx.Client) -> None:
    assert client.post("/metrics").status_code == 405
    assert client.get("/nothing").status_code == 404
    assert client.get("/metrics", headers={"Host": "evil.example"}).status_code == 403
    assert client.get("/metrics", headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127.0.0.1:{port} .*choose another --metrics-port") as caught:
            Exporter(RunFigures("x"), port)
    assert "\n" not in str(caught.value)


def test_close_frees_the_port_and_may_be_called_twice() -> None:
    exporter = Exporter(RunFigures("x"), 0)
    with httpx.Client(base_url=exporter.url) as client:  # a scraper that keeps its connection does not hold it up
        assert client.get("/health").status_code == 200
        exporter.close()
    exporter.close()
    socket.create_server(("127.0.0.1", exporter.port)).close()


def test_a_resumed_run_counts_from_its_beginning(step_event: MakeStep) -> None:
    figures = RunFigures("x")
    figures.resume({"direct": Totals(steps=3, reward=1.5), "plan": Totals(steps=1, reward=-0.5)})
    figures.write(step_event(reward=2.0))
    assert figures.document()["rl"] == {"avg_reward": pytest.approx(3.0 / 5), "steps": 5}


def test_the_circuit_of_a_dead_endpoint_shows() -> None:
    client = OpenAIClient("openai/none", "none", "http://127.0.0.1:9/v1", timeout_s=2.0)
    lm = LanguageModel("openai/none", client, breaker=CircuitBreaker(threshold=1, base_s=30.0))
    figures = RunFigures("x", circuit=lambda: lm.circuit.as_dict())
    with Exporter(figures, 0) as exporter, httpx.Client(base_url=exporter.url) as client:
        with pytest.raises(LMUnavailable):
            lm.complete([{"role": "user", "content": "hello"}], temperature=0.0, max_tokens=4)
        circuit = client.get("/metrics").json()["lm_circuit"]
    lm.close()
    assert circuit["open"] is True
    assert circuit["next_retry_sec"] > 0


def test_the_document_is_json(figures: RunFigures, step_event: MakeStep) -> None:
    figures.write(step_event())
    document = figures.document()
    assert json.loads(json.dumps(document)) == document
