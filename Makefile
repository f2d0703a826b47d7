# Installation, checks and development, for users and for CI, on Linux and macOS. For all other
# commands, see `python -m softmax --help`. `make repro` also installs them as `softmax`.
PYTHON ?= python3
BIN := .venv/bin
CHECKS := lint types test-all lock-current lock-reproducible
REQUIREMENTS = requirements$(if $(CPU),-cpu).txt
INSTALL = $(BIN)/uv pip install --require-hashes --compile-bytecode --python $(BIN)/python
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
	--generate-hashes --custom-compile-command "make lock"
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help repro data test test-fast test-all lint types lock-current lock-reproducible ci \
	verify verify-arm verify-emulated bench lock
.DEFAULT_GOAL := help

help:
	@awk -F ':.*## ' '/^## /{print "\n" substr($$0, 4)} /^[a-z-]+:.*## /{printf "  %-17s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Run
repro: .venv/installed ## install, run the pipeline, print the result (PULL=1: use a DVC remote, CPU=1: no torch)
	@$(BIN)/python -m softmax run $(if $(PULL),--pull)

data: .venv/installed ## download the data set only
	$(BIN)/dvc repro $(if $(PULL),--pull) download

## Experiment, share: .venv/bin/softmax --help

## Check
verify: .venv/installed ## retrain in every configuration that this machine supports, and compare with dvc.lock
	$(BIN)/dvc repro --quiet download
	$(BIN)/python -m verification

verify-arm: .venv/installed ## do the same on an emulated Arm64 processor (on Debian; at least 15 minutes)
	$(BIN)/dvc repro --quiet download
	$(BIN)/python -m verification arm

verify-emulated: .venv/installed ## train with only NumPy on emulated RISC-V and big-endian s390x (on Debian)
	$(BIN)/dvc repro --quiet train
	@for arch in riscv64 s390x; do $(BIN)/python -c "from softmax.pipeline import params; \
		print(params.load().model_dump_json())" | ARCH=$$arch verification/emulated.sh -m verification.alone || exit; done

## Develop
test: .venv/dev ## run the tests, in process and end to end
	$(BIN)/pytest -m "not extended"

test-fast: .venv/dev ## run only the tests in process
	$(BIN)/pytest -m "not end_to_end and not extended"

test-all: .venv/dev ## run all tests, including the extended matrices
	HYPOTHESIS_PROFILE=extended $(BIN)/pytest

lint: .venv/dev ## check format, style and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: .venv/dev ## check types
	$(BIN)/mypy

lock-current: .venv/installed
	$(BIN)/python -m verification.checks current

lock-reproducible: .venv/installed
	$(BIN)/python -m verification.checks reproducible

ci: ## run every check of CI: lint, types, test-all, dvc.lock up to date and reproducible
	@failed=; for check in $(CHECKS); do $(MAKE) $$check || failed="$$failed $$check"; done; \
	if [ "$$failed" ]; then echo "error: failed:$$failed" >&2; exit 1; fi; \
	echo "all passed: $(CHECKS)"

bench: .venv/dev ## compare with other libraries, and write benchmarks/results.md (six minutes)
	$(BIN)/dvc repro --quiet download
	$(BIN)/python -m benchmarks

lock: .venv/installed ## pin the dependencies of pyproject.toml, with hashes
	$(COMPILE) pyproject.toml --extra torch --output-file requirements.txt
	$(COMPILE) pyproject.toml --constraint requirements.txt --output-file requirements-cpu.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

.venv/installed: $(REQUIREMENTS) # pip installs uv by its hash, and uv installs the rest faster than pip
	$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/^    #/p' requirements.txt > .venv/uv.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes --requirement .venv/uv.txt
	$(INSTALL) --requirement $(REQUIREMENTS)
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m softmax "$$@"\n' > $(BIN)/softmax
	@chmod +x $(BIN)/softmax
	@touch $@

.venv/dev: .venv/installed requirements-dev.txt
	$(INSTALL) --requirement requirements.txt --requirement requirements-dev.txt
	@touch $@
