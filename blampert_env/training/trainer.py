"""The training loop: play an episode on each project, update the policy, save, repeat; then evaluate greedily."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blampert_agents import Agent
from blampert_env.envs import SuiteEnv
from blampert_env.grading import make_grader
from blampert_env.projects import Project
from blampert_env.telemetry import ActionStore, Recorder, Sink
from blampert_env.training.config import TrainConfig
from blampert_env.training.events import episode_event, step_event
from blampert_env.training.rollout import Collector, EpisodeResult, Job, Step
from blampert_env.training.run_folder import RunFolder

# Seeds of evaluation episodes come from another stream than those of training episodes, and so do their numbers:
# how often a policy is evaluated must not change how it is trained.
_TRAIN, _EVAL = 0, 1
EVALUATION_EPISODE = 1_000_000


OnBest = Callable[[str, Mapping[str, str], int, int], None]


@dataclass(slots=True)
class ProjectResult:
    """One row of the final table.

    Attributes:
        project: Name.
        before: Visible tests the untouched project passes.
        after: Visible tests the best code passes.
        total: Visible tests.
        held_out: (passed, total) of the held-out tests by the best code; None without such tests.
        lm_calls: LM calls in this run.
        tokens: Completion tokens in this run.
        seconds: Wall-clock seconds of its episodes.
    """

    project: str
    before: int = 0
    after: int = 0
    total: int = 0
    held_out: tuple[int, int] | None = None
    lm_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def add(self, result: EpisodeResult) -> None:
        """Count one episode in."""
        self.before, self.total = result.tests_before, result.tests_total
        self.lm_calls += result.lm_calls
        self.tokens += result.completion_tokens
        self.seconds += result.seconds


def episode_seed(run_seed: int, stream: int, index: int) -> int:
    """The reset seed of an episode: a function of the run's seed, the stream and the episode's number only."""
    return int(np.random.SeedSequence([run_seed, stream, index]).generate_state(1)[0])


def held_out_score(
    project: Project,
    files: Mapping[str, str],
    isolation: str,
    *,
    timeout_s: float | None = None,
    python: str | None = None,
) -> tuple[int, int] | None:
    """(passed, total) of the held-out tests; None if the project has none. Never shown to LM or policy."""
    if not project.held_out:
        return None
    options: Any = {"isolation": isolation, "timeout_s": timeout_s, "python": python}
    with make_grader(project, tests="held_out", **options) as grader:
        report = grader.confirm(files)
    return report.passed, report.total


class Trainer:
    """Runs the loop over one run folder.

    Args:
        config: What was asked for.
        run: Where it is kept.
        agent: The policy.
        collector: Plays the episodes.
        recorder: Takes the events of training.
        stores: Its action stores, which take those of evaluation too.
        on_progress: Called after every iteration and step with a short line and the share done in [0, 1].
        python: The interpreter that runs the tests; this one by default.
        on_best: Called with project, files, tests passed and tests there are when a project's best code is found.
        published: Sinks of the recorder that take the steps of evaluation, as the stores do.
    """

    def __init__(
        self,
        config: TrainConfig,
        run: RunFolder,
        agent: Agent,
        collector: Collector,
        recorder: Recorder,
        stores: Sequence[ActionStore],
        on_progress: Callable[[str, float], None],
        python: str | None = None,
        on_best: OnBest | None = None,
        published: Sequence[Sink] = (),
    ) -> None:
        self.config = config
        self.run = run
        self.agent = agent
        self.collector = collector
        self.recorder = recorder
        self.stores = stores
        self._of_evaluation: tuple[Sink, ...] = (*stores, *published)
        self.on_best = on_best
        self.on_progress = on_progress
        self.python = python
        suite: SuiteEnv = collector.envs[0]
        self.projects = suite.projects
        self.results = {name: ProjectResult(name) for name in self.projects}
        self.iteration = 0
        self.timesteps = 0
        self.recent: deque[EpisodeResult] = deque(maxlen=100)
        self._started, self._timesteps_before = time.monotonic(), 0
        self._steps_now = 0  # of the iteration that runs; for the progress bar
        self._lock = threading.Lock()

    def restore(self, state: Mapping[str, int | Mapping[str, Mapping[str, float]]]) -> None:
        """Go on from what :meth:`save` wrote."""
        self.iteration, self.timesteps = int(state["iteration"]), int(state["timesteps"])  # type: ignore[arg-type]
        self._timesteps_before = self.timesteps
        rows: Mapping[str, Mapping[str, float]] = state["projects"]  # type: ignore[assignment]
        for name, row in rows.items():
            self.results[name] = ProjectResult(name, **row)  # type: ignore[arg-type]

    @property
    def next_episode(self) -> int:
        """Number of the next training episode."""
        return self.iteration * len(self.projects)

    @property
    def finished(self) -> bool:
        """The iterations, or the timesteps if those were asked for, are done."""
        if self.config.n_timesteps is not None:
            return self.timesteps >= self.config.n_timesteps
        return self.iteration >= self.config.iterations

    def begin(self) -> None:
        """Save where the run starts from; drop steps of an iteration that a kill cut off, it will be played again."""
        for store in self.stores:
            store.discard(self.run.name, from_episode=self.next_episode)
        self.save()

    def train(self) -> None:
        """Iterate until finished; the run folder is up to date after each iteration."""
        while not self.finished:
            first = self.next_episode
            jobs = [
                Job(name, episode_seed(self.config.seed, _TRAIN, index), index)
                for index, name in enumerate(self.projects, start=first)
            ]
            results = self.collector.collect(self.agent, jobs, on_step=self._on_step, on_episode=self._finish_episode)
            metrics = self.agent.learn([result.episode for result in results])
            self.iteration += 1
            self._steps_now = 0
            self.timesteps += sum(result.episode.length for result in results)
            self._log_iteration(metrics)
            self.save()

    def evaluate(self) -> list[EpisodeResult]:
        """Greedy episodes on each project, logged under ``eval/``; their code counts for the best code too."""
        jobs = evaluation_jobs(list(self.projects), self.config.seed, self.config.eval_episodes)
        if not jobs:
            return []
        results = self.collector.collect(
            self.agent, jobs, deterministic=True, on_step=self._on_evaluation_step, on_episode=self._finish_episode
        )
        self.recorder.scalars(evaluation_scalars(results), self.timesteps)
        self.save()
        return results

    def table(self) -> list[ProjectResult]:
        """The final rows; the held-out tests are run on the best code here and nowhere before."""
        for name, project in self.projects.items():
            files = self.run.read_best(project)
            row = self.results[name]
            row.held_out = held_out_score(
                project, files, self.config.isolation, timeout_s=self.config.timeout_s, python=self.python
            )
        return list(self.results.values())

    def _on_step(self, step: Step) -> None:
        """Record one step as an event and show it."""
        self.recorder.record(step_event(step, run_id=self.run.name, iteration=self.iteration))
        self._show(step)

    def _on_evaluation_step(self, step: Step) -> None:
        """Keep and publish an evaluation step, but not among the training's ``reward/`` and ``llm/`` scalars."""
        event = step_event(step, run_id=self.run.name, iteration=self.iteration)
        self.recorder.record(event, to=self._of_evaluation)
        self._show(step)

    def _show(self, step: Step) -> None:
        """Tell the console."""
        self._steps_now += 1
        attempt = step.record.attempt
        tests = f"{attempt.passed_after}/{step.env.session.report.total} tests"
        self.on_progress(f"{step.job.project}: {tests}, {step.record.strategy}: {attempt.outcome}", self._share_done())

    def _share_done(self) -> float:
        """Share of the run that is done, in [0, 1]; within an iteration by a guess at its length."""
        if self.config.n_timesteps is not None:
            return min(1.0, (self.timesteps + self._steps_now) / self.config.n_timesteps)
        per_iteration = self.timesteps / self.iteration if self.iteration else 8.0 * len(self.projects)
        within = min(0.99, self._steps_now / max(1.0, per_iteration))
        return min(1.0, (self.iteration + within) / self.config.iterations)

    def _finish_episode(self, result: EpisodeResult) -> None:
        """Count an episode, record it, and keep its code if it is the best yet."""
        row = self.results[result.job.project]
        with self._lock:
            row.add(result)
            if result.job.index < EVALUATION_EPISODE:
                self.recent.append(result)
            self._keep_best(result, row)
        self.recorder.record(episode_event(result, run_id=self.run.name, iteration=self.iteration))

    def _keep_best(self, result: EpisodeResult, row: ProjectResult) -> None:
        """Write the code of the best episode so far, at once: what was found outlives whatever comes next."""
        best = max(row.after, result.tests_before)
        if result.tests_after > best:
            self.run.write_best(self.projects[result.job.project], result.files)
            if self.on_best is not None:
                self.on_best(result.job.project, result.files, result.tests_after, result.tests_total)
        row.after = max(best, result.tests_after)

    def _log_iteration(self, metrics: Mapping[str, float]) -> None:
        """Scalars of an iteration, over the last 100 episodes as Stable-Baselines3 has it."""
        elapsed = max(1e-9, time.monotonic() - self._started)
        scalars = {
            "rollout/ep_rew_mean": float(np.mean([result.episode.ret for result in self.recent])),
            "rollout/ep_len_mean": float(np.mean([result.episode.length for result in self.recent])),
            "rollout/success_rate": float(np.mean([result.episode.is_success for result in self.recent])),
            "time/fps": (self.timesteps - self._timesteps_before) / elapsed,
            "time/iterations": float(self.iteration),
            **metrics,
        }
        for name, row in self.results.items():
            scalars[f"tests/{name}"] = row.after / max(1, row.total)
        self.recorder.scalars(scalars, self.timesteps)
        done = ", ".join(f"{row.project} {row.after}/{row.total}" for row in self.results.values())
        reward = scalars["rollout/ep_rew_mean"]
        self.on_progress(f"iteration {self.iteration} done: mean return {reward:+.2f}; best {done}", self._share_done())

    def save(self) -> None:
        """Write the policy, then the state that names it. Called between iterations only, when both fit together."""
        policy = self.run.policy_path(self.iteration)
        self.agent.save(policy)
        rows = {
            name: {key: getattr(row, key) for key in ("before", "after", "total", "lm_calls", "tokens", "seconds")}
            for name, row in self.results.items()
        }
        self.run.write_state(
            {
                "iteration": self.iteration,
                "timesteps": self.timesteps,
                "policy": policy.name,
                "projects": rows,
            }
        )
        self.recorder.flush()


def evaluation_jobs(projects: Sequence[str], seed: int, episodes: int) -> list[Job]:
    """``episodes`` jobs on each project, with seeds that no training episode has."""
    names = [name for _ in range(episodes) for name in projects]
    return [Job(name, episode_seed(seed, _EVAL, i), EVALUATION_EPISODE + i) for i, name in enumerate(names)]


def evaluation_scalars(results: Sequence[EpisodeResult]) -> dict[str, float]:
    """The scalars Stable-Baselines3's EvalCallback logs, and the share of visible tests passed."""
    return {
        "eval/mean_reward": float(np.mean([result.episode.ret for result in results])),
        "eval/mean_ep_length": float(np.mean([result.episode.length for result in results])),
        "eval/success_rate": float(np.mean([result.episode.is_success for result in results])),
        "eval/test_pass_rate": float(np.mean([result.tests_after / result.tests_total for result in results])),
    }
