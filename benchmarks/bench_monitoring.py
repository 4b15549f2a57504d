"""What watching costs: scrapes of the exporter, opening the dashboard on a long run, and what training pays for both.

The run of 100,000 steps is made up (no LM wrote it): it only gives the dashboard as many rows of real size to read. The
cost to training is measured on real steps: the embedded LM, its sample pool, the real grader.

    python benchmarks/bench_monitoring.py [--scrapers 50] [--seconds 20] [--steps 100000] [--runs 5]
"""
