"""Events: clean values in, the same values out, damaged records refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blampert_env.errors import UsageError
from blampert_env.telemetry import SCHEMA_VERSION, EpisodeEvent, StepEvent

MakeStep = Callable[..., StepEvent]


def test_round_trip_through_json_and_pickle(step_event: MakeStep, episode_event: EpisodeEvent) -> None:
    for event in (step_event(), episode_event):
        assert type(event).from_dict(json.loads(json.dumps(event.to_dict()))) == event
        assert pickle.loads(pickle.dumps(event)) == event
        assert isinstance(hash(event), int)
    assert step_event().schema_version == SCHEMA_VERSION


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    text=st.text(alphabet=st.characters(), max_size=40),
    reward=st.floats(allow_nan=False, allow_infinity=False),
    seed=st.integers(-(2**63), 2**63 - 1),
    terms=st.dictionaries(st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False), max_size=4),
)
def test_any_value_round_trips(
    step_event: MakeStep, text: str, reward: float, seed: int, terms: dict[str, float]
) -> None:
    event = step_event(source=text, reward=reward, seed=seed, reward_terms=terms)
    assert StepEvent.from_dict(json.loads(json.dumps(event.to_dict()))) == event
    event.source.encode("utf-8")


def test_numpy_scalars_become_plain(step_event: MakeStep) -> None:
    event = step_event(
        reward=np.float32(0.5), step=np.int64(3), accepted=np.bool_(True), reward_terms={"a": np.float64(0.5)}
    )
    assert event == step_event(reward=0.5, step=3, accepted=True, reward_terms={"a": 0.5})
    assert [type(value) for value in (event.reward, event.step, event.accepted, event.reward_terms["a"])] == [
        float,
        int,
        bool,
        float,
    ]


def test_events_do_not_change(step_event: MakeStep) -> None:
    terms = {"progress": 1.0}
    event = step_event(reward_terms=terms)
    terms["progress"] = 9.0
    event.to_dict()["reward_terms"]["progress"] = 9.0
    assert event.reward_terms == {"progress": 1.0}
    with pytest.raises(FrozenInstanceError):
        event.reward = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reward", float("nan")),
        ("reward", "1"),
        ("reward_terms", {"x": float("inf")}),
        ("reward_terms", [1.0]),
        ("seed", 2**63),
        ("step", 1.5),
        ("step", "1"),
        ("accepted", 1),
        ("project", None),
        ("source", b"bytes"),
    ],
)
def test_values_no_store_could_keep_are_refused(step_event: MakeStep, field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^StepEvent\.{field}: "):
        step_event(**{field: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 99}, "schema 99.*upgrade"),
        ({"schema_version": "1"}, "schema '1'"),
        ({"rewrd": 1.0}, "no field 'rewrd'"),
        ({"reward": None}, "StepEvent.reward: .*damaged"),
    ],
)
def test_from_dict_refuses_foreign_records(step_event: MakeStep, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        StepEvent.from_dict(step_event().to_dict() | change)
    assert "\n" not in str(caught.value)


def test_from_dict_names_a_missing_field(step_event: MakeStep) -> None:
    record = step_event().to_dict()
    del record["target"]
    with pytest.raises(UsageError, match="'target'"):
        StepEvent.from_dict(record)


def test_importing_the_room_is_cheap() -> None:
    code = (
        "import sys, blampert_env; before = {*sys.modules}; import blampert_env.telemetry;"
        "print({'sqlite3', 'tensorboard', 'torch', 'numpy'} & ({*sys.modules} - before))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
