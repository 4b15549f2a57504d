"""Projects: folders of Python files with TODOs and tests, the functions to implement, and the tests about them."""

from blampert_env.projects.discovery import bundled_projects, env_id, find_project
from blampert_env.projects.files import load_solution
from blampert_env.projects.importers.humaneval import humaneval_problems
from blampert_env.projects.project import Project
from blampert_env.projects.splits import split_of
from blampert_env.projects.target import Target, find_targets

__all__ = [
    "Project",
    "Target",
    "bundled_projects",
    "env_id",
    "find_project",
    "find_targets",
    "humaneval_problems",
    "load_solution",
    "split_of",
]
