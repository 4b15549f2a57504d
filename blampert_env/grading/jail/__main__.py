"""Ways into the jail; a script, started by the trainer under the project's interpreter.

    python -P -s -B __main__.py jail CONTROL_FD PARENT_PID FACTS_JSON
    python -P -s -B __main__.py cold SPEC_FILE

``jail``: the launcher makes the namespaces and waits; the base is process 1 inside: it builds the private root, then
makes lanes. ``cold``: one run of pytest in this process, without a jail.
"""

import importlib.util
import os
import sys


def load_package() -> None:
    """Make the folder of this file known as ``blampert_jail``: a name that no project has, without a new path entry."""
    here = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "blampert_jail", os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["blampert_jail"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_package()
    sys.dont_write_bytecode = False  # of our own modules, which take a tenth of a second to compile
    if sys.argv[1] == "cold":
        from blampert_jail.stages.runner import main

        sys.dont_write_bytecode = True
        main(sys.argv[2])
    else:
        from blampert_jail.stages.base import launch

        sys.dont_write_bytecode = True
        launch(*sys.argv[2:])
