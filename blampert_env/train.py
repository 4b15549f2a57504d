"""Train a policy that learns how to ask an LLM for code: ``python -m blampert_env.train``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.cli.run import INTERRUPTED, natural, positive, run_command
from blampert_env.errors import ConfigError
from blampert_env.training.config import TrainConfig

if TYPE_CHECKING:
    from blampert_env.lm import LanguageModel
    from blampert_env.training.rollout import Collector
    from blampert_env.training.run_folder import RunFolder


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; the short flags are those of RL Baselines3 Zoo."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    # settings of a run have no defaults here, so that --resume can tell what was given; TrainConfig holds them
    add("--project", action="append", metavar="NAME", help="a bundled project or a folder; repeatable (default: all)")
    add("--iterations", type=positive, help="episodes on each project, each followed by an update (default: 5)")
    add("--algo", help="random, fixed, round-robin, thompson, ppo, dqn, a2c or maskable-ppo (default: thompson)")
    add("-n", "--n-timesteps", type=positive, metavar="N", help="train for about N steps instead of by iterations")
    add("--seed", type=natural, help="seeds samples and policy (default: 0)")
    add("--model", help="embedded, ollama/<m>, openai/<m> or any LiteLLM name (default: auto)")
    add("--n-envs", type=positive, help="episodes played at once (default: 1)")
    add("--max-attempts", type=positive, metavar="N", help="steps in an episode (default: 3 a target)")
    add("--rewards", metavar="PROFILE", help="profile of configs/rewards.yaml (default: default)")
    add("--strategies", metavar="FILE", help="strategies to choose from (default: configs/strategies.yaml)")
    add("--isolation", choices=("default", "strict", "none"), help="of the grader (default: default)")
    add("-params", "--hyperparams", nargs="+", metavar="KEY:VALUE", help="override hyperparameters")
    add("--eval-episodes", type=natural, metavar="N", help="greedy episodes on each project at the end (default: 1)")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("-i", "--trained-agent", type=Path, metavar="FILE", help="start from a saved policy")
    start.add_argument("--resume", type=Path, metavar="RUN", help="go on with a run folder that was stopped")
    add("-f", "--log-folder", type=Path, default=Path("logs"), help="where runs are kept (default: logs)")
    add("--models-folder", type=Path, default=Path("models"), help="where the policy is put (default: models)")
    add("-tb", "--tensorboard-log", type=Path, metavar="DIR", help="TensorBoard folder (default: the run's own)")
    add("--metrics-port", type=natural, metavar="PORT", help="serve /metrics on 127.0.0.1 (default: off; 0: any port)")
    add("-P", "--progress", action="store_true", help="show a progress bar")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "python -m blampert_env.train") -> int:
    """Entry point; returns the exit code."""
    arguments = build_parser(prog).parse_args(argv)
    return run_command(prog, lambda: train(arguments))


def train(arguments: argparse.Namespace) -> int:
    """Train, save, evaluate, print the table.

    Raises:
        BlampertError: One line that says what is wrong; what was learnt before is saved.
    """
    # checked before anything slow is loaded, so that a typing mistake costs a second at most
    run, config = _resumed(arguments) if arguments.resume else (None, _config(arguments))
    from blampert_env.projects import Project, find_project

    projects = [Project.load(find_project(name)) for name in config.projects]
    listed = ", ".join(project.name for project in projects)
    what = arguments.trained_agent or config.algo
    print(f"blampert: training {what} on {listed} (seed {config.seed}, model {config.model})", flush=True)

    from blampert_env.envs import SuiteEnv
    from blampert_env.lm import resolve
    from blampert_env.training.rollout import Collector

    lm = resolve(config.model)

    def make_env() -> SuiteEnv:
        return SuiteEnv(
            projects,
            lm=lm,
            strategies=config.strategies,
            rewards=config.rewards,
            max_attempts=config.max_attempts,
            isolation=config.isolation,
        )

    collector = Collector(make_env, config.n_envs)
    try:
        # what can be wrong with projects and model shows here, before a run folder is made
        for name in collector.envs[0].projects:
            collector.envs[0].reset(options={"project": name})
        lm.connect()
        return _run(arguments, config, run, collector, lm)
    finally:
        collector.close()


def _run(
    arguments: argparse.Namespace, config: TrainConfig, run: RunFolder | None, collector: Collector, lm: LanguageModel
) -> int:
    """Make or open the run folder, train in it, print what came of it."""
    from blampert_env.telemetry import ActionStore, Recorder, TensorBoardSink
    from blampert_env.telemetry.exporter import LiveStatus, RunFigures
    from blampert_env.training.console import RunConsole
    from blampert_env.training.metrics import serve_metrics
    from blampert_env.training.run_folder import RunFolder
    from blampert_env.training.start import resolved_settings, start_agent
    from blampert_env.training.trainer import Trainer

    state = run.read_state() if run else None
    saved = run.path / state["policy"] if run and state else None
    agent = start_agent(config, collector.envs[0], saved, steps_done=int(state["timesteps"]) if state else 0)
    if config.trained_agent:
        config = replace(config, algo=agent.name)
    figures = RunFigures(
        config.algo, circuit=lambda: lm.circuit.as_dict(), labels={"algo": config.algo, "model": lm.name}
    )
    with ExitStack() as stack:
        # before a folder is made: a port that is taken leaves nothing behind
        metrics = stack.enter_context(serve_metrics(figures, arguments.metrics_port))
        run = run or RunFolder.create(arguments.log_folder, config.algo, arguments.models_folder)
        run.write_config(config.to_json() | resolved_settings(agent, collector.envs[0], lm.name))
        figures.run = run.name
        board = TensorBoardSink(arguments.tensorboard_log / run.name if arguments.tensorboard_log else run.path)
        store = ActionStore(run.actions)
        recorder = stack.enter_context(Recorder([store, board, figures]))
        stack.enter_context(LiveStatus(figures, run.path))
        console = stack.enter_context(RunConsole(bar=arguments.progress))
        console.say(f"blampert: model {lm.name}; steps, scalars and code go to {run.path}")
        if metrics:
            console.say(f"blampert: metrics at {metrics}")
        trainer = Trainer(config, run, agent, collector, recorder, store, console.progress)
        if state:
            trainer.restore(state)
            console.say(f"blampert: resumed after iteration {trainer.iteration}")
        interrupted = False
        try:
            trainer.begin()
            figures.resume(store.totals(by="strategy", run_id=run.name))
            trainer.train()
            trainer.evaluate()
        except KeyboardInterrupt:
            interrupted = True  # everything up to the last finished iteration and episode is saved already
            figures.state = "interrupted"
        rows = list(trainer.results.values()) if interrupted else trainer.table()
    console.table(f"{run.name}: {trainer.iteration} iterations, {trainer.timesteps} steps", rows)
    policy = run.publish_policy(run.path / (run.read_state() or {})["policy"], arguments.models_folder)
    console.say(f"policy: {policy}   best code: {run.path / 'best'}   TensorBoard: tensorboard --logdir {board.path}")
    if interrupted:
        console.say(f"interrupted; go on with --resume {run.path}")
    return INTERRUPTED if interrupted else 0


def _config(arguments: argparse.Namespace) -> TrainConfig:
    """Check the flags.

    Raises:
        UsageError: An unknown algorithm, project, reward profile, strategy file or hyperparameter.
    """
    from blampert_agents import ALGOS
    from blampert_env.coding import load_strategies
    from blampert_env.errors import unknown_name
    from blampert_env.projects import bundled_projects, find_project
    from blampert_env.rewards import load_rewards

    if arguments.algo is not None and arguments.algo not in ALGOS:
        raise ConfigError(unknown_name("algo", arguments.algo, ALGOS))
    if arguments.trained_agent and (arguments.algo or arguments.hyperparams):
        raise ConfigError("-i goes on with the saved policy's algorithm and hyperparameters; drop --algo and -params")
    if arguments.trained_agent and not arguments.trained_agent.is_file():
        raise ConfigError(f"no policy at {arguments.trained_agent}; see models/ for those that were saved")
    names = list(dict.fromkeys(arguments.project or bundled_projects()))
    # folders as absolute paths: the run may be resumed from another folder
    folders = [str(find_project(name).resolve()) if name not in bundled_projects() else name for name in names]
    load_rewards(arguments.rewards or "default")
    load_strategies(arguments.strategies)
    given = {name: getattr(arguments, name) for name in _SETTINGS if getattr(arguments, name) is not None}
    given |= {"projects": tuple(folders), "hyperparams": parse_hyperparams(arguments.hyperparams or [])}
    for name in ("strategies", "trained_agent"):
        if getattr(arguments, name):
            given[name] = str(Path(getattr(arguments, name)).resolve())
    return TrainConfig(**given)


_SETTINGS: tuple[str, ...] = ("algo", "iterations", "n_timesteps", "seed", "model", "n_envs", "max_attempts", "rewards")
_SETTINGS += ("isolation", "eval_episodes")
_FIXED_BY_RUN = ("project", "strategies", "hyperparams", *(set(_SETTINGS) - {"iterations", "n_timesteps"}))


def _resumed(arguments: argparse.Namespace) -> tuple[RunFolder, TrainConfig]:
    """The run to go on with and its settings; ``--iterations`` and ``-n`` may ask for another length.

    Raises:
        UsageError: There is no such run, or a flag says otherwise than the run.
    """
    from blampert_env.training.run_folder import RunFolder

    run = RunFolder.open(arguments.resume)
    for name in sorted(_FIXED_BY_RUN):
        if getattr(arguments, name) is not None:
            raise ConfigError(f"--{name.replace('_', '-')} cannot be changed with --resume; start a new run with -i")
    content = run.read_config()
    config = TrainConfig.from_json(content)
    # the model that "auto" meant then, not what it would mean now
    config = replace(config, model=content.get("resolved_model", config.model))
    if arguments.n_timesteps:
        return run, replace(config, n_timesteps=arguments.n_timesteps)
    if arguments.iterations:
        return run, replace(config, iterations=arguments.iterations, n_timesteps=None)
    return run, config


def parse_hyperparams(pairs: Sequence[str]) -> Mapping[str, Any]:
    """``["learning_rate:0.001"]`` to ``{"learning_rate": 0.001}``; values are YAML scalars, never evaluated.

    Raises:
        ConfigError: A pair without a colon, or a value that is no YAML.
    """
    import yaml

    values: dict[str, Any] = {}
    for pair in pairs:
        key, colon, text = pair.partition(":")
        if not (key and colon and text):
            raise ConfigError(f"--hyperparams {pair!r}: expected KEY:VALUE, such as learning_rate:0.001")
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--hyperparams {pair!r}: the value is no YAML; quote it") from error
    return values


if __name__ == "__main__":
    sys.exit(main())
