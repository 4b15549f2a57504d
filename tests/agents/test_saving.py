"""A saved agent comes back as it was, and a file that cannot be right is refused in one line."""

from __future__ import annotations

import io
import json
import os
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from blampert_agents import ALGOS, load_agent, make_agent
from blampert_env.errors import StorageError, UsageError

Labs = Callable[[str], Any]
NAMES = ("direct", "plan", "repair", "minimal")
FILES = ("thompson", "linucb", "lin-thompson", "schedule", "rex", "ppo", "dqn", "recurrent-ppo")


def actions(bench: Any, agent: Any) -> list[list[int]]:
    """What the agent does, exploring and exploiting."""
    return [
        episode.actions.tolist()
        for deterministic in (False, True)
        for episode in bench.rollouts(agent, range(500, 505), deterministic=deterministic)
    ]


@pytest.mark.parametrize("algo", ALGOS)
def test_round_trip_acts_and_learns_on_alike(lab: Labs, tmp_path: Path, algo: str) -> None:
    bench, path = lab("corridor"), tmp_path / "policy.zip"
    spaces = bench.env.observation_space, bench.env.action_space
    agent = make_agent(algo, *spaces, seed=5, action_names=NAMES, feature_names=bench.feature_names(NAMES))
    for _ in bench.train(agent, 4):
        pass
    agent.save(path)
    loaded = load_agent(path)
    assert os.listdir(tmp_path) == ["policy.zip"]
    assert (loaded.name, loaded.spec) == (agent.name, agent.spec)
    assert actions(bench, loaded) == actions(bench, agent)
    metrics = [list(bench.train(one, 3, start=4)) for one in (agent, loaded)]
    assert metrics[0] == metrics[1], "it goes on learning as if it had never been away"
    assert actions(bench, loaded) == actions(bench, agent)


def test_dqn_takes_a_full_replay_buffer_along(lab: Labs, tmp_path: Path) -> None:
    bench = lab("bandit")
    agent = bench.make("dqn", buffer_size=40, learning_starts=8)
    for _ in bench.train(agent, 4):
        pass
    agent.save(tmp_path / "p")
    loaded = load_agent(tmp_path / "p")
    assert loaded.model.replay_buffer.full
    assert loaded.model.replay_buffer.pos == 96 % 40
    assert list(bench.train(agent, 2)) == list(bench.train(loaded, 2))


def test_more_steps_can_be_planned_on_loading(lab: Labs, tmp_path: Path) -> None:
    bench = lab("bandit")
    agent = bench.make("ppo", n_timesteps=24, learning_rate="lin_0.01")
    next(bench.train(agent, 1))
    agent.save(tmp_path / "p")
    rate = [
        next(bench.train(load_agent(tmp_path / "p", n_timesteps=more), 1))["train/learning_rate"] for more in (None, 72)
    ]
    assert rate == pytest.approx([0.0, 0.005])
    make_agent("random", bench.env.observation_space, bench.env.action_space, seed=0).save(tmp_path / "r")
    load_agent(tmp_path / "r", n_timesteps=10)


@pytest.mark.parametrize(("algo", "name"), [("ppo", "PPO"), ("dqn", "DQN"), ("a2c", "A2C")])
def test_sb3_reads_our_file(lab: Labs, tmp_path: Path, algo: str, name: str) -> None:
    import stable_baselines3

    bench = lab("bandit")
    agent = bench.make(algo)
    next(bench.train(agent, 1))
    agent.save(tmp_path / "policy.zip")
    model = getattr(stable_baselines3, name).load(tmp_path / "policy.zip", device="cpu")
    for context in np.eye(5, dtype=np.float32):
        ours = agent.act(context, np.ones(4, dtype=bool), np.random.default_rng(0), deterministic=True)
        assert model.predict(context, deterministic=True)[0] == ours


@pytest.mark.parametrize("algo", ALGOS)
def test_the_file_names_no_place_on_this_machine(lab: Labs, tmp_path: Path, algo: str) -> None:
    import base64

    bench = lab("bandit")
    agent = bench.make(algo)
    for _ in bench.train(agent, 1):
        pass
    agent.save(tmp_path / "p")
    data = (tmp_path / "p").read_bytes()
    parts = [data]
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
            fields = json.loads(archive.read("data")).values()  # SB3 keeps pickles as base64
            pickles = [field[":serialized:"] for field in fields if isinstance(field, dict) and ":serialized:" in field]
            assert pickles
            parts += [base64.b64decode(pickle) for pickle in pickles]
    for place in {str(Path.home()), str(Path.cwd()), str(tmp_path), os.path.dirname(np.__file__), "site-packages"}:
        assert place == "/" or not any(place.encode() in part for part in parts), place


