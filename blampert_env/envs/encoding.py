"""Text as bytes, for algorithms that take arrays only."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from blampert_env.envs.code_edit import MAX_TEXT


class Utf8Text(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Turns the code-edit env's texts into zero-padded UTF-8 bytes, which Stable-Baselines3 takes.

    Observation: ``Dict`` of ``Box(0, 255, (max_bytes,), uint8)``. Action: ``MultiDiscrete([256] * max_action_bytes)``;
    zeros are padding. Longer texts are cut at a whole character.

    Args:
        env: A :class:`~blampert_env.envs.CodeEditEnv`, wrapped or not.
        max_bytes: Bytes of each observed text, >= 1.
        max_action_bytes: Bytes of an action, >= 1.

    Change log:
        * v0: first version.
    """

    def __init__(self, env: gym.Env[dict[str, str], str], max_bytes: int = MAX_TEXT, max_action_bytes: int = 4096):
        RecordConstructorArgs.__init__(self, max_bytes=max_bytes, max_action_bytes=max_action_bytes)
        gym.Wrapper.__init__(self, env)
        assert isinstance(env.observation_space, spaces.Dict)
        self.max_bytes: int = max_bytes
        self.observation_space = spaces.Dict(
            {name: spaces.Box(0, 255, (max_bytes,), np.uint8) for name in env.observation_space.spaces}
        )
        self.action_space = spaces.MultiDiscrete(np.full(max_action_bytes, 256))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[np.uint8]], dict[str, Any]]:
        """Reset, with the observation as bytes."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._encode(observation), info

    def step(self, action: NDArray[np.int64]) -> tuple[dict[str, NDArray[np.uint8]], Any, bool, bool, dict[str, Any]]:
        """Step with bytes; bytes that are no UTF-8 become a text that no parser takes (U+FFFD)."""
        text = bytes(np.asarray(action, np.uint8)).rstrip(b"\0").decode("utf-8", "replace")
        observation, reward, terminated, truncated, info = self.env.step(text)
        return self._encode(observation), reward, terminated, truncated, info

    def _encode(self, observation: dict[str, str]) -> dict[str, NDArray[np.uint8]]:
        encoded = {}
        for name, text in observation.items():
            cut = text.encode("utf-8", "replace")[: self.max_bytes].decode("utf-8", "ignore").encode()
            encoded[name] = np.zeros(self.max_bytes, np.uint8)
            encoded[name][: len(cut)] = np.frombuffer(cut, np.uint8)
        return encoded
