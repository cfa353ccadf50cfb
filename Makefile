# make help lists the targets. On a fresh Debian 12 they need root, python3 and make, no more.

PYTHON := .venv/bin/python
INSTALLED := .venv/.installed
PYTEST := $(PYTHON) -m pytest

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help .venv check test e2e long slow soak demo bench ha-try lab lab-down lab-status clean

help: ## list the targets
	@awk -F ':.*## ' '/^[.a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

.venv: $(INSTALLED) ## make the virtual environment: ovstools, editable, and the developer's tools

# Kept when pyproject.toml changes; made anew only when its python or pip does not start.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(MAKE) --no-print-directory new-venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.PHONY: new-venv
new-venv:
	@python3 -c 'import ensurepip' 2>/dev/null || { apt-get update -q && \
	DEBIAN_FRONTEND=noninteractive apt-get install -q --yes --no-install-recommends python3-venv; }
	python3 -m venv --clear .venv

check: .venv ## the quick gate: ruff, mypy, unit and command-line tests
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTEST) -m 'not slow' --numprocesses logical $(COVERAGE)

# Not in the quick gate itself: counting lines takes as long again as running them.
test: COVERAGE := --cov --cov-report= --cov-fail-under=90
test: check slow e2e ## everything: check, random schedules, installing, then the tests in the lab

SLOW := tests/ha_random tests/ha_try tests/slow tests/unit/ops tests/cli

slow: .venv ## random schedules of guest HA; real agents here; kill -9 anywhere; a fresh install
	$(PYTEST) -m slow --numprocesses 2 --dist loadfile $(SLOW)

# pytest exits 5 when no test ran: a gate that tests nothing must not be green.
e2e: .venv ## tests on virtual servers with real kernels (root; builds the lab when needed)
	$(PYTHON) -m tests.lab build
	$(PYTEST) -m e2e --numprocesses 2 --dist loadfile tests/e2e

long: .venv ## iSCSI, NFS, joining, growing and libvirt in the lab: over an hour, no part of make test
	$(PYTEST) -m long tests/e2e

soak: .venv ## ten thousand random schedules of guest HA's decisions, all new
	OVS_SCHEDULES=2 OVS_FRESH=10000 $(PYTEST) -m slow tests/ha_random

demo: .venv ## the white paper's story on three virtual servers; STORAGE=san (default), iscsi, nfs
	$(PYTHON) -m tests.e2e.demo $(STORAGE)

bench: .venv ## how long ovstools takes to start, makerepo itself, and the HA master to decide
	$(PYTHON) -m tests.bench

ha-try: .venv ## three servers of a pool as processes on this machine, with guests; DIR=folder
	$(PYTHON) bin/ovstools ha-try $(if $(DIR),--dir "$$DIR") start

lab: .venv ## start three virtual servers with this checkout's ovstools, and say how to log in
	$(PYTHON) -m tests.lab up

lab-down: .venv ## remove them
	$(PYTHON) -m tests.lab down

lab-status: .venv ## show what runs
	$(PYTHON) -m tests.lab status

clean: ## remove what was made in the checkout, but for the lab's cache (.cache/lab)
	rm -rf .venv build dist htmlcov .coverage .coverage.* src/*.egg-info
	rm -rf .mypy_cache src/.mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
