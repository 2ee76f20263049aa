# `make demo` and `make test` need only Python 3.11 to 3.13, pip and make.
PYTHON ?= python3
BIN := .venv/bin
TAPE ?=
SANDBOX ?=
FAULTS ?=
SEED ?=
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
# tests often wait for a server, so three workers suit two cores; tests/conftest.py orders groups
TEST_WORKERS ?= 3
# the tests start hundreds of processes, which must not each compile the project's modules
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status sql report test types quick-tests check chaos soak bench breadth \
	accuracy images dictionary lock

help: ## show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The lock is complete, so nothing is resolved. pip installs uv, which installs the rest in a third of
# pip's time. uv does not read pip's settings: where it fails, for want of an index say, pip does all.
# The stamp makes setup run once per change.
.venv/stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11 to 3.13 is required: set PYTHON=/path/to/python"'
	@echo "Setting up .venv (about a minute the first time)"
	@$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\]$$/p' requirements.lock > .venv/uv.txt
	@$(INSTALL) --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode \
		-r requirements.lock || { echo "uv failed: installing with pip, which takes two minutes"; \
		$(INSTALL) --require-hashes -r requirements.lock; }
	@$(INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m tasks.report.vega_script
	@touch $@

setup: .venv/stamp ## install the locked dependencies into .venv

demo: setup ## run all flows offline on a simulated market; TAPE=folder replays that tape
	@$(BIN)/rotation demo $(if $(TAPE),--tape "$(TAPE)")

up: setup ## start Postgres, Prefect and the deployments; SANDBOX=1 or TAPE=folder: offline
	@$(BIN)/rotation up $(if $(SANDBOX),--sandbox) $(if $(TAPE),--tape "$(TAPE)")

down: ## stop all services
	@$(BIN)/rotation down

status: ## show service status and row counts
	@$(BIN)/rotation status

sql: ## open psql as the read-only role
	@$(BIN)/rotation sql

report: ## write the report and print its path
	@$(BIN)/rotation report

test: setup ## run the linter, the type checker and the tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 types quick-tests

types: setup
	@$(BIN)/mypy

quick-tests: setup
	@$(PYTEST) -m "not slow"

check: setup ## run all tests, including the slow ones
	@$(PYTEST)

chaos: setup ## inject hundreds of random faults into runs (about 1 h); FAULTS=n, SEED=n repeats one
	@ROTATION_TEST_FAULTS=$(or $(FAULTS),300) $(if $(SEED),ROTATION_TEST_SEED=$(SEED)) \
		$(BIN)/pytest tests/flows/test_chaos.py -s

soak: setup ## run 30 trading days through server and worker, with faults (10 min); DAYS=n
	@$(if $(DAYS),ROTATION_TEST_DAYS=$(DAYS)) $(BIN)/pytest tests/deployments/stack/test_soak.py -s

bench: setup ## measure each stage beside other tools (minutes); LARGE=1; DOCUMENT=1 writes docs/benchmark*.md
	@$(BIN)/python -m deployments.bench.ingestion $(if $(LARGE),--large) \
		$(if $(DOCUMENT),--document docs/benchmark.md)
	@$(BIN)/python -m deployments.bench.growth $(if $(DOCUMENT),--document docs/benchmark_growth.md)
	@$(BIN)/python -m deployments.bench.derivation \
		$(if $(DOCUMENT),--document docs/benchmark_derived.md)
	@$(BIN)/python -m deployments.bench.scale $(if $(DOCUMENT),--document docs/benchmark_scale.md)

breadth: setup ## benchmark sector_breadth at full scale (minutes, 4 GB of disk)
	@$(BIN)/python -m deployments.bench

accuracy: setup ## measure values from filings on tapes (TAPES="folder ...") into docs/accuracy.md
	@$(BIN)/python -m deployments.bench.filings_accuracy $(TAPES)

images: demo ## draw the pictures of docs/ from the demo's market
	@$(BIN)/rotation report --images docs/images

dictionary: setup ## write docs/data_dictionary.md and docs/datacontract.odcs.yaml from the schema
	@$(BIN)/rotation dictionary --output docs/data_dictionary.md
	@$(BIN)/rotation contract --output docs/datacontract.odcs.yaml

lock: setup ## regenerate requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra dev --extra dask --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
		--output-file requirements.lock
