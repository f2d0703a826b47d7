#!/usr/bin/env bash
# Run everything that a GPU can compute, and print the text to send (docs/verification.md). To try
# this script without a GPU, set DEVICE=cpu.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
make .venv/dev >/dev/null
export PATH=$PWD/.venv/bin:$PATH DEVICE=${DEVICE:-cuda}
git rev-parse HEAD
python --version
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader || true
dvc repro --quiet download
python -m verification.gpu
pytest --quiet --numprocesses 0 -m "not extended" tests/core tests/training
make verify
