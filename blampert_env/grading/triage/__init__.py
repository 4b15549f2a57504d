"""Triage: which candidates may run in the tests' own process, decided by their source alone."""

from blampert_env.grading.triage.triage import Triage

__all__ = ["Triage"]
