"""Train a policy that learns how to ask an LLM for code: ``python -m blampert_env.train``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.commands import INTERRUPTED, natural, positive, run_command, seconds
from blampert_env.training.config import TrainConfig
from blampert_env.training.flags import new_config, resumed_config
from blampert_env.training.places import Places, find_places

if TYPE_CHECKING:
    from blampert_agents import Agent
    from blampert_env.lm import LanguageModel
    from blampert_env.training.metrics import Watched
    from blampert_env.training.rollout import Collector
    from blampert_env.training.run_folder import RunFolder


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; the short flags are those of RL Baselines3 Zoo."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    # settings of a run have no defaults here, so that --resume can tell what was given; TrainConfig holds them
    add("--project", action="append", metavar="NAME", help="a project's name or folder; repeatable (default: all)")
    add(
        "--workspace",
        type=Path,
        metavar="DIR",
        help="take projects and settings from there, put runs and policies there",
    )
    add("--iterations", type=positive, help="episodes on each project, each followed by an update (default: 5)")
    add(
        "--algo",
        help="random, fixed, round-robin, thompson, linucb, lin-thompson, schedule, rex, ppo, dqn, a2c, maskable-ppo "
        "or recurrent-ppo (default: thompson)",
    )
    add("-n", "--n-timesteps", type=positive, metavar="N", help="train for about N steps instead of by iterations")
    add("--seed", type=natural, help="seeds samples and policy (default: 0)")
    add("--model", help="embedded, ollama/<m>, openai/<m> or any LiteLLM name (default: auto)")
    add("--n-envs", type=positive, help="episodes played at once (default: 1)")
    add("--max-attempts", type=positive, metavar="N", help="steps in an episode (default: 2 a target)")
    add("--rewards", metavar="PROFILE", help="profile of configs/rewards.yaml (default: default)")
    add("--strategies", metavar="FILE", help="strategies to choose from (default: configs/strategies.yaml)")
    add("--isolation", choices=("default", "strict", "none"), help="of the grader (default: default)")
    add("--timeout-s", type=seconds, metavar="S", help="longest time of a project's tests (default: 10x the untouched)")
    add("-params", "--hyperparams", nargs="+", metavar="KEY:VALUE", help="override hyperparameters")
    add("--eval-episodes", type=natural, metavar="N", help="greedy episodes on each project at the end (default: 1)")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("-i", "--trained-agent", type=Path, metavar="FILE", help="start from a saved policy")
    start.add_argument("--resume", type=Path, metavar="RUN", help="go on with a run that was stopped: a name or folder")
    add("-f", "--log-folder", type=Path, help="where runs are kept (default: logs, of the workspace)")
    add("--models-folder", type=Path, help="where the policy is put (default: models, likewise)")
    add("-tb", "--tensorboard-log", type=Path, metavar="DIR", help="TensorBoard folder (default: the run's own)")
    add(
        "--metrics-port",
        type=natural,
        metavar="PORT",
        help="serve /metrics on 127.0.0.1; 0: any (default: the workspace's)",
    )
    add("-P", "--progress", action="store_true", help="show a progress bar")
    return parser


def main(
    argv: Sequence[str] | None = None, prog: str = "python -m blampert_env.train", *, default_workspace: bool = False
) -> int:
    """Entry point; returns the exit code. ``default_workspace``: that at the default place counts, if it exists."""
    arguments = build_parser(prog).parse_args(argv)
    return run_command(prog, lambda: train(arguments, default_workspace=default_workspace))


def train(arguments: argparse.Namespace, *, default_workspace: bool = False) -> int:
    """Train, save, evaluate, print the table.

    Raises:
        BlampertError: One line that says what is wrong; what was learnt before is saved.
    """
    # checked before anything slow is loaded, so that a typing mistake costs a second at most
    places = find_places(arguments.workspace, default=default_workspace, run=arguments.resume)
    run, config = resumed_config(arguments, places) if arguments.resume else (None, new_config(arguments, places))
    from blampert_env.projects import Project, find_project

    projects = [Project.load(find_project(name, places.projects)) for name in config.projects]
    listed = ", ".join(project.name for project in projects)
    what = arguments.trained_agent or config.algo
    model = places.model if config.model == "auto" and places.model else config.model
    print(f"blampert: training {what} on {listed} (seed {config.seed}, model {model})", flush=True)
    python = places.python({project.name: project.root for project in projects if project.root})

    from blampert_env.coding import load_strategies
    from blampert_env.envs import SuiteEnv
    from blampert_env.envs.trouble import warn_of_trouble
    from blampert_env.training.rollout import Collector

    lm = places.language_model(config.model, load_strategies(config.strategies))

    def make_env() -> SuiteEnv:
        return SuiteEnv(
            projects,
            lm=lm,
            strategies=config.strategies,
            rewards=config.rewards,
            max_attempts=config.max_attempts,
            isolation=config.isolation,
            timeout_s=config.timeout_s,
            python=python,
        )

    collector = Collector(make_env, config.n_envs)
    try:
        # what can be wrong with projects and model shows here, before a run folder is made
        for name in collector.envs[0].projects:
            collector.envs[0].reset(options={"project": name})
            warn_of_trouble(collector.envs[0].current.get_wrapper_attr("session").grader, thorough=True)
        lm.connect()
        return _run(arguments, config, run, collector, lm, places, python)
    finally:
        collector.close()


def _run(
    arguments: argparse.Namespace,
    config: TrainConfig,
    run: RunFolder | None,
    collector: Collector,
    lm: LanguageModel,
    places: Places,
    python: str | None,
) -> int:
    """Make or open the run folder, hold it, train in it."""
    from blampert_env.training.metrics import watch
    from blampert_env.training.records import remembered_runs
    from blampert_env.training.run_folder import RunFolder
    from blampert_env.training.start import resolved_settings, start_agent

    with ExitStack() as held:
        if run:
            held.enter_context(run.in_use())
        state = run.read_state() if run else None
        saved = run.path / state["policy"] if run and state else None
        agent = start_agent(config, collector.envs[0], saved, steps_done=int(state["timesteps"]) if state else 0)
        if config.trained_agent:
            config = replace(config, algo=agent.name)
        # before a folder is made: a port that is taken leaves nothing behind
        watched = held.enter_context(watch(lm, config.algo, arguments.metrics_port, places.settings, places.workspace))
        if run is None:
            folders = arguments.log_folder or places.logs, arguments.models_folder or places.models
            run = RunFolder.create(folders[0], config.algo, folders[1], remembered_runs(places))
            held.enter_context(run.in_use())
        named = {"agent": places.settings.agent.name} if places.workspace else {}
        resolved = resolved_settings(agent, collector.envs[0], lm.name)
        run.write_config(places.portable(config.to_json()) | resolved | named)
        return _train_in(run, arguments, config, agent, collector, watched, places, python, state)


def _train_in(
    run: RunFolder,
    arguments: argparse.Namespace,
    config: TrainConfig,
    agent: Agent,
    collector: Collector,
    watched: Watched,
    places: Places,
    python: str | None,
    state: dict[str, Any] | None,
) -> int:
    """Train in the run folder, print what came of it."""
    from blampert_env.telemetry import Recorder, TensorBoardSink
    from blampert_env.telemetry.exporter import LiveStatus
    from blampert_env.training.console import RunConsole
    from blampert_env.training.records import open_records
    from blampert_env.training.streaming import stream
    from blampert_env.training.trainer import Trainer

    board = TensorBoardSink(arguments.tensorboard_log / run.name if arguments.tensorboard_log else run.path)
    records = open_records(places, run, run.read_config())
    figures = watched.figures
    figures.run = run.name
    with (
        stream(places, run.path) as streamed,
        Recorder([*records.sinks, board, figures, *streamed.sinks]) as recorder,
        LiveStatus(figures, run.path),
        RunConsole(bar=arguments.progress) as console,
    ):
        console.say(f"blampert: model {watched.model}; steps, scalars and code go to {run.path}")
        figures.bus = streamed.latest or figures.bus
        for line in (*watched.lines, *streamed.lines):
            console.say(f"blampert: {line}")
        on_best = records.learning.best
        trainer = Trainer(
            config, run, agent, collector, recorder, records.stores, console.progress, python, on_best, streamed.sinks
        )
        if state:
            trainer.restore(state)
            console.say(f"blampert: resumed after iteration {trainer.iteration}")
        interrupted = False
        try:
            trainer.begin()
            figures.resume(records.store.totals(by="strategy", run_id=run.name))
            trainer.train()
            trainer.evaluate()
        except KeyboardInterrupt:
            interrupted = True  # everything up to the last finished iteration and episode is saved already
            figures.state = "interrupted"
        rows = list(trainer.results.values()) if interrupted else trainer.table()
    console.table(f"{run.name}: {trainer.iteration} iterations, {trainer.timesteps} steps", rows)
    models_folder = arguments.models_folder or places.models
    policy = run.publish_policy(run.path / (run.read_state() or {})["policy"], models_folder)
    console.say(f"policy: {policy}   best code: {run.path / 'best'}   TensorBoard: tensorboard --logdir {board.path}")
    if interrupted:
        console.say(f"interrupted; go on with --resume {run.path}")
    return INTERRUPTED if interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
