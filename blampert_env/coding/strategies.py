"""A strategy says how to ask: what the prompt shows, how it asks, how the answer is sampled.

Strategies are data (``configs/strategies.yaml``); adding one is adding YAML. Their order is the order of the
actions of :class:`blampert_env.envs.StrategyEnv`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from blampert_env.errors import ConfigError, unknown_name
from blampert_env.resources import data_dir, load_yaml

Ask = Literal["direct", "plan", "repair", "minimal"]
Show = Literal["docstring", "tests", "failing", "facts", "previous", "siblings", "examples"]

ASKS: tuple[str, ...] = get_args(Ask)
SHOWS: tuple[str, ...] = get_args(Show)
DEMO_TEXTS = ("stub", "siblings", "tests", "code")  # what a demo may hold; the first and the last it must
MAX_INSTRUCTIONS = 2_000  # characters: what stands before every prompt is paid for in every call


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way of asking.

    Attributes:
        name: The YAML key, in kebab-case.
        ask: ``direct`` (write it), ``plan`` (the steps as a comment first, then the code), ``repair`` (mend the
            previous code) or ``minimal`` (code without docstring and comments, the fewest tokens).
        show: What the prompt holds beside the signature: the ``docstring``, the visible ``tests`` that mention the
            target, the ``failing`` tests' output or the ``facts`` in it (``facts.py``), the ``previous`` attempt, the
            ``siblings`` (what it may need of its file and of those that this imports, chosen by ``relevant.py``),
            verified ``examples`` (targets solved earlier in the episode).
        prefill: Start the answer for the LM (an open code fence and the ``def`` line), where it can go on from there.
        temperature: Sampling temperature, >= 0; 0 is greedy and always gives the same answer.
        max_tokens: Most completion tokens, >= 16.
        description: One line for people.
        model: Who is asked: a role (``small``, ``large``), or a name for :func:`blampert_env.lm.resolve`; "" for the
            run's own model.
        instructions: The text that a prompt begins with, in the place of the sentence that ``ask`` has; "" for that.
        demos: Solved functions that every prompt shows first, each its prompt's texts (``stub``, if need be
            ``siblings`` and ``tests``) and the ``code`` that was right. None is shown for the function that it solves.
    """

    name: str
    ask: Ask = "direct"
    show: frozenset[Show] = frozenset({"docstring"})
    prefill: bool = False
    temperature: float = 0.0
    max_tokens: int = 256
    description: str = ""
    model: str = ""
    instructions: str = ""
    demos: tuple[Mapping[str, str], ...] = field(default=(), hash=False)  # compared, but mappings have no hash

    @property
    def needs_attempt(self) -> bool:
        """Whether it shows what an untouched project does not have, such as an attempt, or another target solved."""
        return not self.allowed(has_previous=False, has_failing=False, has_examples=False)

    def allowed(self, *, has_previous: bool, has_failing: bool, has_examples: bool) -> bool:
        """Whether everything this strategy wants to show exists; the env's action mask."""
        return (
            (has_previous or "previous" not in self.show)
            and (has_failing or not {"failing", "facts"} & self.show)
            and (has_examples or "examples" not in self.show)
        )


