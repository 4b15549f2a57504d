"""Looks at runs, those that go on and those that are over: a web page and a view for the terminal.

::

    logs/<run>/actions.db ──▶ StepMirror (in memory; each look brings what is new) ──▶ queries ──▶ page · terminal
    logs/<run>/status.json ──▶ state, circuit, bus

It only reads, and it knows runs by their files: training needs no monitor, and a monitor no training.
"""
