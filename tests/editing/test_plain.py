"""Plain edits do not read the rest of the file, and are made in files that compile only."""

from unittest.mock import patch

import pytest

from blampert_env.editing import Edit, apply, apply_edit
from blampert_env.errors import EditRejected
from blampert_env.projects import Project


def test_the_file_is_not_read_again_for_a_plain_edit(project: Project) -> None:
    files = dict(project.sources)
    with patch.object(apply, "_placed", side_effect=AssertionError("the long way")):
        for number in range(3):
            files = apply_edit(project, files, Edit("calc.py::fact", f"def fact(n):\n    return {number}\n"))
            files = apply_edit(project, files, Edit("calc.py::last", "def last(*args, **kwargs):\n    return 1\n\n"))
    compile(files["calc.py"], "calc.py", "exec")


@pytest.mark.parametrize("broken", ["x = 1\nreturn x\n", "for x in ():\n    pass\nelse:\n    break\n"])
def test_a_file_that_did_not_compile_is_not_taken_for_one_that_does(project: Project, broken: str) -> None:
    files = {"calc.py": project.sources["calc.py"] + "\n" + broken}
    with pytest.raises(EditRejected) as caught:
        apply_edit(project, files, Edit("calc.py::fact", "def fact(n):\n    return 1\n"))
    assert caught.value.reason == "syntax_error"
