"""pandas objects cross between tests and candidate as copies that stay the same on both sides."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from blampert_env.grading import Grader
from blampert_env.grading.blampert_jail import frames
from blampert_env.projects import Project

Make = Callable[..., Project]
pytest.importorskip("pandas")

SOURCE = """
import pandas as pd
def total(frame):
    return frame.groupby(["k", "n"]).v.sum()
def same(value):
    return value
def drop(frame):
    frame.drop(columns="v", inplace=True)
def mean(series):
    return series.mean()
def categories(texts):
    return pd.Series(pd.Categorical(texts, ordered=True))
def last(frame):
    return frame["when"].max()
"""
TESTS = """
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal
from tiny import categories, drop, last, mean, same, total

FRAME = pd.DataFrame({"k": ["a", "b", "a"], "n": [1, 2, 1], "v": [1.5, np.nan, 3.0]})

def test_groups():
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"])
    assert_series_equal(total(FRAME), pd.Series([4.5, 0.0], index=index, name="v"))

@pytest.mark.parametrize("value", [
    FRAME, FRAME.set_index("k"), FRAME["v"], FRAME.T, pd.DataFrame(), pd.Series([1, None], dtype="Int64"),
    pd.Series(["x", None], dtype="string"), pd.DataFrame({"d": pd.to_datetime(["2024-01-02", "2025-03-04"])}),
    pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"]), pd.Series([{"a": 1}, [2]], dtype=object),
    FRAME.k.astype("category"),
], ids=str)
def test_there_and_back(value):
    found = same(value)
    (assert_series_equal if isinstance(value, pd.Series) else assert_frame_equal)(found, value)

def test_changed_in_place():
    frame = FRAME.copy()
    drop(frame)
    assert list(frame.columns) == ["k", "n"]

def test_scalars():
    assert mean(FRAME["v"]) == 2.25
    assert last(pd.DataFrame({"when": pd.to_datetime(["2024-01-02", "2025-03-04"])})) == pd.Timestamp("2025-03-04")
    assert same(pd.NaT) is pd.NaT and same(pd.Timedelta("1h")) == pd.Timedelta("1h")

def test_categories():
    assert list(categories(["b", "a"]).cat.categories) == ["a", "b"]
"""
STUB = textwrap.dedent(
    """
    def same(value): raise NotImplementedError  # TODO
    def total(frame): raise NotImplementedError  # TODO
    def drop(frame): raise NotImplementedError  # TODO
    def mean(series): raise NotImplementedError  # TODO
    def categories(texts): raise NotImplementedError  # TODO
    def last(frame): raise NotImplementedError  # TODO
    """
)


@pytest.mark.slow
def test_frames_are_split(project_of: Make) -> None:
    grader = Grader(project_of(TESTS, STUB), cache_size=0)
    assert (grader.method, grader.why) == ("split", "")
    report = grader.grade({"tiny.py": SOURCE})
    assert report.failures == {}
    assert report.all_passed


@pytest.mark.slow
def test_frames_that_cannot_cross_are_graded_together(project_of: Make) -> None:
    tests = """
    import pandas as pd
    from tiny import double
    def test_zone():
        frame = pd.DataFrame({"p": pd.Series(["2024"], dtype="period[Y]")})
        assert double(frame) is frame
    """
    grader = Grader(project_of(textwrap.dedent(tests)), cache_size=0)
    assert grader.method == "in-process"
    assert "a column of type" in grader.why
    assert grader.grade({"tiny.py": "def double(x):\n    return x\n"}).all_passed


def test_rehearsal() -> None:
    frames.rehearse()  # it checks what it copies; a warning is an error here
