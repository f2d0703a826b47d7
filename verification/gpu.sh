#!/usr/bin/env bash
# Compute on a GPU all that can be computed there, and print what to send: docs/verification.md.
# DEVICE=cpu tries the script without a GPU.
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
