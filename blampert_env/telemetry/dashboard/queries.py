"""What a monitor shows of a run, aggregated and thinned out in SQL; every value is JSON-ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blampert_env.telemetry.dashboard.mirror import EVALUATION, StepMirror

POINTS = 300
"""Most points of a curve: more than a chart has pixels to tell apart."""
WINDOW = 100
"""Episodes of a running mean, as in Stable-Baselines3's ``rollout/`` scalars."""
_TRAINING = f"episode < {EVALUATION}"
_ENDED = f"FROM episodes WHERE ended AND {_TRAINING}"


def summary(mirror: StepMirror) -> dict[str, Any]:
    """Sums over training, and the learning metrics over the last :data:`WINDOW` episodes."""
    (sums,) = mirror.query(
        f"""SELECT COUNT(*) AS steps,
            COALESCE(SUM(lm_calls), 0) AS calls, COALESCE(SUM(lm_calls * cached), 0) AS pooled,
            COALESCE(SUM(prompt_tokens), 0) AS prompt_tokens, COALESCE(SUM(completion_tokens), 0) AS completion_tokens,
            COALESCE(SUM(accepted), 0) AS kept, COALESCE(AVG(reward), 0.0) AS mean_reward,
            AVG(CASE WHEN lm_calls AND NOT cached THEN lm_latency_s END) AS latency_s,
            MAX(CASE WHEN lm_calls AND NOT cached THEN lm_latency_s END) AS latency_max_s,
            AVG(CASE WHEN grade_s > 0 THEN grade_s END) AS grade_s,
            MIN(wall_time) AS first, MAX(wall_time) AS last
            FROM steps WHERE {_TRAINING}"""
    ) or ({"steps": 0},)
    (recent,) = mirror.query(
        f"""SELECT COUNT(*) AS episodes, AVG(ret) AS ret, AVG(success) AS success_rate,
            AVG(CAST(passed AS REAL) / total) AS test_pass_rate, AVG(length) AS length
            FROM (SELECT * {_ENDED} ORDER BY last_id DESC LIMIT {WINDOW})"""
    ) or ({"episodes": 0},)
    (episodes,) = mirror.query(f"SELECT COUNT(*) AS episodes {_ENDED}") or ({"episodes": 0},)
    return sums | {"episodes": episodes["episodes"], "recent": recent, "progress": learning_progress(mirror)}


def learning_progress(mirror: StepMirror) -> dict[str, Any] | None:
    """Mean return and success rate of the last third of the episodes less those of the first; None below 6 episodes."""
    rows = mirror.query(
        f"""SELECT third, AVG(ret) AS ret, AVG(success) AS success, COUNT(*) AS episodes
            FROM (SELECT ret, success, NTILE(3) OVER (ORDER BY last_id) AS third {_ENDED}) GROUP BY third"""
    )
    if len(rows) < 3 or rows[0]["episodes"] < 2:
        return None
    first, last = rows[0], rows[2]
    return {
        "ret": last["ret"] - first["ret"],
        "success_rate": last["success"] - first["success"],
        "episodes": first["episodes"],
    }


def curves(mirror: StepMirror) -> dict[str, Any]:
    """Return and success by step: each point sums up neighbouring episodes; ``mean`` is over the last 100 of them."""
    rows = mirror.query(
        f"""SELECT bucket, MAX(x) AS x, running_ret, running_success FROM (
                SELECT x, NTILE({POINTS}) OVER (ORDER BY last_id) AS bucket,
                    AVG(ret) OVER recent AS running_ret, AVG(success) OVER recent AS running_success
                {_ENDED} WINDOW recent AS (ORDER BY last_id ROWS {WINDOW - 1} PRECEDING))
            GROUP BY bucket ORDER BY bucket"""
    )
    spread = mirror.query(
        f"""SELECT AVG(ret) AS ret, MIN(ret) AS low, MAX(ret) AS high, AVG(success) AS success,
                AVG(CAST(passed AS REAL) / total) AS pass_rate, COUNT(*) AS episodes
            FROM (SELECT ret, success, passed, total, NTILE({POINTS}) OVER (ORDER BY last_id) AS bucket {_ENDED})
            GROUP BY bucket ORDER BY bucket"""
    )
    return {
        "x": _column(rows, "x"),
        "ret": _column(spread, "ret"),
        "low": _column(spread, "low"),
        "high": _column(spread, "high"),
        "mean": _column(rows, "running_ret"),
        "success": _column(spread, "success"),
        "success_mean": _column(rows, "running_success"),
        "pass_rate": _column(spread, "pass_rate"),
        "episodes_a_point": max(_column(spread, "episodes"), default=0),
    }


