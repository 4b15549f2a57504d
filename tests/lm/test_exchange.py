"""A pool as a file for others: what is in it, what is not, and what becomes of a broken one."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from blampert_env.cli import main
from blampert_env.errors import UsageError
from blampert_env.lm import LanguageModel, NotInPool, SamplePool, resolve
from blampert_env.lm.clients import Client
from blampert_env.lm.completion import Completion, Messages
from blampert_env.lm.exchange import export_pool, import_pool, summary
from blampert_env.lm.store import SampleStore

PROMPT: Messages = [{"role": "user", "content": "the secret source of a package"}]


class Counter(Client):
    """Answers with how often it was asked."""

    def __init__(self, name: str = "m") -> None:
        self.name, self.asked = name, 0

    def identity(self) -> str:
        return f"gguf:{self.name}"

    def chat(self, messages: Messages, **decoding: Any) -> Completion:
        self.asked += 1
        return Completion(f"answer {self.asked}\nwith ünïcode", 10, 3, "stop", False, 0.5)


def filled(path: Path, names: tuple[str, ...] = ("m",), samples: int = 2) -> SampleStore:
    for name in names:
        lm = LanguageModel(name, Counter(name), pool=SamplePool(path, 4))
        for draw in range(samples):
            lm.complete(PROMPT, temperature=0.5, max_tokens=10, stop=["x"], draw=draw)
    return SampleStore(path)


def test_what_is_exported_is_what_is_imported(tmp_path: Path) -> None:
    store, file = filled(tmp_path / "a.db", ("m", "n")), tmp_path / "a.jsonl.gz"
    assert export_pool(store, file) == (4, 0)
    other = SampleStore(tmp_path / "b.db")
    taken = import_pool(other, file)
    assert (taken.added, taken.present, dict(taken.models), dict(taken.refused)) == (4, 0, {"m": 2, "n": 2}, {})
    again = import_pool(other, file)
    assert (again.added, again.present) == (0, 4)
    assert export_pool(other, tmp_path / "b.jsonl.gz") == (4, 0)
    assert (tmp_path / "b.jsonl.gz").read_bytes() == file.read_bytes()
    assert summary(other) == {name: {"requests": 1, "samples": 2, "tokens": 6} for name in ("m", "n")}


def test_the_prompt_is_not_in_it_and_the_model_is(tmp_path: Path) -> None:
    export_pool(filled(tmp_path / "a.db"), tmp_path / "a.jsonl.gz")
    text = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode()
    assert "secret" not in text
    head, line, _ = map(json.loads, text.splitlines())
    assert head == {"format": "blampert-samples", "version": 1, "samples": 2}
    assert (line["model"], line["identity"]) == ("m", "gguf:m")
    assert line["decoding"] == {"temperature": 0.5, "max_tokens": 10, "stop": ["x"], "top_p": 1.0}


def test_an_imported_sample_answers_and_nobody_is_asked(tmp_path: Path) -> None:
    export_pool(filled(tmp_path / "a.db"), tmp_path / "a.jsonl.gz")
    import_pool(SampleStore(tmp_path / "b.db"), tmp_path / "a.jsonl.gz")
    client = Counter()
    lm = LanguageModel("m", client, pool=SamplePool(tmp_path / "b.db", 4), pool_only=True)
    said = lm.complete(PROMPT, temperature=0.5, max_tokens=10, stop=["x"], draw=1)
    assert (said.text, said.cached) == ("answer 2\nwith ünïcode", True)
    for other in ({"draw": 2}, {"temperature": 0.6}, {"max_tokens": 11}):
        asked: dict[str, Any] = {"temperature": 0.5, "max_tokens": 10, "stop": ["x"], "draw": 1} | other
        with pytest.raises(NotInPool, match=r"b\.db has no answer of m to this prompt"):
            lm.complete(PROMPT, **asked)
    assert client.asked == 0
    assert SamplePool(tmp_path / "b.db").count() == 2


def test_one_model_can_be_chosen(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.db", ("m", "n"))
    assert export_pool(store, tmp_path / "n.jsonl.gz", "n") == (2, 0)
    with pytest.raises(UsageError, match="no sample of o to export"):
        export_pool(store, tmp_path / "o.jsonl.gz", "o")
    assert not (tmp_path / "o.jsonl.gz").exists()


def test_a_pool_of_the_first_schema_goes_on(tmp_path: Path) -> None:
    """Its samples answer; that they do not say their model is counted."""
    store = filled(tmp_path / "a.db")
    store.close()
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.executescript("DROP TABLE requests; PRAGMA user_version = 1;")
    with pytest.raises(UsageError, match="no sample"):
        export_pool(SampleStore(tmp_path / "a.db"), tmp_path / "a.jsonl.gz")
    store = filled(tmp_path / "a.db", ("n",))
    assert export_pool(store, tmp_path / "a.jsonl.gz") == (2, 2)
    assert list(summary(store)) == ["", "n"]


def line_with(**changes: Any) -> dict[str, Any]:
    line = {"key": "a" * 64, "slot": 0, "model": "m", "identity": "gguf:m", "prompt_sha256": "b" * 64, "decoding": {}}
    answer = {"text": "", "finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1, "latency_s": 0.1}
    found = {**line, **answer, **changes}
    return {name: value for name, value in found.items() if value is not ...}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON object"),
        ("[1]", "no JSON object"),
        (line_with(text=...), "a field is missing or no text"),
        (line_with(decoding=[]), "a field is missing or no text"),
        (line_with(slot=-1), "a count is missing or no whole number"),
        (line_with(slot=True), "a count is missing or no whole number"),
        (line_with(completion_tokens=1.5), "a count is missing or no whole number"),
        (line_with(key="abc"), "a key is no SHA-256"),
        (line_with(finish_reason="error"), "no answer of a model"),
        (line_with(latency_s=float("nan")), "its time is no number"),
    ],
)
def test_a_line_that_is_no_sample_is_counted_and_the_rest_taken(tmp_path: Path, line: Any, reason: str) -> None:
    head = json.dumps({"format": "blampert-samples", "version": 1})
    bad = line if isinstance(line, str) else json.dumps(line)
    text = "\n".join([head, bad, json.dumps(line_with())]) + "\n"
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    taken = import_pool(SampleStore(tmp_path / "b.db"), tmp_path / "a.jsonl.gz")
    assert (taken.added, dict(taken.refused)) == (1, {reason: 1})


def test_a_file_that_is_cut_off_gives_what_it_holds(tmp_path: Path) -> None:
    export_pool(filled(tmp_path / "a.db", samples=4), tmp_path / "a.jsonl.gz")
    whole = (tmp_path / "a.jsonl.gz").read_bytes()
    (tmp_path / "a.jsonl.gz").write_bytes(whole[:-9])
    taken = import_pool(SampleStore(tmp_path / "b.db"), tmp_path / "a.jsonl.gz")
    assert taken.refused["the file is cut off"] == 1
    assert taken.added >= 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no samples"),
        (b"plain text", "holds no samples"),
        (gzip.compress(b"{}\n"), "holds no samples"),
        (gzip.compress(b'{"format": "blampert-samples", "version": 9}\n'), "version 9"),
    ],
)
def test_another_file_is_one_line(
    tmp_path: Path, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_bytes(content)
    assert main(["pool", "import", str(tmp_path / "x"), "--pool", str(tmp_path / "b.db")]) == 2
    assert said in capsys.readouterr().err


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "a.db").close()
    pool = ["--pool", str(tmp_path / "a.db")]
    assert main(["pool", "info", "--json", *pool]) == 0
    assert json.loads(capsys.readouterr().out)["models"] == {"m": {"requests": 1, "samples": 2, "tokens": 6}}
    assert main(["pool", "info", *pool]) == 0
    assert "2 samples of 1 requests, 6 tokens  m" in capsys.readouterr().out
    assert main(["pool", "export", str(tmp_path / "a.jsonl.gz"), *pool]) == 0
    assert main(["pool", "import", str(tmp_path / "a.jsonl.gz"), "--pool", str(tmp_path / "b.db")]) == 0
    assert "added 2 samples" in capsys.readouterr().out
    assert main(["pool", "import", str(tmp_path / "nowhere"), *pool]) == 1
    assert "cannot read" in capsys.readouterr().err


def test_pool_only_needs_a_pool() -> None:
    with pytest.raises(UsageError, match="pool_only needs a pool"):
        resolve("embedded", pool=False, pool_only=True)


def test_when_a_sample_was_drawn_stays(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.db")
    store.close()
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("UPDATE samples SET created = 1234567890")
    export_pool(store, tmp_path / "a.jsonl.gz")
    other = SampleStore(tmp_path / "b.db")
    import_pool(other, tmp_path / "a.jsonl.gz")
    assert {created for _, _, _, created, _ in other.all()} == {1234567890}


@pytest.mark.parametrize("command", [["info"], ["export", "FILE"], ["import", "FILE"]], ids=lambda words: words[0])
def test_a_damaged_pool_is_one_line(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    export_pool(filled(tmp_path / "a.db"), tmp_path / "FILE")
    (tmp_path / "bad.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    words = [str(tmp_path / word) if word == "FILE" else word for word in command]
    assert main(["pool", *words, "--pool", str(tmp_path / "bad.db")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "bad.db is damaged" in line
