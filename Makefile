# The project's verbs. Each does its own set-up; nothing is installed outside .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHECKOV := .build/checkov

.PHONY: help setup demo test lint bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv from the lock

$(READY): requirements.lock pyproject.toml
	@echo "setting up $(VENV) from requirements.lock (downloads about 150 MB the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "nineways needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Deploy the variants on this machine, compare them, show the report
	@$(BIN)/nineways demo

test: $(READY) ## Run every test that this machine can run
	@$(BIN)/python -m pytest

# checkov pins a boto3 that is older than MiniStack's, so it has an environment of its own.
$(CHECKOV)/.ready: tests/templates/checkov.lock
	@echo "setting up $(CHECKOV) from $< (downloads about 60 MB the first time)"
	@$(PYTHON) -m venv --clear $(CHECKOV)
	@$(CHECKOV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

lint: $(READY) $(CHECKOV)/.ready ## Style, types, import contracts, templates, scripts, Dockerfiles
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/cfn-lint -c I -- deploy/*/template.yaml
	@# checkov passes over what a condition leaves out: the second time with every option switched on.
	@rm -rf .build/with-options && mkdir -p .build/with-options
	@cp --parents deploy/*/template.yaml .build/with-options
	@sed --in-place 's/Default: "false"/Default: "true"/' .build/with-options/deploy/*/template.yaml
	@CKV_SKIP_PACKAGE_UPDATE_CHECK=true $(CHECKOV)/bin/checkov --config-file tests/templates/checkov.yaml \
	  --file deploy/*/template.yaml .build/with-options/deploy/*/template.yaml
	@git ls-files -z '*.sh' .ci/run | xargs -0 $(BIN)/shellcheck
	@$(BIN)/hadolint docker/Dockerfile*

bench: $(READY) ## Speed, as ratios measured in one run
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(READY) ## Resolve the dependencies anew (needs the package index)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --upgrade --all-extras --group dev --output-file requirements.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --constraint requirements.lock --extra server --output-file app/server.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --constraint requirements.lock --extra lambda --output-file app/lambda.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --upgrade --python-version 3.11 --output-file tests/templates/checkov.lock - <<<'checkov>=3.3'

clean: ## Remove what this project made here
	@rm -rf $(VENV) .build .mypy_cache .ruff_cache .pytest_cache
