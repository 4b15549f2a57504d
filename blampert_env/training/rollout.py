"""Rollouts: one episode of a suite's project by an agent, and many of them in threads.

Threads, not processes: what a step waits for (the LM's server, the test runner's process) runs outside of Python's
lock, and one embedded LM serves them all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np

from blampert_agents import Agent, Episode
from blampert_env.envs import StepRecord, StrategyEnv, SuiteEnv


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to play: which project, with which seed; ``index`` numbers the run's episodes."""

    project: str
    seed: int
    index: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step as recorders see it.

    Attributes:
        job: The episode.
        env: The project's environment, after the step.
        worker: Number of the environment that played it.
        index: Number of the step in the episode, from 0.
        record: What was asked and what came of it.
        terminated: The episode ended with all tests passed.
        truncated: The attempts ran out.
        overhead_s: Seconds of the step beside the LM and grading.
    """

    job: Job
    env: StrategyEnv
    worker: int
    index: int
    record: StepRecord
    terminated: bool
    truncated: bool
    overhead_s: float


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """An episode and what it did to the project.

    Attributes:
        job: What was played.
        episode: For :meth:`blampert_agents.Agent.learn`.
        tests_before: Visible tests the untouched project passes.
        tests_after: Visible tests that pass at the end.
        tests_total: Visible tests.
        files: The sources at the end.
        lm_calls: LM calls, those answered from the sample pool included.
        prompt_tokens: Tokens of the prompts.
        completion_tokens: Tokens of the answers.
        seconds: Wall-clock time.
        worker: Number of the environment that played it.
    """

    job: Job
    episode: Episode
    tests_before: int
    tests_after: int
    tests_total: int
    files: dict[str, str] = field(repr=False)
    lm_calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    worker: int = 0


OnStep = Callable[[Step], None]


def rollout(
    env: SuiteEnv,
    agent: Agent,
    job: Job,
    *,
    deterministic: bool = False,
    on_step: OnStep | None = None,
    stop: threading.Event | None = None,
    worker: int = 0,
) -> EpisodeResult | None:
    """Play one episode; None if ``stop`` was set before its end.

    Same job, same agent and same LM samples, same episode.
    """
    # another stream than the env's own generator, which Gymnasium seeds with job.seed
    rng = np.random.default_rng((job.seed, 1))
    started = time.perf_counter()
    observation, info = env.reset(seed=job.seed, options={"project": job.project})
    inner = env.current
    assert isinstance(inner, StrategyEnv)
    observations, masks = [observation], [inner.action_masks()]
    actions: list[int] = []
    rewards: list[float] = []
    totals = np.zeros(3, np.int64)
    tests_before = info["tests_passed"]
    terminated = truncated = False
    while not (terminated or truncated):
        if stop is not None and stop.is_set():
            return None
        action = agent.act(observations[-1], masks[-1], rng, deterministic=deterministic)
        step_started = time.perf_counter()
        observation, reward, terminated, truncated, info = inner.step(action)
        step_s = time.perf_counter() - step_started
        observations.append(observation)
        masks.append(inner.action_masks())
        actions.append(action)
        rewards.append(reward)
        totals += (info["lm_calls"], info["prompt_tokens"], info["completion_tokens"])
        if on_step is not None and inner.last_step is not None:
            overhead_s = max(0.0, step_s - _outside_s(inner.last_step))
            index = len(actions) - 1
            on_step(Step(job, inner, worker, index, inner.last_step, terminated, truncated, overhead_s))
    episode = Episode(
        observations=np.stack(observations),
        masks=np.stack(masks),
        actions=np.asarray(actions, np.int64),
        rewards=np.asarray(rewards, np.float32),
        terminated=terminated,
        truncated=truncated,
        is_success=info["is_success"],
    )
    return EpisodeResult(
        job=job,
        episode=episode,
        tests_before=tests_before,
        tests_after=info["tests_passed"],
        tests_total=info["tests_total"],
        files=dict(inner.session.files),
        lm_calls=int(totals[0]),
        prompt_tokens=int(totals[1]),
        completion_tokens=int(totals[2]),
        seconds=time.perf_counter() - started,
        worker=worker,
    )


def _outside_s(record: StepRecord) -> float:
    """Seconds of a step that the LM and the grader took."""
    return record.attempt.grade_s + (record.proposal.seconds if record.proposal else 0.0)


class Collector:
    """Plays jobs on several environments at once.

    Args:
        make_env: Makes one suite environment; called ``n_envs`` times.
        n_envs: Environments, and threads, >= 1.
    """

    def __init__(self, make_env: Callable[[], SuiteEnv], n_envs: int) -> None:
        self.envs = [make_env() for _ in range(n_envs)]
        self.stop = threading.Event()
        self._free = list(self.envs)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(n_envs, thread_name_prefix="rollout")

    def collect(
        self,
        agent: Agent,
        jobs: Sequence[Job],
        *,
        deterministic: bool = False,
        on_step: OnStep | None = None,
        on_episode: Callable[[EpisodeResult], None] | None = None,
    ) -> list[EpisodeResult]:
        """Play ``jobs``; results in the order of the jobs, without those that were stopped.

        ``on_episode`` is called in the rollout's thread as soon as an episode ends.

        Raises:
            BlampertError: The first error of a job; the other jobs are stopped.
        """
        futures = [self._pool.submit(self._play, agent, job, deterministic, on_step, on_episode) for job in jobs]
        try:
            done, _ = wait(futures, return_when="FIRST_EXCEPTION")
            for future in done:
                future.result()  # raises the first error now, not after the jobs that still run
            return [result for future in futures if (result := future.result()) is not None]
        except BaseException:
            self.stop.set()
            for future in futures:
                future.cancel()
            wait(futures)
            raise

    def _play(
        self,
        agent: Agent,
        job: Job,
        deterministic: bool,
        on_step: OnStep | None,
        on_episode: Callable[[EpisodeResult], None] | None,
    ) -> EpisodeResult | None:
        with self._lock:
            env = self._free.pop()
        try:
            result = rollout(
                env,
                agent,
                job,
                deterministic=deterministic,
                on_step=on_step,
                stop=self.stop,
                worker=self.envs.index(env),
            )
            if result is not None and on_episode is not None:
                on_episode(result)
            return result
        finally:
            with self._lock:
                self._free.append(env)

    def close(self) -> None:
        """Stop what runs, then close every environment."""
        self.stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for env in self.envs:
            env.close()