def tests(mirror: StepMirror) -> dict[str, Any]:
    """For each project the share of tests passed: at the end of episodes, and the best so far by step."""
    ends = mirror.query(
        f"""SELECT project, MAX(x) AS x, AVG(CAST(passed AS REAL) / total) AS share FROM (
                SELECT *, NTILE({POINTS // 3}) OVER (PARTITION BY project ORDER BY last_id) AS bucket {_ENDED})
            GROUP BY project, bucket ORDER BY project, bucket"""
    )
    # the first step that reached each count: at most as many rows as there are tests
    first = mirror.query(
        """SELECT project, tests_passed AS passed, MAX(tests_total) AS total, MIN(x) AS x
            FROM steps GROUP BY project, tests_passed ORDER BY project, x"""
    )
    found: dict[str, Any] = {}
    for row in first:
        project = found.setdefault(
            row["project"], {"best": -1, "total": row["total"], "best_x": [], "best_y": [], "x": [], "y": []}
        )
        if row["passed"] > project["best"]:
            project["best"] = row["passed"]
            project["best_x"].append(row["x"])
            project["best_y"].append(row["passed"] / max(1, row["total"]))
    for row in ends:
        found[row["project"]]["x"].append(row["x"])
        found[row["project"]]["y"].append(row["share"])
    return found


def targets(mirror: StepMirror) -> list[dict[str, Any]]:
    """Every target that was tried: attempts, edits kept, edits that gained tests, and what came last.

    Outcome and strategy are those of the newest row: SQLite takes bare columns from the row of the only MAX.
    """
    return mirror.query(
        """SELECT project, target, COUNT(*) AS attempts, SUM(accepted) AS kept,
            SUM(outcome IN ('improved', 'solved')) AS gained, MAX(id) AS last_id, outcome, strategy
            FROM steps WHERE target <> '' GROUP BY project, target ORDER BY project, target"""
    )


def strategies(mirror: StepMirror) -> dict[str, Any]:
    """What each strategy earns and costs, and how often it was chosen over time (shares of each slice of steps)."""
    rows = mirror.query(
        f"""SELECT strategy, COUNT(*) AS count, AVG(reward) AS reward, AVG(accepted) AS kept,
            AVG(outcome IN ('improved', 'solved')) AS gained,
            CAST(SUM(completion_tokens) AS REAL) / MAX(1, SUM(lm_calls)) AS tokens
            FROM steps WHERE {_TRAINING} GROUP BY strategy ORDER BY count DESC, strategy"""
    )
    slices = min(40, max(1, mirror.count))
    over_time = mirror.query(
        f"""SELECT (x - 1) * {slices} / ? AS slice, MAX(x) AS x, strategy, COUNT(*) AS count
            FROM steps WHERE {_TRAINING} GROUP BY slice, strategy""",
        max(1, mirror.count),
    )
    ends: dict[int, int] = {}
    counts: dict[tuple[int, str], int] = {}
    for row in over_time:
        ends[row["slice"]] = max(ends.get(row["slice"], 0), row["x"])
        counts[row["slice"], row["strategy"]] = row["count"]
    sums = {at: sum(count for (slice_, _), count in counts.items() if slice_ == at) for at in ends}
    shares = {row["strategy"]: [counts.get((at, row["strategy"]), 0) / sums[at] for at in sorted(ends)] for row in rows}
    return {"rows": rows, "x": [ends[at] for at in sorted(ends)], "shares": shares}


