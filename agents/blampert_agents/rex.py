"""REx: Thompson sampling over programs.

Tang et al. 2024, "Code Repair with LLMs gives an Exploration-Exploitation Tradeoff", arXiv 2405.17503, algorithm 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blampert_agents.observed import PASS_RATE, Observed
from blampert_agents.protocol import AgentSpec, Values, action_index, allowed_actions
from blampert_agents.thompson import ThompsonAgent

_FRESH, _PRESENT, _NEXT = 0, 1, 2


class RexAgent(ThompsonAgent):
    """Repair what is there, or start afresh: the program to go on from is drawn, then who is asked.

    REx keeps every program that it was given. To go on from one of them it draws a number for each from
    Beta(1 + C h, 1 + C (1 - h) + N), where h is the share of tests that it passes and N how often it was gone on from,
    and takes the largest. Our environments keep one program a target, and an agent sees no other, so there are at most
    three to draw for:

    - the empty one, from which the strategies that do not repair start: h is 0, as of the paper's root;
    - the present one, which those that repair go on from: h is the feature ``target_pass_rate``, of the code that is
      kept, though a repair is shown the last attempt, which may be another;
    - the next target's, where an action leaves a target: nothing is known of it, h is 0, and N how often this one was
      left. The paper has one target.

    N is the sum of the tries on this target of the strategies that start there. REx counts anew for a changed program;
    ours cannot, since no feature tells the tries since the last change; of each strategy, four at most are counted.

    Within a program the strategy is drawn as :class:`~blampert_agents.thompson.ThompsonAgent` does, which also learns
    (untrained: uniformly); the paper has one way to ask. Deterministic takes the largest means, ties going to the empty
    program, then the present one, and to the lower action.

    Hyperparameters: ``C`` (>= 0, default 20), ``repair`` (names of the strategies that repair; default those whose name
    begins with "repair"), and those of ``thompson``.

    Raises:
        ConfigError: The features' names are not given, or one that it reads is not there.
    """

    name = "rex"

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__(spec)
        self._seen = Observed(spec)
        self._rate = self._seen.place(PASS_RATE)
        self._C = float(spec.hyperparams.get("C", 20.0))
        given = spec.hyperparams.get("repair")
        if given is None:
            given = [action for action, label in enumerate(spec.labels) if label.startswith("repair")]
        self._program = np.full(spec.n_actions, _FRESH)  # from which an action goes on
        self._program[[action_index(action, spec) for action in given]] = _PRESENT
        if self._seen.leaves is not None:
            self._program[self._seen.leaves] = _NEXT

    def act(
        self,
        observation: NDArray[np.float32],
        mask: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        deterministic: bool = False,
    ) -> int:
        """An allowed action that goes on from the program with the largest draw, or the largest mean."""
        program = self._chosen(observation, mask, None if deterministic else rng)
        return super().act(observation, mask & (self._program == program), rng, deterministic=deterministic)

    def values(self, observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> Values:
        """Means of the posteriors; 0 for what goes on from another program than the one with the largest mean."""
        found = super().values(observation, mask)
        return Values(found.kind, np.where(self._program == self._chosen(observation, mask, None), found.means, 0.0))

    def _chosen(
        self, observation: NDArray[np.float32], mask: NDArray[np.bool_], rng: np.random.Generator | None
    ) -> int:
        """The program to go on from: one that an allowed action does, with the largest draw; mean, without ``rng``."""
        possible = np.unique(self._program[allowed_actions(mask, self.spec.n_actions)])
        tries = np.bincount(self._program, self._seen.tries(observation), minlength=3)
        h = np.array([0.0, observation[self._rate], 0.0])
        alpha, beta = 1 + self._C * h, 1 + self._C * (1 - h) + tries
        scores = alpha / (alpha + beta) if rng is None else rng.beta(alpha, beta)
        return int(possible[np.argmax(scores[possible])])