def _parse(name: str, entry: Mapping[str, Any], where: str) -> Strategy:
    """Check one YAML entry and turn it into a :class:`Strategy`."""
    here = f"{where}, strategy {name!r}"
    known = {"ask", "show", "prefill", "temperature", "max_tokens", "model", "description", "instructions", "demos"}
    known |= {"found"}  # what `blampert optimize` says of its search; for people
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{here}: expected a mapping of settings, found {type(entry).__name__}")
    for key in entry:
        if key not in known:
            raise ConfigError(f"{here}: {unknown_name('key', str(key), known)}")
    ask, show = entry.get("ask", "direct"), entry.get("show", ["docstring"])
    if ask not in ASKS:
        raise ConfigError(f"{here}: {unknown_name('ask', str(ask), ASKS)}")
    if not isinstance(show, Sequence) or isinstance(show, str):
        raise ConfigError(f"{here}: show must be a list, such as [docstring, tests]")
    for item in show:
        if item not in SHOWS:
            raise ConfigError(f"{here}: {unknown_name('show', str(item), SHOWS)}")
    if ask == "repair" and "previous" not in show:
        raise ConfigError(f"{here}: a repair has to show the previous code; add 'previous' to show")
    if ask != "repair" and {"previous", "failing", "facts"} & set(show):
        raise ConfigError(f"{here}: only a repair shows 'previous', 'failing' or 'facts'; set ask: repair or drop them")
    temperature, max_tokens = entry.get("temperature", 0.0), entry.get("max_tokens", 256)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise ConfigError(f"{here}: temperature must be a number from 0 to 2, not {temperature!r}")
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or not 16 <= max_tokens <= 32_768:
        raise ConfigError(f"{here}: max_tokens must be a whole number from 16 to 32768, not {max_tokens!r}")
    prefill = entry.get("prefill", False)
    if not isinstance(prefill, bool):
        raise ConfigError(f"{here}: prefill must be true or false, not {prefill!r}")
    model = entry.get("model", "")
    if not isinstance(model, str) or model != model.strip():
        raise ConfigError(f"{here}: model must be a role or the name of a model, not {model!r}")
    instructions = entry.get("instructions", "")
    if not isinstance(instructions, str) or len(instructions) > MAX_INSTRUCTIONS:
        raise ConfigError(f"{here}: instructions must be a text of at most {MAX_INSTRUCTIONS:,} characters")
    demos = entry.get("demos", [])
    if demos and ask == "repair":
        raise ConfigError(f"{here}: a repair shows the previous code, not demos; drop them")
    if not isinstance(demos, list) or not all(map(_is_demo, demos)):
        raise ConfigError(f"{here}: demos must be a list of texts by name: stub, code, if need be siblings, tests")
    return Strategy(
        name=name,
        ask=ask,
        show=frozenset(show),
        prefill=prefill,
        temperature=float(temperature),
        max_tokens=max_tokens,
        model=model,
        description=str(entry.get("description", "")),
        instructions=instructions.strip(),
        demos=tuple(dict(demo) for demo in demos),
    )


def _is_demo(value: Any) -> bool:
    """Texts that a demo may hold, among them those that it must."""
    return (
        isinstance(value, Mapping)
        and {DEMO_TEXTS[0], DEMO_TEXTS[-1]} <= value.keys() <= set(DEMO_TEXTS)
        and all(isinstance(text, str) for text in value.values())
    )


def load_strategies(path: str | Path | None = None, names: Sequence[str] | None = None) -> tuple[Strategy, ...]:
    """Read strategies from YAML.

    Args:
        path: The file; ``configs/strategies.yaml`` by default.
        names: Keep these only, in this order; all of the file's by default.

    Raises:
        ConfigError: The file is missing or broken, or a name is unknown; file, entry and mend are named.
    """
    file = Path(path) if path is not None else data_dir("configs") / "strategies.yaml"
    content = load_yaml(file)
    entries = content.get("strategies") if isinstance(content, Mapping) else None
    if not isinstance(entries, Mapping) or not entries:
        raise ConfigError(f"{file}: expected a mapping 'strategies:' with at least one entry")
    strategies = {str(name): _parse(str(name), entry or {}, str(file)) for name, entry in entries.items()}
    if names is None:
        return tuple(strategies.values())
    if not names:
        raise ConfigError(f"{file}: at least one strategy must be chosen (known: {', '.join(sorted(strategies))})")
    for name in names:
        if name not in strategies:
            raise ConfigError(f"{file}: {unknown_name('strategy', name, strategies)}")
    return tuple(strategies[name] for name in names)


def strategies_named(names: Sequence[str], path: str | Path | None = None) -> tuple[Strategy, ...]:
    """Strategies of these names, in this order; without a file, of the one that ships and has them all.

    Raises:
        ConfigError: A name is unknown; as :func:`load_strategies`.
    """
    solving = data_dir("configs") / "solve.yaml"
    if path is None and set(names) <= {strategy.name for strategy in load_strategies(solving)}:
        path = solving
    return load_strategies(path, names)


def earlier_draws(strategies: Sequence[Strategy]) -> dict[str, str]:
    """A strategy that samples to the one that asks the same less boldly, by name.

    The greedy answer is the likeliest: a sample is worth its price where that one has failed.
    """
    found = {}
    for strategy in strategies:
        same = [one for one in strategies if _but_temperature(one) == _but_temperature(strategy)]
        colder = [one for one in same if one.temperature < strategy.temperature]
        if colder:
            found[strategy.name] = max(colder, key=lambda one: one.temperature).name
    return found


def _but_temperature(strategy: Strategy) -> Strategy:
    return replace(strategy, name="", description="", temperature=0.0)
