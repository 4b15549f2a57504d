"""What watches a run from inside: its figures, and ``/metrics`` where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from blampert_env.errors import ConfigError
from blampert_env.lm import LanguageModel
from blampert_env.telemetry.exporter import RunFigures
from blampert_env.workspace import AgentConfig, Workspace


@dataclass(frozen=True, slots=True)
class Watched:
    """A run that is watched.

    Attributes:
        figures: What it adds up to; a sink.
        model: Name of its LM.
        lines: What to tell the user.
    """

    figures: RunFigures
    model: str
    lines: tuple[str, ...]


@contextmanager
def watch(
    lm: LanguageModel, algo: str, port: int | None, settings: AgentConfig, workspace: Workspace | None
) -> Iterator[Watched]:
    """Count a run's figures, and serve them while the body runs: at ``port``, else at the workspace's streaming port.

    A port that a flag asks for must be free: whoever asks for metrics shall not train without them unawares. That of
    the workspace may be taken by another agent's run: then one line says so, and the run goes on.

    Raises:
        ConfigError: ``port`` is taken.
    """
    figures = RunFigures(algo, circuit=lambda: lm.circuit.as_dict(), labels={"algo": algo, "model": lm.name})
    asked = port
    if port is None and workspace is not None and settings.streaming.enabled:
        port = settings.streaming.port
    lines: list[str] = []
    with ExitStack() as stack:
        if port is not None:
            from blampert_env.telemetry.exporter import Exporter

            try:
                exporter = stack.enter_context(Exporter(figures, port))
                lines.append(f"metrics at {exporter.url}/metrics")
            except ConfigError as error:
                if asked is not None:
                    raise
                lines.append(f"no metrics for this run: {error}")
        yield Watched(figures, lm.name, tuple(lines))
