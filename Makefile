# Two commands on a fresh machine: `make train` and `make test`. Each sets itself up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

# Where it is ours to install, what the tests drive for real comes from the distribution's own packages.
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq

.PHONY: help setup chromium redis train evaluate test test-fast lint format bench tensorboard clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## Make the virtual environment in .venv

# PyTorch first and by exact version: the CPU build is found beside the index where there is one, and a
# plain `torch` would bring gigabytes of GPU packages.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed (make PYTHON=python3.11 ...)" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

chromium:  ## Install a Chromium for the page's tests, where there is none and this is root
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then $(APT) update && $(APT) install -y chromium; \
	else echo "no chromium: the tests of the dashboard's page are skipped (apt-get install chromium)"; fi

redis:  ## Install a redis-server for the tests of the bus, where there is none and this is root
	@if command -v redis-server >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then $(APT) update && $(APT) install -y redis-server; \
	else echo "no redis-server: the tests of the bus on Redis are skipped (apt-get install redis-server)"; fi

train: setup  ## Train a policy on the three bundled projects with the embedded LLM (ARGS="--project calculator ...")
	$(BIN)/python -m blampert_env.train -P $(ARGS)

evaluate: setup  ## Evaluate a saved policy (ARGS="models/<run>.zip")
	$(BIN)/python -m blampert_env.evaluate $(ARGS)

test: setup chromium redis lint  ## Lint and run every test, the embedded LLM's and the slow ones too
	$(BIN)/python -m pytest

test-fast: setup  ## Run the fast tests only
	$(BIN)/python -m pytest -m "not slow and not llm"

lint: setup  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## Format and fix what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## Print every benchmark's table (takes about an hour)
	for script in benchmarks/grader.py benchmarks/endurance.py benchmarks/cheats.py benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

tensorboard: setup  ## Look at the runs in a browser
	$(BIN)/tensorboard --logdir logs

clean:  ## Remove the virtual environment and caches, not your runs
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
