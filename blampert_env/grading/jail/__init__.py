"""The processes below a grader: what runs under the project's interpreter, inside the jail.

Nothing here imports blampert_env: the project may have an interpreter of its own. Three rooms: `walls` confine a
process, `wire` carries values between two, `stages` lead from a warm process to one evaluation; each imports only those
before it. The tree of processes::

    trainer ─ launcher ─ base (process 1 of the jail: private root, namespaces)
                          ├─ bare zygote factory ─ candidate zygote of a project ─ candidate (one an evaluation)
                          └─ lane (one a worker: clock, scratch space)
                              ├─ tests zygote of a project ─ tests (one an evaluation): pytest, no candidate's code
                              └─ whole zygote of a project ─ tests and candidate together: the fallback, with twins

Each zygote has a maker beside it: that makes process 1 of each child's namespace.
"""