@pytest.mark.parametrize("algo", FILES)
def test_full_disk_keeps_the_previous_policy(lab: Labs, tmp_path: Path, algo: str) -> None:
    bench, path = lab("bandit"), tmp_path / "best.zip"
    agent = bench.make(algo)
    agent.save(path)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    next(bench.train(agent, 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"best\.zip: .*kept$"):
            agent.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["best.zip"]
    load_agent(path)


def one_line(path: Path, **checks: Any) -> str:
    """The message that loading gives."""
    with pytest.raises(UsageError) as caught:
        load_agent(path, **checks)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_missing_files_name_their_neighbours(tmp_path: Path) -> None:
    (tmp_path / "best_model.zip").touch()
    assert "did you mean best_model.zip?" in one_line(tmp_path / "best_modle.zip")
    assert "there is no folder" in one_line(tmp_path / "none" / "p.zip")
    assert "cannot read" in one_line(tmp_path)


@pytest.mark.parametrize("algo", FILES)
def test_damaged_files_are_refused(lab: Labs, tmp_path: Path, algo: str) -> None:
    path = tmp_path / "policy"
    lab("bandit").make(algo).save(path)
    data = path.read_bytes()
    numbers = np.random.default_rng(0)
    for size in (0, 1, 2, 10, len(data) // 2, len(data) - 30):
        path.write_bytes(data[:size])
        assert "damaged" in one_line(path)
    if not data.startswith(b"PK"):  # every byte of a JSON file may still be JSON; zip entries have checksums
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo("policy.pth")
    for offset in numbers.integers(entry.header_offset + 100, entry.header_offset + entry.compress_size, 8):
        path.write_bytes(data[:offset] + bytes([data[offset] ^ 0xFF]) + data[offset + 1 :])
        assert "damaged" in one_line(path)


@pytest.mark.parametrize("text", ["{}", "[]", "null", "not json", '{"format": "other"}', "\x00\x01"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p").write_text(text, encoding="utf-8")
    assert "not a Blampert policy" in one_line(tmp_path / "p")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 99}, "upgrade"),
        ({"algo": "tompson"}, "did you mean 'thompson'"),
        ({"hyperparams": {"prior_alhpa": 1}}, "did you mean 'prior_alpha'"),
        ({"state": {}}, "damaged"),
        ({"state": {"alpha": [1, 1], "beta": [1, 1]}}, "posteriors are damaged"),
        ({"n_actions": 3}, "posteriors are damaged"),
        ({"n_actions": 0}, "damaged"),
        ({"seed": -1}, "seed"),
    ],
)
def test_json_that_cannot_be_right(lab: Labs, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "p"
    lab("bandit").make("thompson").save(path)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    assert message in one_line(path)


def test_a_policy_for_another_env_is_refused(lab: Labs, tmp_path: Path) -> None:
    path, env = tmp_path / "p", lab("bandit").env
    make_agent("thompson", env.observation_space, env.action_space, seed=0, action_names=NAMES).save(path)
    load_agent(path, observation_space=env.observation_space, action_space=env.action_space, action_names=NAMES)
    other = spaces.Box(0, 1, (9,), np.float32)
    assert "trained on 5 features, this env has (9,)" in one_line(path, observation_space=other)
    assert "4 actions, this env has Discrete(6)" in one_line(path, action_space=spaces.Discrete(6))
    assert "trained with the strategies direct, plan" in one_line(path, action_names=NAMES[::-1])


def test_a_policy_for_other_features_is_refused_by_name(lab: Labs, tmp_path: Path) -> None:
    bench, path = lab("bandit"), tmp_path / "p"
    bench.make("thompson").save(path)
    names = bench.feature_names("0123")
    load_agent(path, feature_names=names)
    assert "feature 4 was target_pass_rate, which is budget_left" in one_line(
        path, feature_names=(*names[:4], "budget_left")
    )
    without = json.loads(path.read_text(encoding="utf-8"))
    del without["feature_names"]  # as saved before they were known
    path.write_text(json.dumps(without), encoding="utf-8")
    assert load_agent(path, feature_names=names).spec.feature_names == ()


@pytest.mark.parametrize(
    "tally",
    [[[9], 0, 1, 1, 1.0], [[0], 4, 1, 1, 1.0], [[], 0, 1, 2, 1.0], [[], 0, 1, 1, -1.0], [[], 0, 1], [0, 0, 1, 1, 1]],
)
def test_tallies_that_cannot_be_right(lab: Labs, tmp_path: Path, tally: list[Any]) -> None:
    path = tmp_path / "p"
    lab("bandit").make("schedule").save(path)
    content = json.loads(path.read_text(encoding="utf-8")) | {"state": {"tallies": [tally]}}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert "damaged" in one_line(path)


def test_weights_of_another_size_are_refused(lab: Labs, tmp_path: Path) -> None:
    """A zip whose header was edited: its weights do not fit what it says of itself."""
    path = tmp_path / "p"
    lab("bandit").make("ppo").save(path)
    edited = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(edited, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "blampert.json":
                content = json.dumps(json.loads(content) | {"n_actions": 7}).encode()
            new.writestr(name, content)
    path.write_bytes(edited.getvalue())
    assert "damaged" in one_line(path)
