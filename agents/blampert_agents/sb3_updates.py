"""One update of a Stable-Baselines3 model from whole episodes, with the same arithmetic as SB3's own ``learn()``.

**On-policy and masks.** When an action is masked, PPO and A2C acted from mu(a|s) = pi(a|s) / Z(s), where Z is the
probability that pi gives to the allowed actions. Their losses know only pi, so what is stored is log pi, not log mu:
then PPO's ratio starts at 1, as its clipping and KL estimate assume (with log mu it would start at Z). The gradient is
still that of mu: E_mu[A grad log pi] = E_mu[A grad log mu] + E_mu[A] grad log Z, where the last term vanishes because
advantages under mu have mean 0 (as far as the critic is right). What it costs is variance, and an entropy bonus that
counts masked actions; MaskablePPO, which knows the masks, pays neither.

**DQN and masks.** The target's maximum is over all actions, as in SB3; a masked action is never taken, so its value
only generalises from the others.

**LSTMs.** Every episode starts from states of zeros, as the agent's rollouts do, and the states before each step are
stored with it, so that RecurrentPPO can start a sequence where a batch does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from blampert_agents.protocol import Episode


def on_policy_update(model: Any, episodes: Sequence[Episode], n_timesteps: int) -> None:
    """Fill a rollout buffer with the episodes, one after the other, and train on it.

    The policy has not changed since the episodes were collected, so values and log-probabilities are computed here.

    Args:
        model: A PPO, A2C, MaskablePPO or RecurrentPPO.
        episodes: At least one, each of length >= 1.
        n_timesteps: Steps planned in all, for the schedules.
    """
    steps = sum(episode.length for episode in episodes)
    buffer = _new_buffer(model, steps)
    for episode in episodes:
        _add_episode(model, buffer, episode)
    # Every episode is over (or bootstrapped as if), so nothing follows the last step.
    buffer.compute_returns_and_advantage(last_values=_zero(), dones=np.array([True]))
    model.rollout_buffer = buffer
    model.num_timesteps += steps
    _set_progress(model, n_timesteps)

    batch_size = getattr(model, "batch_size", None)
    normalize = model.normalize_advantage
    try:
        # The standard deviation of one advantage is not a number: normalise no lone step, and leave no batch of one.
        model.normalize_advantage = normalize and steps > 1
        if batch_size:
            model.batch_size = even_batch_size(steps, batch_size)
        model.train()
    finally:
        model.normalize_advantage = normalize
        if batch_size:
            model.batch_size = batch_size


def off_policy_update(model: Any, episodes: Sequence[Episode], n_timesteps: int) -> None:
    """Add the transitions to DQN's replay buffer, training and updating the target network between them as SB3 does.

    Args:
        model: A DQN.
        episodes: At least one, each of length >= 1.
        n_timesteps: Steps planned in all, for the schedules.
    """
    frequency = model.train_freq.frequency
    gradient_steps = model.gradient_steps if model.gradient_steps >= 0 else frequency
    losses = []
    for episode in episodes:
        for step in range(episode.length):
            done = step == episode.length - 1
            model.replay_buffer.add(
                episode.observations[step][None],
                episode.observations[step + 1][None],
                episode.actions[step : step + 1],
                episode.rewards[step : step + 1],
                np.array([done]),
                [{"TimeLimit.truncated": done and not episode.terminated}],  # SB3 bootstraps these
            )
            model.num_timesteps += 1
            model._episode_num += done
            _set_progress(model, n_timesteps)
            model._on_step()  # target network and exploration rate
            due = model.num_timesteps > model.learning_starts and model.num_timesteps % frequency == 0
            if due and gradient_steps:
                model.train(gradient_steps=gradient_steps, batch_size=model.batch_size)
                losses.append(model.logger.name_to_value["train/loss"])
    if losses:
        model.logger.record("train/loss", float(np.mean(losses)))


def even_batch_size(steps: int, wanted: int) -> int:
    """The smallest batch size >= ``wanted`` that leaves no last batch of a single step.

    >>> even_batch_size(33, 32), even_batch_size(40, 32), even_batch_size(7, 32)
    (33, 32, 32)
    """
    return next(size for size in range(wanted, max(steps, wanted) + 1) if size >= steps or steps % size != 1)


def _is_recurrent(model: Any) -> bool:
    return hasattr(model.policy, "lstm_actor")


def _new_buffer(model: Any, steps: int) -> Any:
    """An empty rollout buffer of the model's kind for so many steps of one env."""
    options = dict(model.rollout_buffer_kwargs)
    if _is_recurrent(model):
        options["hidden_state_shape"] = (steps, *model.policy.lstm_hidden_state_shape)
    return type(model.rollout_buffer)(
        steps,
        model.observation_space,
        model.action_space,
        device=model.device,
        gamma=model.gamma,
        gae_lambda=model.gae_lambda,
        n_envs=1,
        **options,
    )


def _add_episode(model: Any, buffer: Any, episode: Episode) -> None:
    import torch

    observations = torch.as_tensor(episode.observations, dtype=torch.float32)
    with torch.no_grad():
        evaluate = _evaluated_in_turn if _is_recurrent(model) else _evaluated
        values, log_probs, known = evaluate(model, buffer, episode, observations)
    rewards = episode.rewards.astype(np.float32)  # a copy
    if not episode.terminated:
        rewards[-1] += model.gamma * float(values[-1])  # bootstrap a time limit, SB3 issue 633
    for step in range(episode.length):
        buffer.add(
            episode.observations[step][None],
            episode.actions[step].reshape(1, 1),
            rewards[step : step + 1],
            np.array([step == 0]),
            values[step],
            log_probs[step],
            **known[step],
        )


Evaluated = tuple[Any, Any, list[dict[str, Any]]]
"""Values of shape (T + 1,), log-probabilities of shape (T,), and what the buffer takes of each step besides."""


def _evaluated(model: Any, buffer: Any, episode: Episode, observations: Any) -> Evaluated:
    import torch

    masks = episode.masks[:-1].astype(np.float32)
    masked = hasattr(buffer, "action_masks")
    known = {"action_masks": masks} if masked else {}
    _, log_probs, _ = model.policy.evaluate_actions(observations[:-1], torch.as_tensor(episode.actions), **known)
    values = model.policy.predict_values(observations).flatten()
    return values, log_probs, [{"action_masks": mask} if masked else {} for mask in masks]


def _evaluated_in_turn(model: Any, buffer: Any, episode: Episode, observations: Any) -> Evaluated:
    """As an LSTM sees them, one after the other."""
    import torch
    from sb3_contrib.common.recurrent.type_aliases import RNNStates

    zero = torch.zeros(model.policy.lstm_hidden_state_shape)
    states = first = RNNStates((zero, zero), (zero, zero))
    values, known = [], []
    for observation in observations:
        known.append({"lstm_states": states})
        _, value, _, states = model.policy(observation[None], states, torch.zeros(1), deterministic=True)
        values.append(value[0, 0])
    actions, starts = torch.as_tensor(episode.actions), torch.zeros(episode.length)
    _, log_probs, _ = model.policy.evaluate_actions(observations[:-1], actions, first, starts)
    return torch.stack(values), log_probs, known


def _set_progress(model: Any, n_timesteps: int) -> None:
    """Progress falls from 1 to 0; unlike SB3's own loop, a trainer may run past its plan."""
    model._update_current_progress_remaining(min(model.num_timesteps, n_timesteps), n_timesteps)


def _zero() -> Any:
    import torch

    return torch.zeros(1)
