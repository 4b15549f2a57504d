"""PPO, A2C and DQN of Stable-Baselines3 and MaskablePPO of sb3-contrib as agents.

SB3 owns the networks, the losses and the schedules; the trainer owns the rollouts. So a model is made with an env that
is only spaces and never stepped, ``act`` asks its network, and ``learn`` fills SB3's own buffers and calls its
``train()`` (see :mod:`blampert_agents.sb3_updates`). Networks are small, so everything runs on the CPU.

**Masks.** Only MaskablePPO knows of masks. The others are masked here when they act: PPO and A2C sample from their
distribution renormalised over the allowed actions, DQN explores and maximises over them.
"""

from __future__ import annotations

import io
import math
import random
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blampert_agents.hyperparams import ACTIVATIONS, policy_class, sb3_class
from blampert_agents.protocol import AgentSpec, Episode, Values, allowed_actions, checked_observation
from blampert_agents.storage import HEADER, SavedPolicy, header
from blampert_env.atomic import atomic_write_bytes
from blampert_env.errors import BlampertError, ConfigError

N_TIMESTEPS = 10_000
"""Environment steps planned where the hyperparameters do not say; only schedules depend on it."""
_COUNTERS = ("num_timesteps", "_n_updates", "_episode_num", "_current_progress_remaining")
_DQN_COUNTERS = ("_n_calls", "exploration_rate")
_REPLAY = "blampert-replay.npz"
_REPLAY_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


