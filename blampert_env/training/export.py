"""The steps of a run as a file for other programs: JSON lines, CSV, or chats to fine-tune an LM on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from blampert_env.atomic import atomic_path
from blampert_env.telemetry import ActionStore, StepEvent
from blampert_env.training.run_folder import RunFolder

FORMATS = {
    "jsonl": "every step with every field, a JSON object a line",
    "csv": "the same as a table; reward terms as JSON",
    "chat": "accepted edits as chats, {'messages': [...]} a line, for fine-tuning",
}
_PAGE = 1_000


def export_steps(run: RunFolder, goal: Path, kind: str) -> int:
    """Write a run's steps; a file that is there is replaced, whole or not at all.

    Args:
        run: The run.
        goal: The file.
        kind: One of :data:`FORMATS`.

    Returns:
        How many lines (without a heading) were written.

    Raises:
        UsageError: Nothing was recorded.
        StorageError: It cannot be read or written.
    """
    writers = {"jsonl": _write_jsonl, "csv": _write_csv, "chat": _write_chat}
    with (
        ActionStore(run.actions, readonly=True) as store,
        atomic_path(goal) as draft,
        draft.open("w", encoding="utf-8", newline="") as file,
    ):
        return writers[kind](_steps(store, run.name), file)


def chat(step: StepEvent) -> dict[str, list[dict[str, str]]] | None:
    """A step as a chat: the messages that were asked, then the answer; None where the prompt was not recorded.

    An answer that the prompt had begun is one assistant message, and its code block is closed: the LM was stopped at
    the fence. Nothing else is added, no system message that was not sent.
    """
    if not step.prompt:
        return None
    messages = [dict(message) for message in json.loads(step.prompt)]
    answer = step.reply
    if messages[-1]["role"] == "assistant":
        start = messages.pop()["content"]
        answer = answer if answer.lstrip().startswith(("```", "def ", "async def ")) else start + answer
    fences = sum(line.lstrip().startswith("```") for line in answer.splitlines())
    if fences % 2:
        answer = answer.rstrip("\n") + "\n```"
    return {"messages": [*messages, {"role": "assistant", "content": answer}]}


def _steps(store: ActionStore, run_id: str) -> Iterator[StepEvent]:
    """Every step, page by page: a run may be larger than memory."""
    after = 0
    while page := store.rows(run_id, after=after, limit=_PAGE, prompts=True):
        yield from (step for _, step in page)
        after = page[-1][0]


def _write_jsonl(steps: Iterator[StepEvent], file: TextIO) -> int:
    count = 0
    for step in steps:
        file.write(json.dumps(step.to_dict()) + "\n")
        count += 1
    return count


def _write_csv(steps: Iterator[StepEvent], file: TextIO) -> int:
    writer = csv.DictWriter(file, list(StepEvent.__dataclass_fields__))
    writer.writeheader()
    count = 0
    for step in steps:
        row = step.to_dict()
        writer.writerow(row | {"reward_terms": json.dumps(row["reward_terms"], ensure_ascii=False)})
        count += 1
    return count


def _write_chat(steps: Iterator[StepEvent], file: TextIO) -> int:
    count = 0
    for step in steps:
        if step.accepted and (written := chat(step)):
            file.write(json.dumps(written) + "\n")
            count += 1
    return count
