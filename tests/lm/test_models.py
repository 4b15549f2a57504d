from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from blampert_env.errors import ConfigError, UsageError
from blampert_env.lm.models import HubSource, WheelsSource, bundled_models, load_models
from blampert_env.resources import data_dir

GOOD: dict[str, Any] = yaml.safe_load((data_dir("configs") / "models.yaml").read_text())


def test_the_bundled_file():
    config = bundled_models()
    spec = config.model(config.default)
    assert spec.size == 491_400_064
    assert [type(source) for source in spec.sources] == [HubSource, WheelsSource]
    assert isinstance(spec.sources[1], WheelsSource)
    assert [part.package[-1] for part in spec.sources[1].parts] == list("123456")
    assert {"qwen2.5-coder-0.5b", "smollm2-135m"} <= set(config.embedded)


def test_an_unknown_model_names_the_closest():
    with pytest.raises(UsageError, match=r"did you mean 'smollm2-135m'"):
        bundled_models().model("smollm-135m")


QWEN = ("embedded", "qwen2.5-coder-0.5b")


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("default",), "nope", r"default: unknown embedded model 'nope'"),
        (("default",), None, r"default must be text"),
        (("extra",), 1, r"unknown key 'extra'"),
        (("embedded",), [], r"embedded: must be a mapping"),
        ((*QWEN, "sha256"), "abc", r"qwen2.5-coder-0.5b: sha256 must be 64 lower-case hex digits"),
        ((*QWEN, "size"), -1, r"size must be a positive integer"),
        ((*QWEN, "size"), True, r"size must be a positive integer"),
        ((*QWEN, "file"), "../x.gguf", r"file must be a plain file name"),
        ((*QWEN, "contxt"), 1, r"unknown key 'contxt': did you mean 'context'"),
        ((*QWEN, "sources"), [], r"sources must be a list with at least one entry"),
        ((*QWEN, "sources"), [{}], r"sources\[0\]: give one of hub, wheels"),
        ((*QWEN, "sources"), [{"hub": {"repo": "a", "file": "b"}}], r"hub: repo must be owner/name"),
        (
            (*QWEN, "sources"),
            [{"wheels": [{"package": "p", "version": 0.9, "member": "m"}]}],
            r"wheels\[0\]: version must be a version in quotes",
        ),
        (
            (*QWEN, "sources"),
            [{"wheels": [{"package": "--index-url", "version": "1", "member": "m"}]}],
            r"package must be a package name",
        ),
        (("ollama", "url"), "localhost", r"ollama: url must be an http"),
        (("prefill",), "ollama/", r"prefill must be a list"),
        (("prices", "dollar"), 0, r"prices: dollar must be a positive integer"),
        (("prices", "tokens", "m"), [1], r"prices: tokens: m must be a list of two numbers"),
        (("prices", "tokens", "m"), [1, -1], r"prices: tokens: m must be a list of two numbers"),
        (("prices", "tokens", "m"), [1, True], r"prices: tokens: m must be a list of two numbers"),
        (("prices", "tokens", "m"), [1, float("nan")], r"prices: tokens: m must be a list of two numbers"),
        (("prices", "tokens", "embedded/smollm2-135"), [1, 2], r"did you mean 'smollm2-135m'"),
    ],
)
def test_bad_entries_are_one_line_that_names_them(tmp_path: Path, where: tuple[str, ...], value: object, message: str):
    data = copy.deepcopy(GOOD)
    entry = data
    for key in where[:-1]:
        entry = entry[key]
    entry[where[-1]] = value
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigError, match=message) as caught:
        load_models(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "line 1"), ("- 1", "must be a mapping"), ("", "must be a mapping")]
)
def test_a_file_that_is_no_models_file(tmp_path: Path, text: str, message: str):
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_models(path)


@pytest.mark.parametrize("key", ["file", "size", "sha256", "license", "context", "sources"])
def test_every_key_is_needed(tmp_path: Path, key: str):
    data = copy.deepcopy(GOOD)
    del data["embedded"]["smollm2-135m"][key]
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigError, match=f"smollm2-135m: {key} is missing"):
        load_models(path)
