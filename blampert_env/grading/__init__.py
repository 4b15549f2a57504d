"""Grading: run a project's tests over candidate files, in a process of their own."""

from blampert_env.grading.grader import Grader, make_grader
from blampert_env.grading.report import TestReport

__all__ = ["Grader", "TestReport", "make_grader"]