class SB3Agent:
    """One Stable-Baselines3 model behind the :class:`~blampert_agents.protocol.Agent` protocol.

    Attributes:
        model: The SB3 model; its hyperparameters are those of the spec.
        n_timesteps: Environment steps after which schedules have run out (SB3's ``total_timesteps``).

    Raises:
        ConfigError: SB3 refuses the hyperparameters.
    """

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec
        self.name = spec.algo
        self.n_timesteps = int(spec.hyperparams.get("n_timesteps", N_TIMESTEPS))
        self._learned = 0  # calls of learn(), which with the seed decide its chance
        self._lock = threading.RLock()  # SB3 keeps the last distribution in the policy, so act() is one at a time
        with self._seeded(0) as seed:
            try:
                self.model = sb3_class(spec.algo)(**_constructor_arguments(spec), env=_spaces_only(spec), seed=seed)
            except (TypeError, ValueError, AssertionError) as error:
                raise ConfigError(f"hyperparameters of {spec.algo}: {' '.join(str(error).split())}") from error
        self.model.policy.set_training_mode(False)
        if spec.algo == "dqn":
            self.model.exploration_rate = self.model.exploration_schedule(1.0)  # SB3 sets it after the first step only

    def plan(self, n_timesteps: int) -> None:
        """Say that ``n_timesteps`` more environment steps follow; schedules then run over old and new ones."""
        self.n_timesteps = self.model.num_timesteps + n_timesteps

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """Sample from the policy (DQN: epsilon-greedily), or take its best action; never a masked one."""
        allowed = allowed_actions(mask, self.spec.n_actions)
        scores = self._scores(observation, rng)[allowed]
        if deterministic:
            return int(allowed[np.argmax(scores)])
        if self.spec.algo == "dqn":
            # As SB3: uniform until learning starts, then with the probability that its schedule gives.
            warm_up = self.model.num_timesteps < self.model.learning_starts
            explore = rng.random() < (1.0 if warm_up else self.model.exploration_rate)
            return int(rng.choice(allowed) if explore else allowed[np.argmax(scores)])
        return int(rng.choice(allowed, p=_softmax(scores)))

    def values(self, observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> Values:
        """DQN: its Q values; the others: the chance that each action is picked, 0 where it is masked.

        One with a memory is asked as at the start of a rollout.
        """
        allowed = allowed_actions(mask, self.spec.n_actions)
        scores = self._scores(observation, np.random.default_rng(0))
        if self.spec.algo == "dqn":
            return Values("Q value", scores)
        chances = np.zeros(self.spec.n_actions)
        chances[allowed] = _softmax(scores[allowed])
        return Values("chance to be picked", chances)

    def learn(self, episodes: Sequence[Episode]) -> dict[str, float]:
        """Learn as SB3 does from the same steps; gives what SB3 logs, such as ``train/loss``.

        A value that is undefined in this iteration (``train/explained_variance`` where all returns are equal) is left
        out.

        Raises:
            BlampertError: The weights are no longer finite.
        """
        from stable_baselines3.common.logger import Logger

        from blampert_agents.sb3_updates import off_policy_update, on_policy_update

        episodes = [episode for episode in episodes if episode.length]
        if not episodes:
            return {}
        update = off_policy_update if self.spec.algo == "dqn" else on_policy_update
        with self._lock:
            self._learned += 1
            self.model.set_logger(Logger(folder=None, output_formats=[]))
            with self._seeded(self._learned), _one_thread():
                update(self.model, episodes, self.n_timesteps)
            self.model.policy.set_training_mode(False)
            if not all(bool(weights.isfinite().all()) for weights in self.model.policy.parameters()):
                raise BlampertError(f"{self.name} diverged (weights are not finite): lower learning_rate, then resume")
            logged = {name: float(value) for name, value in self.model.logger.name_to_value.items()}
        return {name: value for name, value in logged.items() if math.isfinite(value)}

    def save(self, path: Path) -> None:
        """Write SB3's own zip (``PPO.load`` reads it) with what we need to go on beside its entries."""
        data = io.BytesIO()
        with self._lock:
            self.model.save(data)
            names = _COUNTERS + (_DQN_COUNTERS if self.spec.algo == "dqn" else ())
            state = {name: getattr(self.model, name) for name in names}
            state |= {"n_timesteps": self.n_timesteps, "learned": self._learned}
            with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(HEADER, header(self.spec, state))
                if self.spec.algo == "dqn":
                    archive.writestr(_REPLAY, _pack_replay(self.model.replay_buffer))
        atomic_write_bytes(path, data.getvalue())

    def restore(self, saved: SavedPolicy) -> None:
        """Take over weights, optimiser, counters and, for DQN, the replay buffer; runs no code from the file."""
        from stable_baselines3.common.save_util import load_from_zip_file

        _, weights, _ = load_from_zip_file(io.BytesIO(saved.data), load_data=False, device="cpu")
        self.model.set_parameters(weights, exact_match=True, device="cpu")
        for name in _COUNTERS + (_DQN_COUNTERS if self.spec.algo == "dqn" else ()):
            setattr(self.model, name, type(getattr(self.model, name))(saved.state[name]))
        self.n_timesteps, self._learned = int(saved.state["n_timesteps"]), int(saved.state["learned"])
        if self.spec.algo == "dqn":
            with zipfile.ZipFile(io.BytesIO(saved.data)) as archive:
                _unpack_replay(self.model.replay_buffer, archive.read(_REPLAY))

    def _scores(self, observation: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
        """Log-probabilities of the unmasked policy, or Q-values; shape (n_actions,). Nothing is drawn from ``rng``."""
        import torch

        batch = torch.as_tensor(checked_observation(observation, self.spec)).unsqueeze(0)
        with self._lock, torch.no_grad():
            if self.spec.algo == "dqn":
                scores = self.model.q_net(batch)
            else:
                scores = self.model.policy.get_distribution(batch).distribution.logits
        return np.asarray(scores[0], dtype=np.float64)

    @contextmanager
    def _seeded(self, turn: int) -> Iterator[int]:
        """Let SB3's global random numbers depend on our seed and ``turn`` only, and put the global states back.

        This makes learning reproducible whatever else draws random numbers, also across save and load.
        """
        import torch

        seed = int(np.random.SeedSequence((self.spec.seed, turn)).generate_state(1)[0])
        python_state, numpy_state = random.getstate(), np.random.get_state()
        with torch.random.fork_rng(devices=[]):
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            try:
                yield seed
            finally:
                random.setstate(python_state)
                np.random.set_state(numpy_state)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chances from log-probabilities that need not add up to 1."""
    weights = np.exp(scores - scores.max())
    chances: NDArray[np.float64] = weights / weights.sum()
    return chances


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: on networks this small, more only wait for each other, worst on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _constructor_arguments(spec: AgentSpec) -> dict[str, Any]:
    """What SB3's constructor gets, with names turned into its objects."""
    import torch
    from stable_baselines3.common.utils import LinearSchedule

    given = {name: value for name, value in spec.hyperparams.items() if name != "n_timesteps"}
    for name, value in given.items():
        if isinstance(value, str) and value.startswith("lin_"):
            given[name] = LinearSchedule(float(value.removeprefix("lin_")), 0.0, 1.0)
    if activation := given.get("policy_kwargs", {}).get("activation_fn"):
        given["policy_kwargs"] = {**given["policy_kwargs"], "activation_fn": getattr(torch.nn, ACTIVATIONS[activation])}
    else:
        given["policy_kwargs"] = dict(given.get("policy_kwargs", {}))  # SB3 adds to it
    if spec.algo in ("ppo", "maskable-ppo"):
        given["n_steps"] = given.get("batch_size", 64)  # sizes a buffer that is never used; silences a warning
    return {"policy": policy_class(spec.algo), **given, "device": "cpu"}


def _spaces_only(spec: AgentSpec) -> Any:
    """An env that has the right spaces and is never stepped."""
    import gymnasium as gym

    class SpacesOnly(gym.Env[Any, Any]):
        observation_space = spec.observation_space
        action_space = spec.action_space

    return SpacesOnly()


def _pack_replay(replay: Any) -> bytes:
    """The filled part of a replay buffer."""
    filled = replay.buffer_size if replay.full else replay.pos
    data = io.BytesIO()
    np.savez_compressed(data, pos=replay.pos, **{name: getattr(replay, name)[:filled] for name in _REPLAY_ARRAYS})
    return data.getvalue()


def _unpack_replay(replay: Any, data: bytes) -> None:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        filled = len(arrays["rewards"])
        if filled > replay.buffer_size:
            raise ValueError("its replay buffer is larger than buffer_size")
        for name in _REPLAY_ARRAYS:
            getattr(replay, name)[:filled] = arrays[name]
        replay.pos, replay.full = int(arrays["pos"]), filled == replay.buffer_size
