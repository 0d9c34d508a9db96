# `make help` explains every target. Everything is installed into .venv from the lock files, with hashes.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
NODE_TOOLS := cds_service/authoring/node
POPULATION := build/population
PATIENTS ?= 10
SEED ?= 7

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(BIN)/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install -q --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.lock
	@touch $@

$(NODE_TOOLS)/node_modules/.package-lock.json: $(NODE_TOOLS)/package-lock.json
	cd $(NODE_TOOLS) && npm ci --no-audit --no-fund --loglevel=error

.PHONY: install
install: $(VENV)/.dev $(NODE_TOOLS)/node_modules/.package-lock.json ## install the service, its tools and the CQL translator

.PHONY: serve
serve: $(VENV)/.runtime ## run the service on http://127.0.0.1:8000 (SQLite, no other server)
	$(BIN)/cds-service serve

.PHONY: test
test: install ## run every test, with branch coverage
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-report=xml -n auto --dist loadgroup

.PHONY: rules
rules: install ## translate the CQL, check the catalogue, run the golden cases
	$(BIN)/cds-service rules build
	$(BIN)/cds-service rules check
	$(BIN)/cds-service rules test

.PHONY: mutate
mutate: install ## break the rules on purpose; list what no golden case notices
	$(BIN)/cds-service rules mutate

.PHONY: lint
lint: install ## style, types, one-way imports, generated files current
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cds-service rules build --check
	$(BIN)/cds-service rules check
	$(BIN)/cds-service rules table --check docs/policies.md
	$(BIN)/cds-service openapi --check
	$(BIN)/cds-service errors --check docs/errors.md

.PHONY: format
format: install ## rewrite the sources in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: install ## measure; every figure is a ratio within one run
	for script in decision rule_evaluation many_policies dtr http start; do $(BIN)/python -m bench.$$script || exit 1; done

$(POPULATION)/tools/.installed: requirements-population.lock
	$(PYTHON) -m venv $(POPULATION)/tools
	$(POPULATION)/tools/bin/python -m pip install -q --require-hashes -r requirements-population.lock
	@touch $@

.PHONY: population
population: install $(POPULATION)/tools/.installed ## fire the orders of synthetic patients at every hook
	rm -rf $(POPULATION)/patients
	$(POPULATION)/tools/bin/synthea generate -p $(PATIENTS) -s $(SEED) --clinician-seed $(SEED) -r 20251001 -o $(POPULATION)/patients/synthea >/dev/null
	$(BIN)/carebundle generate --profile mixed --sex mixed --count $(PATIENTS) --seed $(SEED) --out $(POPULATION)/patients/carebundle >/dev/null
	$(BIN)/python -m tests.foreign.population $(POPULATION)/patients --seed $(SEED)

.PHONY: load
load: install ## two minutes of parallel load; a worker is killed in the middle
	$(BIN)/python -m bench.load

.PHONY: audit
audit: install ## look for known vulnerabilities in the locked dependencies
	$(BIN)/python .ci/audit.py $(AUDIT_FLAGS)

.PHONY: lock
lock: ## rewrite both lock files from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --all-extras --group install --generate-hashes --no-header pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --all-extras --group dev --generate-hashes --no-header -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --group population --generate-hashes --no-header -o requirements-population.lock

.PHONY: wheel
wheel: install ## build the wheel, policies included
	$(BIN)/python -m build --wheel --no-isolation
