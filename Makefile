# Everything needed comes from hash-locked wheels into .venv; nothing is installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS ?= true
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test test-full lint openapi demo bench lock clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

$(VENV)/.runtime: $(UV) requirements/runtime.txt pyproject.toml
	@[ -f $(VENV)/.dev ] || $(UV) pip sync --quiet --require-hashes requirements/runtime.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(UV) requirements/dev.txt pyproject.toml
	@$(UV) pip sync --quiet --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

install: $(VENV)/.runtime ## what running needs

install-dev: $(VENV)/.dev ## what developing needs

run: install ## everything up on embedded servers, with demo data (HOST, PORT, DATA_DIR)
	@$(BIN)/wenming dev

test: install-dev lint ## all checks of a submission
	@$(BIN)/pytest -n $(WORKERS) -m "not long"

test-full: install-dev lint ## all checks and the long ones
	@$(BIN)/pytest -n $(WORKERS)

lint: install-dev ## style, types, imports, contract drift
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/wenming openapi --check

openapi: install-dev ## write openapi/v1.json from the code
	@$(BIN)/wenming openapi

demo: install-dev ## a whole mock assessment over HTTP, figures checked
	@$(BIN)/python -m demo $(if $(URL),--url $(URL) --accounts $(ACCOUNTS))

bench: install-dev ## the performance workloads (SCALE=0.05 for a fraction)
	@$(BIN)/wenming bench

COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-header
lock: $(UV) ## lock the requirements again (hashes, no addresses)
	@$(COMPILE) -o requirements/uv.txt requirements/uv.in
	@$(COMPILE) --extra embedded -o requirements/runtime.txt pyproject.toml requirements/build.in
	@$(COMPILE) --extra embedded --group dev -o requirements/dev.txt pyproject.toml requirements/build.in

clean: ## remove what was made (the demo data too)
	@rm -rf .data build dist bench/results.json .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
