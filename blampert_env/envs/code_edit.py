"""The code-edit environment: the action is the edit itself. No LM inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_env.editing import Edit
from blampert_env.envs.render import render_picture, render_text
from blampert_env.envs.session import Accept, Attempt, EditSession
from blampert_env.envs.spaces import SourceText
from blampert_env.errors import ConfigError, ProjectError
from blampert_env.grading import Grader, make_grader
from blampert_env.projects import Project, bundled_projects, find_project
from blampert_env.rewards import load_rewards

MAX_TEXT = 32_768
ATTEMPTS_PER_TARGET = 2
_TARGET_LINE = re.compile(r"\s*#\s*target:\s*(\S+)[ \t]*(?:\n|\Z)")
_DEF = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)

TextObservation = dict[str, str]


def open_project(project: str | Path | Project) -> Project:
    """A project by bundled name, by folder, or as it is.

    Raises:
        ProjectError: There is no such project, or the folder is none.
    """
    return project if isinstance(project, Project) else Project.load(find_project(project))


def open_projects(projects: Sequence[str | Path | Project] | None, what: str) -> dict[str, Project]:
    """Several projects by their names; the bundled ones for None.

    Raises:
        ProjectError: As :func:`open_project`, or two of the ``what`` share a name.
    """
    opened = [open_project(project) for project in (projects if projects is not None else bundled_projects())]
    found = {project.name: project for project in opened}
    if len(found) < len(opened):
        raise ProjectError(f"two projects of the {what} share a name: {sorted(p.name for p in opened)}; rename one")
    return found


def check_render_mode(mode: str | None, modes: Sequence[str]) -> None:
    """Refuse a render mode that is none.

    Raises:
        ConfigError: It is not among ``modes``.
    """
    if mode is not None and mode not in modes:
        raise ConfigError(f"render_mode must be one of {modes}, not {mode!r}")


class CodeEditEnv(gym.Env[TextObservation, str]):
    """Edit a project's functions until its tests pass.

    ## Description
    A project is a folder of Python files with TODOs and pytest tests. Each step proposes new source for one target
    (a function with a TODO); the visible tests are run on the edited files; the edit is kept if the number of passed
    tests does not fall. There is no LM inside: an LLM under training, or a script, writes the edits.

    ## Action Space
    ``SourceText(32768)``: Python text with the whole new function. The first line may name the target, as in
    ``# target: calculator.py::Calculator.add``; without it the first function in the text that has a target's name
    decides. Imports and helper functions beside it are taken along. An :class:`~blampert_env.editing.Edit` is taken
    as well.

    ## Observation Space
    ``Dict`` of three ``SourceText(32768)``: ``source`` (every editable file as it is now, each under a ``# file:``
    line), ``tests`` (the visible tests) and ``report`` (one line a test, then what the failing ones say). Longer
    texts are cut. Held-out tests and the reference solution are in none of them.

    ## Rewards
    The weighted sum of named terms (``configs/rewards.yaml``, :mod:`blampert_env.rewards`); ``info["reward_terms"]``
    lists them. By default: the share of failing tests gained, 0.5 when the last one passes, -0.1 for a refused edit,
    -0.02 an attempt.

    ## Starting State
    The untouched project. The seed changes nothing here; it draws samples in the strategy env.

    ## Episode End
    Terminated when every visible test passes. Truncated after ``max_attempts`` steps (by default 2 a target).

    ## Information
    ``project``, ``target`` (id), ``outcome`` (what came of the edit, :data:`blampert_env.envs.session.OUTCOMES` or
    the reason of its refusal), ``message``, ``accepted``, ``tests_passed``, ``tests_total``, ``attempts``,
    ``is_success`` and ``reward_terms``. Infos hold no times: same seed and same edits, same infos.

    ## Arguments
    ``project``: bundled name, folder or :class:`~blampert_env.projects.Project`. ``rewards``: profile name or weights.
    ``accept``: ``"not_worse"`` or ``"always"``. ``max_attempts``: steps in an episode. ``isolation``, ``timeout_s``,
    ``python``: of the grader (:func:`blampert_env.grading.make_grader`). ``render_mode``: ``"ansi"``, ``"rgb_array"``.

    ## Version History
    * v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 1}

    def __init__(
        self,
        project: str | Path | Project,
        *,
        rewards: str | Mapping[str, float] = "default",
        accept: Accept = "not_worse",
        max_attempts: int | None = None,
        isolation: Literal["default", "strict", "none"] = "default",
        timeout_s: float | None = None,
        python: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.project = open_project(project)
        self.render_mode = render_mode
        self.action_space = SourceText(MAX_TEXT)
        self.observation_space = spaces.Dict(  # type: ignore[assignment]
            {name: SourceText(MAX_TEXT) for name in ("source", "tests", "report")}
        )
        self.grader: Grader = make_grader(self.project, isolation=isolation, timeout_s=timeout_s, python=python)
        self.session = EditSession(
            self.project,
            self.grader,
            load_rewards(rewards),
            accept=accept,
            max_attempts=max_attempts or ATTEMPTS_PER_TARGET * max(1, len(self.project.targets)),
        )
        self._tests = _joined(self.project.tests)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[TextObservation, dict[str, Any]]:
        """Go back to the untouched project. There are no options."""
        super().reset(seed=seed)
        self.session.start()
        return self._observation(), session_info(self.session, None)

    def step(self, action: str | Edit) -> tuple[TextObservation, float, bool, bool, dict[str, Any]]:
        """Try one edit."""
        attempt = self.session.attempt(action if isinstance(action, Edit) else self._as_edit(action))
        terminated = self.session.solved
        truncated = self.session.exhausted and not terminated
        return self._observation(), attempt.reward, terminated, truncated, session_info(self.session, attempt)

    def render(self) -> str | NDArray[np.uint8] | None:  # type: ignore[override]
        """The state as text (``ansi``) or as a picture (``rgb_array``, uint8 of shape (400, 640, 3))."""
        return render(self.render_mode, self.session)

    def close(self) -> None:
        """Stop the grader; may be called twice."""
        self.grader.close()

    def _as_edit(self, action: str) -> Edit | None:
        """Read the target from the first line, else from the first function that has a target's name."""
        text = str(action)
        if named := _TARGET_LINE.match(text):
            return Edit(named.group(1), text[named.end() :])
        by_name = {target.name: target.id for target in reversed(self.project.targets)}
        for found in _DEF.finditer(text):
            if found.group(1) in by_name:
                return Edit(by_name[found.group(1)], text)
        return None

    def _observation(self) -> TextObservation:
        report = self.session.report
        lines = [f"{outcome} {test}" for test, outcome in report.outcomes.items()]
        lines += [f"\n{test}\n{said}" for test, said in report.failures.items() if said]
        texts = {"source": _joined(self.session.files), "tests": self._tests, "report": "\n".join(lines)}
        return {name: text[:MAX_TEXT] for name, text in texts.items()}


def _joined(files: Mapping[str, str]) -> str:
    return "\n".join(f"# file: {path}\n{text}" for path, text in files.items())


def session_info(session: EditSession, attempt: Attempt | None) -> dict[str, Any]:
    """The info dict that both environments share; after a reset (``attempt`` None) the outcome is ``"none"``."""
    return {
        "project": session.project.name,
        "target": attempt.target if attempt else "",
        "outcome": attempt.outcome if attempt else "none",
        "message": attempt.message if attempt else "",
        "accepted": bool(attempt and attempt.accepted),
        "tests_passed": session.report.passed,
        "tests_total": session.report.total,
        "attempts": len(session.attempts),
        "is_success": session.solved,
        "reward_terms": dict(attempt.reward_terms) if attempt else {},
    }


def render(mode: str | None, session: EditSession, extra: str = "") -> str | NDArray[np.uint8] | None:
    """Draw ``session`` in a render mode; None where there is none."""
    return drawn(mode, lambda: render_text(session, extra))


def drawn(mode: str | None, text: Callable[[], str]) -> str | NDArray[np.uint8] | None:
    """Draw a text in a render mode; None, and a warning, where there is none."""
    if mode is None:
        gym.logger.warn("render() without a render_mode draws nothing: pass gym.make(..., render_mode='ansi')")
        return None
    return text() if mode == "ansi" else render_picture(text())
