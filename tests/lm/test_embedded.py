"""The real embedded model: its weights (fetched if they are not in the cache), its server, its answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import blampert_env
from blampert_env.errors import LMUnavailable
from blampert_env.lm import ContextOverflow, LanguageModel, embedded, resolve, weights
from blampert_env.lm.cores import _quota, usable_cores
from blampert_env.lm.models import bundled_models

ROOT = Path(blampert_env.__file__).parents[1]
ADD = [{"role": "user", "content": "Write a Python function add(a, b). Reply with one fenced block."}]


def test_cores(tmp_path: Path):
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    for text, cores in (("150000 100000", 2), ("100000 100000", 1), ("max 100000", 1 << 16)):
        (tmp_path / "cpu.max").write_text(text)
        assert _quota(tmp_path / "cpu.max") == cores
    assert _quota(tmp_path / "nothing") == 1 << 16


def test_a_server_that_cannot_load_says_so(cache: Path, tmp_path: Path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\0" * 1000)
    with pytest.raises(LMUnavailable, match=r"ended while it loaded .*the log is") as caught:
        embedded.connect(bad, model="bad", context=512)
    assert "\n" not in str(caught.value)
    assert embedded._started == {}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of its own (its own server and pool) with the real weights."""
    spec = bundled_models().model("qwen2.5-coder-0.5b")
    real = weights.ensure(spec)
    folder = tmp_path_factory.mktemp("cache")
    (folder / "models").mkdir()
    for name in (real.name, f"{real.name}.verified"):
        (folder / "models" / name).symlink_to(real.with_name(name))
    before = os.environ.get("BLAMPERT_CACHE")
    os.environ["BLAMPERT_CACHE"] = str(folder)
    yield folder
    embedded.stop_all()
    if before is None:
        del os.environ["BLAMPERT_CACHE"]
    else:
        os.environ["BLAMPERT_CACHE"] = before


@pytest.fixture
def lm(home: Path, tmp_path: Path) -> Iterator[LanguageModel]:
    lm = resolve("embedded", pool=tmp_path / "samples.sqlite3")
    yield lm
    lm.close()


def registry(home: Path) -> dict[str, object]:
    (path,) = (home / "run").glob("*.json")
    return dict(json.loads(path.read_text()))


def run(script: str, home: Path, **kwargs: object) -> subprocess.Popen[str]:
    prelude = "import os, sys, time\nfrom blampert_env.lm import resolve\nlm = resolve('embedded', pool=False)\n"
    prelude += f"def ask(**kw): return lm.complete({ADD!r}, temperature=0.8, max_tokens=8, **kw).text\n"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + script],
        cwd=ROOT,
        env={**os.environ, "BLAMPERT_CACHE": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether the process ends within some seconds (a zombie has ended)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.llm
def test_the_same_draw_is_the_same_text_in_any_pool_and_other_draws_differ(lm: LanguageModel, tmp_path: Path):
    other = resolve("embedded", pool=tmp_path / "other.sqlite3")
    animal = [{"role": "user", "content": "Name an animal and say in one sentence why you like it."}]
    texts = [lm.complete(animal, temperature=1.0, max_tokens=24, draw=draw).text for draw in range(3)]
    assert len(set(texts)) == 3
    fresh = [other.complete(animal, temperature=1.0, max_tokens=24, draw=draw) for draw in range(3)]
    assert [completion.text for completion in fresh] == texts
    assert not any(completion.cached for completion in fresh)
    other.close()


@pytest.mark.llm
def test_stop_strings_and_token_counts(lm: LanguageModel):
    whole = lm.complete(ADD, temperature=0, max_tokens=200)
    assert whole.finish_reason == "stop"
    assert "def add" in whole.text
    stopped = lm.complete(ADD, temperature=0, max_tokens=200, stop=["return"])
    assert stopped.text == whole.text.split("return")[0]
    assert stopped.completion_tokens < whole.completion_tokens
    cut = lm.complete(ADD, temperature=0, max_tokens=5)
    assert (cut.completion_tokens, cut.finish_reason) == (5, "length")
    assert cut.prompt_tokens == whole.prompt_tokens > 15
    longer = lm.complete([{"role": "user", "content": ADD[0]["content"] * 10}], temperature=0, max_tokens=1)
    assert longer.prompt_tokens > cut.prompt_tokens + 9 * 10


@pytest.mark.llm
def test_an_open_assistant_message_is_continued(lm: LanguageModel):
    start = "```python\ndef add(a, b):\n"
    messages = [*ADD, {"role": "assistant", "content": start}]
    completion = lm.complete(messages, temperature=0, max_tokens=120, stop=["\n```"])
    assert "def add" not in completion.text
    namespace: dict[str, object] = {}
    exec(start.removeprefix("```python\n") + completion.text, namespace)
    assert namespace["add"](2, 3) == 5  # type: ignore[operator]


@pytest.mark.llm
def test_a_prompt_that_is_too_long(lm: LanguageModel):
    with pytest.raises(ContextOverflow, match="4096"):
        lm.complete([{"role": "user", "content": "word " * 6000}], temperature=0, max_tokens=5)
    assert lm.circuit.failures == 0


@pytest.mark.llm
def test_dspy_predicts(lm: LanguageModel):
    import dspy

    one = lm.dspy_lm(temperature=0.0, max_tokens=40)
    with dspy.context(lm=one, adapter=dspy.ChatAdapter()):
        answer = dspy.Predict("question -> answer")(question="What is the capital of France?").answer
    assert "Paris" in answer
    assert one.completions[0].prompt_tokens > 50


@pytest.mark.llm
def test_processes_share_one_server(lm: LanguageModel, home: Path):
    lm.complete(ADD, temperature=0, max_tokens=1)
    server = registry(home)
    workers = [run("print(ask()); print(lm.client._endpoint.pid)", home) for _ in range(2)]
    outputs = [worker.communicate(timeout=120) for worker in workers]
    assert [err for _, err in outputs] == ["", ""]
    assert outputs[0] == outputs[1]
    assert outputs[0][0].splitlines()[-1] == str(server["pid"])
    assert registry(home) == server
    assert oct(next((home / "run").glob("*.json")).stat().st_mode)[-3:] == "600"


@pytest.mark.llm
def test_a_server_that_died_is_replaced(lm: LanguageModel, home: Path):
    first = lm.complete(ADD, temperature=0, max_tokens=1)
    pid = registry(home)["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    assert lm.complete(ADD, temperature=0, max_tokens=2).text.startswith(first.text)
    assert registry(home)["pid"] != pid


@pytest.fixture
def other_home(home: Path, tmp_path: Path) -> Path:
    """A cache folder without a server."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "models").symlink_to(home / "models")
    return tmp_path / "home"


@pytest.mark.llm
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_the_server_ends_with_its_owner(other_home: Path, end: signal.Signals | None):
    script = "ask()\nprint(lm.client._endpoint.pid, flush=True)\n" + ("time.sleep(60)" if end else "")
    owner = run(script, other_home)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    if end:
        owner.send_signal(end)
    out, err = owner.communicate(timeout=20)
    assert (out, err) == ("", "") or end == signal.SIGINT
    assert gone(pid)


@pytest.mark.llm
def test_a_forked_child_connects_and_ends_without_ending_the_server(other_home: Path):
    script = (
        "first = ask()\npid = os.fork()\n"
        "if pid == 0:\n    assert ask() == first; sys.exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), ask() == first, lm.calls)"
    )
    out, err = run(script, other_home).communicate(timeout=120)
    assert (out, err) == ("7 True 2\n", "")
