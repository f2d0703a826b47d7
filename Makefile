# The same targets for people and for CI.
PYTHON ?= python3
PORT ?= 5000
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help repro test lint ui track bench lock
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

repro: .venv/installed ## run the pipeline and print its results
	@python -m softmax.params
	dvc repro
	@echo
	@dvc metrics show
	@echo
	@echo "weights as images   images/weights/grid/"
	@echo "sample cards        images/samples/"
	@echo "runs in MLflow      make ui"

test: .venv/installed ## run every test
	pytest

lint: .venv/installed ## check style and types
	ruff format --check .
	ruff check .
	mypy

ui: .venv/installed ## open the MLflow UI on 127.0.0.1
	@echo "Training runs: http://127.0.0.1:$(PORT)/#/experiments"
	mlflow ui --backend-store-uri $${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db} \
		--host 127.0.0.1 --port $(PORT)

track: .venv/installed ## give the model on disk its MLflow run where it has none
	python -m stages.track

bench: .venv/installed ## compare an epoch with the lecture's own loop
	python -m benchmarks.lecture

lock: .venv/installed ## compile requirements.in to requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
		--custom-compile-command "make lock" requirements.in -o requirements.txt

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet --requirement requirements.txt
	@touch $@
