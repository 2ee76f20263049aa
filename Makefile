# `make demo` and `make test` need Python 3.11 to 3.13, pip and make; nothing else.
PYTHON ?= python3
BIN := .venv/bin
TAPE ?=
SANDBOX ?=
BLOWS ?=
SEED ?=
# much of a test is waiting for a server: three at once suit two cores; the longest groups come early
TEST_WORKERS ?= 3
PYTEST := $(BIN)/pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status sql test check torture bench lock

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# the lock is complete, so pip resolves nothing; the stamp makes setup run once per change
.venv/stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11 to 3.13 is needed; set PYTHON=..."'
	@echo "Setting up .venv (about a minute the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/stamp ## install everything into .venv

demo: setup ## run the whole system offline; TAPE=folder replays that tape
	@$(BIN)/rotation demo $(if $(TAPE),--tape "$(TAPE)")

up: setup ## start Postgres, Prefect and the deployments; SANDBOX=1 offline, TAPE=folder likewise
	@$(BIN)/rotation up $(if $(SANDBOX),--sandbox) $(if $(TAPE),--tape "$(TAPE)")

down: ## stop everything
	@$(BIN)/rotation down

status: ## what runs, and what the warehouse holds
	@$(BIN)/rotation status

sql: ## a psql session as the read-only role
	@$(BIN)/rotation sql

test: setup ## lint, types, tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(PYTEST) -m "not slow"

check: setup ## the slower checks, too
	@$(PYTEST)

torture: setup ## hit runs with hundreds of drawn blows (an hour); SEED=n repeats those of a seed
	@ROTATION_TEST_BLOWS=$(or $(BLOWS),300) $(if $(SEED),ROTATION_TEST_SEED=$(SEED)) \
		$(BIN)/pytest tests/flows/test_torture.py -s

bench: setup ## what the derivation of breadth costs at full size (minutes, 4 GB of disk)
	@$(BIN)/python -m deployments.bench

lock: setup ## pin the dependencies again
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
		--output-file requirements.lock