def picks(mirror: StepMirror) -> dict[str, Any]:
    """What was picked after what, and what each strategy was worth; training and evaluation apart.

    Returns:
        ``after``: rows with ``evaluation`` (0 or 1), ``after`` (the outcome of the episode's step before, "" for its
        first step), ``steps`` and ``picks`` (share of each strategy, the largest first).
        ``worth``: rows with ``evaluation``, ``strategy``, ``steps``, and the means of ``reward`` and ``cost``.
    """
    rows = mirror.query(
        f"""SELECT evaluation, after, strategy, COUNT(*) AS count FROM (
                SELECT strategy, episode >= {EVALUATION} AS evaluation,
                    COALESCE(LAG(outcome) OVER (PARTITION BY episode ORDER BY id), '') AS after FROM steps)
            GROUP BY evaluation, after, strategy ORDER BY evaluation, after, count DESC, strategy"""
    )
    groups: dict[tuple[int, str], dict[str, int]] = {}
    for row in rows:
        groups.setdefault((row["evaluation"], row["after"]), {})[row["strategy"]] = row["count"]
    after = [
        {
            "evaluation": evaluation,
            "after": outcome,
            "steps": (total := sum(counts.values())),
            "picks": {strategy: count / total for strategy, count in counts.items()},
        }
        for (evaluation, outcome), counts in groups.items()
    ]
    worth = mirror.query(
        f"""SELECT episode >= {EVALUATION} AS evaluation, strategy, COUNT(*) AS steps, AVG(reward) AS reward,
            AVG(cost) AS cost FROM steps GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"""
    )
    return {"after": after, "worth": worth}


def language_model(mirror: StepMirror) -> dict[str, Any]:
    """Seconds an answer of the LM itself took (mean and slowest), and completion tokens an answer, by step."""
    rows = mirror.query(
        f"""SELECT MAX(x) AS x, AVG(CASE WHEN lm_calls AND NOT cached THEN lm_latency_s END) AS mean,
            MAX(CASE WHEN lm_calls AND NOT cached THEN lm_latency_s END) AS slowest, AVG(completion_tokens) AS tokens
            FROM steps WHERE {_TRAINING} GROUP BY (x - 1) * 60 / ? ORDER BY x""",
        max(60, mirror.count),
    )
    return {name: _column(rows, name) for name in ("x", "mean", "slowest", "tokens")}


def edits(mirror: StepMirror, limit: int = 40) -> list[dict[str, Any]]:
    """The newest steps, newest first, without their text."""
    return mirror.query(
        f"""SELECT id, x, project, target, strategy, outcome, reward, tests_passed, tests_total, accepted,
            completion_tokens, cached, lm_latency_s, grade_s, wall_time, episode >= {EVALUATION} AS evaluation
            FROM steps ORDER BY id DESC LIMIT ?""",
        limit,
    )


def evaluation(mirror: StepMirror) -> list[dict[str, Any]]:
    """The greedy episodes at the end, one row a project."""
    return mirror.query(
        f"""SELECT project, COUNT(*) AS episodes, AVG(ret) AS ret, AVG(success) AS success_rate,
            MAX(passed) AS passed, MAX(total) AS total
            FROM episodes WHERE ended AND episode >= {EVALUATION} GROUP BY project ORDER BY project"""
    )


def overview(mirror: StepMirror) -> dict[str, Any]:
    """Everything of the above."""
    return {
        "summary": summary(mirror),
        "curves": curves(mirror),
        "tests": tests(mirror),
        "targets": targets(mirror),
        "strategies": strategies(mirror),
        "picks": picks(mirror),
        "lm": language_model(mirror),
        "edits": edits(mirror),
        "evaluation": evaluation(mirror),
    }


def _column(rows: Sequence[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]
