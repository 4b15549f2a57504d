"""How fast the embedded models read and write, and with which of the server's own means: what a token costs.

The prompts are those of the bundled projects' twelve functions, asked with the signature alone and with the code of the
project, greedily; the server says what it took. The memory is the server's after the last answer. Run it alone: the
threads of another job take more than their share.

    python benchmarks/lm_speed.py [--model NAME ...] [--functions 12]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from machine import finish, print_table

from blampert_env.coding import CodingContext, load_strategies
from blampert_env.coding.coder import answer_start, build_request
from blampert_env.lm.completion import Messages
from blampert_env.lm.cores import usable_cores
from blampert_env.lm.embedded import server_environment, slots
from blampert_env.lm.models import bundled_models
from blampert_env.lm.weights import ensure
from blampert_env.projects import Project, bundled_projects, find_project

MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
VARIANTS = ("as it is", "drafts of what it has seen", "the small model drafts", "one thread", "batches of 128")
MAX_TOKENS = 128
_CHILD = """import json, sys
sys.path.insert(0, sys.argv[1])
import lm_speed
lm_speed.serve(json.loads(sys.stdin.readline()))
"""


@dataclass(frozen=True)
class Speed:
    """What one variant came to; rates are tokens a second."""

    model: str
    variant: str
    prompt_tokens: int = 0
    tokens: int = 0
    reading: float = 0.0
    writing: float = 0.0
    seconds_a_call: float = 0.0
    memory_mb: float = 0.0
    same: int = 0
    calls: int = 0


def prompts(count: int) -> list[Messages]:
    """The first functions of the bundled projects, each asked in both ways, the two one after the other."""
    from blampert_env.coding.adapter import FencedCodeAdapter

    found = []
    for name in bundled_projects():
        project = Project.load(find_project(name))
        for target in project.targets:
            context = CodingContext(target=target, files=project.sources, tests=project.tests_for(target))
            for strategy in load_strategies(names=["complete", "complete-siblings"]):
                signature, inputs = build_request(context, strategy)
                found.append(FencedCodeAdapter(answer_start(context, strategy)).format(signature, [], inputs))
    return found[: 2 * count]


def serve(settings: dict[str, Any]) -> None:
    """Be a server of one variant until stdin is closed."""
    import xllamacpp

    from blampert_env.lm.server import parameters

    answer = os.dup(1)
    os.dup2(2, 1)
    params, kinds = parameters(settings), xllamacpp.common_speculative_type
    variant = settings["variant"]
    if variant == "drafts of what it has seen":
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_MOD]
    elif variant == "the small model drafts":
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
        params.speculative.draft.mparams.path = settings["draft"]
    elif variant == "batches of 128":
        params.n_batch = params.n_ubatch = 128
    server = xllamacpp.Server(params)
    os.write(answer, (json.dumps({"url": server.listening_address}) + "\n").encode())
    sys.stdin.read()
    os._exit(0)


@contextmanager
def serving(model: str, variant: str) -> Iterator[tuple[str, int]]:
    """Address and process of a server."""
    spec = bundled_models().model(model)
    settings = {
        "path": str(ensure(spec)),
        "draft": str(ensure(bundled_models().model(MODELS[0]))),
        "model": model,
        "context": spec.context,
        "slots": slots(),
        "threads": 1 if variant == "one thread" else min(usable_cores(), 8),
        "key": "none",
        "variant": variant,
    }
    command = [sys.executable, "-P", "-c", _CHILD, str(Path(__file__).parent)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=server_environment(os.environ),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
        yield json.loads(process.stdout.readline())["url"], process.pid
        process.stdin.close()


def measure(model: str, variant: str, asked: list[Messages]) -> tuple[Speed, list[str]]:
    """One variant on all prompts: its speed, and the answers."""
    read = wrote = read_ms = wrote_ms = 0.0
    answers = []
    with serving(model, variant) as (url, pid), httpx.Client(timeout=600, trust_env=False) as client:
        for messages in asked:
            body = {"messages": messages, "temperature": 0, "max_tokens": MAX_TOKENS, "stop": ["\n```"]}
            reply = client.post(f"{url}/v1/chat/completions", headers={"Authorization": "Bearer none"}, json=body)
            said = reply.raise_for_status().json()
            times = said["timings"]
            read, read_ms = read + times["prompt_n"], read_ms + times["prompt_ms"]
            wrote, wrote_ms = wrote + times["predicted_n"], wrote_ms + times["predicted_ms"]
            answers.append(said["choices"][0]["message"]["content"])
        resident = Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]
    calls = len(asked)
    speed = Speed(model, variant, int(read), int(wrote), read / read_ms * 1e3, wrote / wrote_ms * 1e3,
                  (read_ms + wrote_ms) / 1e3 / calls, int(resident) / 1024, calls, calls)  # fmt: skip
    return speed, answers


def main(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    asked = prompts(arguments.functions)
    speeds: list[Speed] = []
    for model in arguments.model:
        first: list[str] = []
        for variant in VARIANTS:
            if variant == "the small model drafts" and model == MODELS[0]:
                continue
            speed, answers = measure(model, variant, asked)
            first = first or answers
            speeds.append(replace(speed, same=sum(map(str.__eq__, first, answers))))
            print(f"... {model} {variant}: {speed.seconds_a_call:.1f} s a call", file=sys.stderr, flush=True)
    print(f"{len(asked)} prompts, one after the other, temperature 0, at most {MAX_TOKENS} tokens an answer\n")
    print_table(
        ("model", "server", "reads, tokens/s", "writes, tokens/s", "a call", "memory", "same answers"),
        [
            (one.model, one.variant, f"{one.reading:.0f}", f"{one.writing:.1f}", f"{one.seconds_a_call:.1f} s",
             f"{one.memory_mb:,.0f} MB", f"{one.same} of {one.calls}")
            for one in speeds
        ],
    )  # fmt: skip
    print("\nseconds a token (configs/models.yaml):")
    for one in speeds:
        if one.variant == VARIANTS[0]:
            print(f"    embedded/{one.model}: [{1 / one.reading:.4f}, {1 / one.writing:.4f}]")
    finish("lm_speed", [asdict(one) for one in speeds])
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--functions", type=int, default=12, help="of the bundled projects")
    sys.exit(main(parser.parse_args()))
