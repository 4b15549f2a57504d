"""Train a policy that learns how to ask an LLM for code: ``python -m blampert_env.train``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blampert_env.cli.run import INTERRUPTED, run_command
from blampert_env.errors import BlampertError, ConfigError
from blampert_env.training.config import TrainConfig, installed_versions

if TYPE_CHECKING:
    from blampert_env.projects import Project
    from blampert_env.training.run_folder import RunFolder
    from blampert_env.training.trainer import Trainer


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line; the short flags are those of RL Baselines3 Zoo."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--project", action="append", metavar="NAME", help="a bundled project or a folder; repeatable (default: all)")
    add("--iterations", type=_positive, default=5, help="episodes on each project, each followed by an update")
    add("--algo", default="thompson", help="random, fixed, round-robin, thompson, ppo, dqn, a2c or maskable-ppo")
    add("-n", "--n-timesteps", type=_positive, metavar="N", help="train for about N steps instead of by iterations")
    add("--seed", type=_natural, default=0, help="seeds samples and policy (default: 0)")
    add("--model", default="auto", help="embedded, ollama/<m>, openai/<m> or any LiteLLM name (default: auto)")
    add("--n-envs", type=_positive, default=1, help="episodes played at once (default: 1)")
    add("--max-attempts", type=_positive, metavar="N", help="steps in an episode (default: 4 a target)")
    add("--rewards", default="default", metavar="PROFILE", help="profile of configs/rewards.yaml")
    add("--strategies", metavar="FILE", help="strategies to choose from (default: configs/strategies.yaml)")
    add("--isolation", default="default", choices=("default", "strict", "none"), help="of the grader")
    add("-params", "--hyperparams", nargs="+", default=[], metavar="KEY:VALUE", help="override hyperparameters")
    add("--eval-episodes", type=_natural, default=1, metavar="N", help="greedy episodes on each project at the end")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("-i", "--trained-agent", type=Path, metavar="FILE", help="go on from a saved policy")
    start.add_argument("--resume", type=Path, metavar="RUN", help="go on with a run folder that was stopped")
    add("-f", "--log-folder", type=Path, default=Path("logs"), help="where runs are kept (default: logs)")
    add("--models-folder", type=Path, default=Path("models"), help="where the policy is put (default: models)")
    add("-tb", "--tensorboard-log", type=Path, metavar="DIR", help="TensorBoard folder (default: the run's own)")
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
    print(f"blampert: training {config.algo} on {listed} (seed {config.seed}, model {config.model})", flush=True)

    from blampert_agents import load_agent, load_hyperparams, make_agent
    from blampert_agents.hyperparams import SB3_ALGOS
    from blampert_env.coding import load_strategies
    from blampert_env.envs import SuiteEnv
    from blampert_env.lm import resolve
    from blampert_env.telemetry import ActionStore, Recorder, TensorBoardSink
    from blampert_env.training.console import RunConsole
    from blampert_env.training.rollout import Collector
    from blampert_env.training.run_folder import RunFolder
    from blampert_env.training.trainer import Trainer

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
        env = collector.envs[0]
        state = run.read_state() if run else None
        saved = run.path / state["policy"] if run and state else arguments.trained_agent
        spaces = env.observation_space, env.action_space
        names = [strategy.name for strategy in load_strategies(config.strategies)]
        max_attempts = env.current.session.max_attempts
        if saved:
            agent = load_agent(
                saved,
                observation_space=spaces[0],
                action_space=spaces[1],
                action_names=names,
                n_timesteps=config.planned_steps(max_attempts) - int((state or {}).get("timesteps", 0)),
            )
        else:
            plan = {"n_timesteps": config.planned_steps(max_attempts)} if config.algo in SB3_ALGOS else {}
            hyperparams = load_hyperparams(config.algo, _env_id(projects), plan | dict(config.hyperparams))
            agent = make_agent(config.algo, *spaces, seed=config.seed, hyperparams=hyperparams, action_names=names)
        run = run or RunFolder.create(arguments.log_folder, config.algo)
        run.write_config(config.to_json() | {"versions": installed_versions(), "resolved_model": lm.name})
        board = TensorBoardSink(arguments.tensorboard_log / run.name if arguments.tensorboard_log else run.path)
        with (
            Recorder([ActionStore(run.actions), board]) as recorder,
            RunConsole(bar=arguments.progress) as console,
        ):
            console.say(f"blampert: model {lm.name}; steps, scalars and code go to {run.path}")
            trainer = Trainer(config, run, agent, collector, recorder, console.progress)
            if state:
                trainer.restore(state)
                console.say(f"blampert: resumed after iteration {trainer.iteration}")
            interrupted = _train_and_evaluate(trainer)
            rows = trainer.table() if not interrupted else list(trainer.results.values())
        console.table(f"{run.name}: {trainer.iteration} iterations, {trainer.timesteps} steps", rows)
        policy = run.publish_policy(run.path / (run.read_state() or {})["policy"], arguments.models_folder)
        console.say(
            f"policy: {policy}   best code: {run.path / 'best'}   TensorBoard: tensorboard --logdir {board.path}"
        )
        if interrupted:
            console.say(f"interrupted; go on with --resume {run.path}")
        return INTERRUPTED if interrupted else 0
    finally:
        collector.close()


def _env_id(projects: Sequence[Project]) -> str:
    """The id whose hyperparameters fit: the project's own, or the suite's for several."""
    from blampert_env.envs.registration import SUITE_ID
    from blampert_env.projects import env_id

    return env_id(projects[0].name) if len(projects) == 1 else SUITE_ID


def _train_and_evaluate(trainer: Trainer) -> bool:
    """Train and evaluate; True if Ctrl-C ended it. What was learnt is saved whichever way it ends."""
    try:
        trainer.train()
        trainer.evaluate()
    except KeyboardInterrupt:
        trainer.save()
        return True
    except BlampertError:
        trainer.save()
        raise
    return False


def _config(arguments: argparse.Namespace) -> TrainConfig:
    """Check the flags.

    Raises:
        UsageError: An unknown algorithm, project, reward profile, strategy file or hyperparameter.
    """
    from blampert_agents import ALGOS, load_hyperparams
    from blampert_env.coding import load_strategies
    from blampert_env.errors import unknown_name
    from blampert_env.projects import bundled_projects, find_project
    from blampert_env.rewards import load_rewards

    if arguments.algo not in ALGOS:
        raise ConfigError(unknown_name("algo", arguments.algo, ALGOS))
    names = list(dict.fromkeys(arguments.project or bundled_projects()))
    for name in names:
        find_project(name)
    overrides = parse_hyperparams(arguments.hyperparams)
    load_hyperparams(arguments.algo, overrides=overrides)
    load_rewards(arguments.rewards)
    load_strategies(arguments.strategies)
    return TrainConfig(
        projects=tuple(names),
        algo=arguments.algo,
        iterations=arguments.iterations,
        n_timesteps=arguments.n_timesteps,
        seed=arguments.seed,
        model=arguments.model,
        n_envs=arguments.n_envs,
        max_attempts=arguments.max_attempts,
        rewards=arguments.rewards,
        strategies=arguments.strategies,
        isolation=arguments.isolation,
        hyperparams=overrides,
        eval_episodes=arguments.eval_episodes,
    )


def _resumed(arguments: argparse.Namespace) -> tuple[RunFolder, TrainConfig]:
    """The run to go on with and its settings; ``--iterations`` and ``-n`` may ask for more than it was told."""
    from blampert_env.training.run_folder import RunFolder

    run = RunFolder.open(arguments.resume)
    config = TrainConfig.from_json(run.read_config())
    iterations = max(config.iterations, arguments.iterations)
    return run, replace(config, iterations=iterations, n_timesteps=arguments.n_timesteps or config.n_timesteps)


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


def _positive(text: str) -> int:
    value = _natural(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
