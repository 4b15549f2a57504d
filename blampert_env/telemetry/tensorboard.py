"""TensorBoard scalars, written with tensorboard's own records: no torch, no tensorflow.

tensorboard's ``RecordWriter`` is used directly. Its ``EventFileWriter`` writes from a thread of its own, where a full
disk ends in a traceback on the screen instead of an error for the recorder.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blampert_env.telemetry.events import Event, StepEvent

_FILES = itertools.count()


class TensorBoardSink:
    """Writes scalars under ``path``; not durable, so its failure never stops a run.

    Steps are summed up and written whenever the trainer reports its own scalars, at the same x, so that all curves of
    a run share one axis (environment steps):

    ========================  =================================================================
    ``reward/<term>``         mean of the weighted reward term over the steps since the last report
    ``llm/calls``             LM calls in these steps
    ``llm/completion_tokens`` completion tokens in these steps
    ``llm/cost``              cost of these calls at the models' prices, in seconds, pool hits included
    ``llm/latency_s``         mean seconds a step waited for the LM
    ``llm/cached_fraction``   share of the steps answered from the sample pool, in [0, 1]
    ``time/grade_s``          mean seconds a step spent on grading
    ========================  =================================================================

    Args:
        path: Folder of the run, as given to ``tensorboard --logdir``; made with the first scalar.
    """

    name = "TensorBoard"
    durable = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._writer: Any = None
        self._sums: dict[str, float] = defaultdict(float)
        self._steps = 0  # steps summed up since the last report
        self._x = 0  # x of the last report

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write one point.

        Args:
            tag: Such as ``"eval/mean_reward"``.
            value: The number; NaN is drawn as a gap.
            step: The x: environment steps of the run so far.

        Raises:
            OSError: The file cannot be written.
        """
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._add(step=int(step), summary=Summary(value=[Summary.Value(tag=tag, simple_value=float(value))]))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write the trainer's numbers and, at the same x, what the steps since the last report add up to."""
        for tag, value in {**self._report(), **values}.items():
            self.scalar(tag, value, step)
        self._x = step
        self.flush()

    def write(self, event: Event) -> None:
        """Add a step to the sums; episodes are the trainer's to report."""
        if not isinstance(event, StepEvent):
            return
        self._steps += 1
        self._sums["llm/calls"] += event.lm_calls
        self._sums["llm/completion_tokens"] += event.completion_tokens
        self._sums["llm/cost"] += event.cost
        self._sums["llm/latency_s"] += event.lm_latency_s
        self._sums["llm/cached_fraction"] += event.cached
        self._sums["time/grade_s"] += event.grade_s
        for term, value in event.reward_terms.items():
            self._sums[f"reward/{term}"] += value

    def flush(self) -> None:
        """Put what was written so far on the disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Write what is still summed up, flush, close; calling it twice is fine."""
        try:
            if self._steps:
                self.scalars({}, self._x + self._steps)
        finally:
            if self._writer is not None:
                writer, self._writer = self._writer, None
                writer.close()

    def _report(self) -> dict[str, float]:
        counts = ("llm/calls", "llm/completion_tokens", "llm/cost")
        report = {tag: total if tag in counts else total / self._steps for tag, total in self._sums.items()}
        self._sums.clear()
        self._steps = 0
        return report

    def _add(self, **values: Any) -> None:
        """Append one record; the file is made with the first, unless the sink is never used."""
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.summary.writer.record_writer import RecordWriter

        if self._writer is None:
            self.path.mkdir(parents=True, exist_ok=True)
            name = f"events.out.tfevents.{int(time.time()):010d}.{os.getpid()}.{next(_FILES)}"
            self._writer = RecordWriter(open(self.path / name, "xb"))  # noqa: SIM115 (closed in close())
            self._add(file_version="brain.Event:2")
        self._writer.write(Record(wall_time=time.time(), **values).SerializeToString())
