# Kapsa's targets. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
# 1: `make demo` stays up until Ctrl-C; 0: it runs the story once, checks it and exits.
STAY ?= 1
# real: containers run; simulated: they don't; auto: they do where this machine can.
NODE ?= auto
# Previews that `make bench` makes at once.
COUNT ?= 500

export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: dependencies
dependencies: $(VENV)/.synced ## Create .venv with everything that development needs

$(VENV)/.synced: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Kapsa needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name another with PYTHON=…" >&2; exit 1; }
	@echo "Creating $(VENV) with what Kapsa needs …" >&2
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
	  { echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@$(BIN)/uv sync --locked --all-extras --quiet --python $(BIN)/python
	@touch $@

.PHONY: demo
demo: dependencies ## Run the whole story on a lab of real servers (STAY=0: check it and exit; NODE=simulated)
	@$(BIN)/python -m lab.demo --node $(NODE) $(if $(filter 0,$(STAY)),--once)

.PHONY: test
test: dependencies ## Run every check: lint, types, architecture, unit, integration and end-to-end tests
	@$(MAKE) --no-print-directory verify test-unit test-integration test-end-to-end

.PHONY: test-unit
test-unit: dependencies ## Run the unit tests (no lab)
	@$(BIN)/pytest tests/unit -n auto -q

.PHONY: test-integration
test-integration: dependencies ## Run the integration tests on the lab (the first run builds it)
	@$(BIN)/python -m lab build --profile test
	@$(BIN)/pytest tests/integration -q

.PHONY: test-end-to-end
test-end-to-end: dependencies ## Run the end-to-end tests on a real node, where this machine can be one
	@$(BIN)/pytest tests/e2e -q

.PHONY: bench
bench: dependencies ## Measure 500 previews on the lab: memory, writes, time (COUNT=100: fewer)
	@$(BIN)/python -m benchmarks.previews --count $(COUNT)

.PHONY: verify
verify: dependencies ## Check format, lint, types, import arrows and generated files
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@PYTHONPATH=src $(BIN)/lint-imports
	@$(BIN)/python -m hack.generate --check

.PHONY: generate
generate: dependencies ## Generate CRDs, their chart, JSON schemas and reference from the code
	@$(BIN)/python -m hack.generate

.PHONY: format
format: dependencies ## Format the code and mend what ruff can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

.PHONY: clean
clean: ## Remove the virtual environment and caches (not the lab's build cache)
	@rm -rf $(VENV) .venv-installed .mypy_cache .ruff_cache .pytest_cache .hypothesis
