# The same targets for people and for CI, on Linux and macOS.
PYTHON ?= python3
PORT ?= 5000
BASE ?= main
GATES := lint types test-all lock-current lock-true
BIN := .venv/bin
INSTALL = $(BIN)/uv pip install --require-hashes --compile-bytecode --python $(BIN)/python
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help repro data ci lint types test test-fast test-all lock-current lock-true verify verify-arm ui track remote resolve compare predict sweep pin onnx bench lock
.DEFAULT_GOAL := help

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-13s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

repro: .venv/installed ## run the pipeline and say what came of it; PULL=1: what a remote has, from it
	@$(BIN)/python -m tools.repro $(if $(PULL),--pull)

data: .venv/installed ## bring the data set only
	$(BIN)/dvc repro $(if $(PULL),--pull) download

lint: .venv/dev ## check style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev ## check types
	$(BIN)/mypy

test: .venv/dev ## run the tests, but for the extended ones
	$(BIN)/pytest -m "not extended"

test-fast: .venv/dev ## run those that run in the process of the test
	$(BIN)/pytest -m "not end_to_end and not extended"

test-all: .venv/dev ## run all: kills, full disks, hostile input and many random examples, too
	HYPOTHESIS_PROFILE=extended $(BIN)/pytest

lock-current: .venv/installed ## claim that no stage is stale against params, code and data
	$(BIN)/python -m verification.claims current

lock-true: .venv/installed ## claim that retraining from scratch gives dvc.lock and metrics
	$(BIN)/python -m verification.claims true

ci: ## what CI demands, each though another fails: lint, types, test-all, lock-current, lock-true
	@failed=; for gate in $(GATES); do $(MAKE) $$gate || failed="$$failed $$gate"; done; \
	if [ "$$failed" ]; then echo "error: failed:$$failed" >&2; exit 1; fi; \
	echo "all passed: $(GATES)"

verify: .venv/installed ## retrain in every way this machine can, and compare with dvc.lock
	$(BIN)/dvc repro --quiet download
	$(BIN)/python -m verification

verify-arm: .venv/installed ## the same on an emulated Arm64 processor (Debian, a quarter of an hour or more)
	$(BIN)/dvc repro --quiet download
	$(BIN)/python -m verification arm

ui: .venv/installed ## say where MLflow compares the runs, and serve it on 127.0.0.1
	@$(BIN)/python -m tools.ui $(PORT)

track: .venv/installed ## complete the MLflow run of the model on disk; HISTORY=1: of all commits
	$(BIN)/python -m tools.track $(if $(HISTORY),history)

compare: .venv/installed ## say what changed from BASE=main to the workspace, or to HEAD="one two"
	@test "$(BASE)" || { echo "error: say make compare BASE=..." >&2; exit 2; }
	@$(BIN)/python -m tools.compare $(BASE) $(HEAD)

predict: .venv/installed ## ask the model of images: make predict FILES="a.png b.jpg"; EXPLAIN=1, REV=..., MODEL=...
	@test "$(FILES)" || { echo "error: say make predict FILES=\"a.png b.jpg\"" >&2; exit 2; }
	@$(BIN)/python -m tools.predict $(FILES) $(if $(EXPLAIN),--explain) \
		$(if $(REV),--rev $(REV)) $(if $(MODEL),--model $(MODEL))

remote: .venv/installed ## share data and models: make remote URL=ssh://..., s3://..., a directory
	@test "$(URL)" || { echo "error: say make remote URL=..." >&2; exit 2; }
	$(BIN)/dvc remote add --force --default team "$(URL)"
	$(BIN)/dvc remote modify team verify true # or DVC believes whatever it pulls

resolve: .venv/installed ## in a merge, once all else is settled: make dvc.lock and metrics anew
	@if git diff --name-only --diff-filter=U | grep -v -e '^dvc.lock$$' -e '^metrics/'; then \
		echo "error: settle these by hand, git add them, and make resolve again" >&2; exit 2; fi
	git checkout HEAD -- dvc.lock metrics
	$(BIN)/dvc repro $(if $(PULL),--pull)
	git add dvc.lock metrics
	@echo "now git commit"

sweep: .venv/installed ## many models at once: make sweep S="train.learning_rate=0.01,0.1 train.seed=range(0,8)"
	@test "$(S)" || { echo "error: say make sweep S=\"train.learning_rate=0.01,0.1\"" >&2; exit 2; }
	@$(BIN)/python -m tools.sweep $(foreach setting,$(S),-S '$(setting)')

pin: .venv/installed ## add a data set: make pin NAME=mine FROM=folder [SIZE=28x28]
	@test "$(NAME)" && test "$(FROM)" || { echo "error: say make pin NAME=... FROM=..." >&2; exit 2; }
	@$(BIN)/python -m tools.pin $(NAME) "$(FROM)" $(if $(SIZE),--size $(SIZE)) \
		$(if $(SHAPE),--shape $(SHAPE)) $(if $(LABEL),--label "$(LABEL)")

onnx: .venv/onnx ## write models/softmax.onnx, and compare its answers with the pipeline's
	@$(BIN)/python -m tools.onnx

bench: .venv/bench ## compare with other libraries, and write benchmarks/results.md: six minutes
	$(BIN)/dvc repro --quiet download
	$(BIN)/python -m benchmarks

lock: .venv/installed ## pin what requirements*.in name, with hashes
	for name in requirements requirements-onnx requirements-dev requirements-bench; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
			--generate-hashes --custom-compile-command "make lock" $$name.in -o $$name.txt; done

.venv/installed: requirements.txt # by uv, whose own hash is there, too; pip -r does the same, slowly
	$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/^    #/p' requirements.txt > .venv/uv.txt
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes --requirement .venv/uv.txt
	$(INSTALL) --requirement requirements.txt
	@touch $@

.venv/bench: .venv/installed requirements-bench.txt
	$(INSTALL) --requirement requirements-bench.txt
	@touch $@

.venv/onnx: .venv/installed requirements-onnx.txt
	$(INSTALL) --requirement requirements-onnx.txt
	@touch $@

.venv/dev: .venv/installed requirements-dev.txt
	$(INSTALL) --requirement requirements-dev.txt
	@touch $@
