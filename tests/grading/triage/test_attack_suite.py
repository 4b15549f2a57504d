"""The attacks and the odd honest programs of the grader's own suite."""

from __future__ import annotations

import pytest

from blampert_env.grading.triage import Triage

from ..attacks import suite
from ..attacks.case import Case, Target


def triage_of(target: Target, with_reference: bool) -> Triage:
    tests = {path: text for path, text in target.tests.items() if path.endswith(".py")}
    modules = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in target.stub}
    return Triage(target.stub, reference=target.solution if with_reference else {}, tests=tests, modules=modules)


def is_plain(case: Case, with_reference: bool) -> bool:
    files = {**case.target.stub, **case.files}
    texts = {path: text.decode("latin-1") if isinstance(text, bytes) else text for path, text in files.items()}
    return not triage_of(case.target, with_reference).reasons(texts)


@pytest.mark.parametrize("case", suite.ATTACKS, ids=str)
@pytest.mark.parametrize("with_reference", [False, True], ids=["bare", "reference"])
def test_an_attack_is_not_plain(case: Case, with_reference: bool) -> None:
    """What earns its tests honestly may be plain; what could harm or earn more may not."""
    if is_plain(case, with_reference):
        assert str(case) in HARMLESS


# wrong answers, endless loops and large values that are what they seem: they earn nothing anywhere
HARMLESS = {
    "comparison-not_a_number_and_infinities",
    "resources-a_source_that_the_compiler_makes_large",
    "sources-form_feeds_and_carriage_returns",
}


@pytest.mark.parametrize("case", suite.HONEST, ids=str)
def test_the_reference_is_plain(case: Case) -> None:
    assert triage_of(case.target, True).reasons({**case.target.stub, **case.target.solution}) == ()
