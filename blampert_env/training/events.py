"""From what a rollout saw to the events that recorders take."""

from __future__ import annotations

import json
import time

from blampert_env.envs.session import Attempt
from blampert_env.projects import env_id
from blampert_env.telemetry import EpisodeEvent, StepEvent
from blampert_env.training.rollout import EpisodeResult, Step

MAX_OUTPUT = 4_000
"""Characters kept of what the tests said in one step; a store of 100,000 steps stays below a gigabyte."""


def step_event(step: Step, *, run_id: str, iteration: int) -> StepEvent:
    """One step as an event, stamped with the time now."""
    env, attempt, proposal = step.env, step.record.attempt, step.record.proposal
    completion = proposal.completion if proposal else None
    return StepEvent(
        run_id=run_id,
        env_id=env_id(env.project.name),
        project=env.project.name,
        episode=step.job.index,
        iteration=iteration,
        worker=step.worker,
        step=step.index,
        seed=step.job.seed,
        target=attempt.target,
        strategy=step.record.strategy,
        outcome=attempt.outcome,
        reward=attempt.reward,
        reward_terms=attempt.reward_terms,
        tests_passed=attempt.passed_after,
        tests_total=env.session.report.total,
        accepted=attempt.accepted,
        lm_calls=int(completion is not None),
        prompt_tokens=completion.prompt_tokens if completion else 0,
        completion_tokens=completion.completion_tokens if completion else 0,
        cached=bool(completion and completion.cached),
        lm_latency_s=completion.latency_s if completion else 0.0,
        grade_s=attempt.grade_s,
        env_overhead_s=step.overhead_s,
        diff=attempt.diff,
        source=attempt.source,
        model=proposal.model if proposal else env.coder.lm.name,
        terminated=step.terminated,
        truncated=step.truncated,
        wall_time=time.time(),
        test_output=test_output(attempt),
        prompt=json.dumps(proposal.prompt) if proposal else "",
        reply=completion.text if completion else "",
        cost=step.record.cost,
    )


def test_output(attempt: Attempt) -> str:
    """What came of an attempt in words: why it was refused or killed, then what each failing test said; cut."""
    parts = [attempt.message] if attempt.message else []
    if attempt.report is not None:
        parts += [
            f"{attempt.report.outcomes.get(test, 'failed')} {test}\n{said}"
            for test, said in attempt.report.failures.items()
        ]
    text = "\n\n".join(parts)
    return text if len(text) <= MAX_OUTPUT else text[: MAX_OUTPUT - 1] + "…"


def episode_event(result: EpisodeResult, *, run_id: str, iteration: int) -> EpisodeEvent:
    """One finished episode as an event."""
    job, episode = result.job, result.episode
    return EpisodeEvent(
        run_id=run_id,
        env_id=env_id(job.project),
        project=job.project,
        episode=job.index,
        iteration=iteration,
        worker=result.worker,
        seed=job.seed,
        ret=episode.ret,
        length=episode.length,
        is_success=episode.is_success,
        tests_before=result.tests_before,
        tests_after=result.tests_after,
        tests_total=result.tests_total,
        lm_calls=result.lm_calls,
        prompt_tokens=result.prompt_tokens,
        completion_tokens=result.completion_tokens,
        duration_s=result.seconds,
    )
