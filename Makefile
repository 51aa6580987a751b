# Two commands do all the set-up: `make up` runs auditroll, `make test` passes the tests.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= .data
LISTEN ?= 127.0.0.1:8600

.PHONY: help install up demo test test-crash lint types bench docs lock clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/.installed: requirements/server.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/server.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/.dev: $(BIN)/.installed requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

install: $(BIN)/.installed ## Install auditroll into .venv (pinned, with hashes)

up: install ## Run collector and console; Ctrl-C stops them
	@exec $(BIN)/auditroll up --data $(DATA) --listen $(LISTEN)

demo: install ## Run the example clinic against a collector of its own
	@exec $(BIN)/python -m examples.clinic.demo

test: $(BIN)/.dev ## Run every test a laptop can
	@$(BIN)/pytest -n 2 --dist loadfile

test-crash: $(BIN)/.dev ## Run the kill -9 and power-cut loops in full
	@AUDITROLL_CRASH_RUNS=1000 $(BIN)/pytest -m crash tests/crash

lint: $(BIN)/.dev ## Lint, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/lint-imports

bench: $(BIN)/.dev ## Measure, and write docs/reference/benchmarks.md
	@$(BIN)/python -m benchmarks $(QUICK)

docs: $(BIN)/.dev ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict --quiet

lock: ## Pin the requirements again
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group build -o requirements/base.txt pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --extra server --group build -o requirements/server.txt pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --extra server --group build --group test --group lint --group docs -o requirements/dev.txt pyproject.toml

clean: ## Remove everything that was built
	@rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
