"""List the configurations: ways to compute in which the order of a sum may differ."""

import os
import platform
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

THREADS: dict[str, int | None] = {"1 thread": 1, "2 threads": 2, "all threads": os.cpu_count()}
LEVELS = ("DEFAULT", "AVX2", "AVX512")  # of x86-64, as torch names them
# Processors as OpenBLAS and Numba name them, and the level that each needs.
OPENBLAS = {"Nehalem": "DEFAULT", "Haswell": "AVX2", "SkylakeX": "AVX512"}
NUMBA = {"x86-64": "DEFAULT", "skylake-avx512": "AVX512"}


class Row(NamedTuple):
    """A way of verification.retrain in an environment; torchrun starts it if there are workers."""

    name: str
    way: str = "numpy"
    environment: dict[str, str] = {}  # noqa: RUF012 (never changed)
    workers: int | None = None
    threads: int | None = None  # the library has to report these
    instructions: str = ""  # and these
    missing: str = ""  # what this machine lacks for it
    python: str = sys.executable


def here() -> list[Row]:
    """Return all rows except those of `arm`, whether or not this machine can run them."""
    # one thread twice: only the number of threads may change the weights
    control = [Row(f"control, threads: {n}", "lecture", _threads(n), threads=n) for n in (1, 1, 2)]
    return [*_numpy(), *_torch(), *_compiled(), *_workers(), *control]


def arm() -> list[Row]:
    """Return the rows for an emulated Arm64 processor, which takes a hundred times as long."""
    python = str(Path(__file__).with_name("emulated.sh"))
    return [Row(f"Arm64, {way}", way, python=python) for way in ("numpy", "torch", "compiled")]


def _numpy() -> list[Row]:
    """Return rows for NumPy on the CPU, reversed sums, and the second implementation."""
    rows = [Row(f"NumPy, {name}", "numpy", _threads(n), threads=n) for name, n in THREADS.items()]
    for core, level in OPENBLAS.items():
        row = Row(f"OpenBLAS for {core}", "numpy", {"OPENBLAS_CORETYPE": core}, instructions=core)
        rows.append(row._replace(missing=_lacks(level)))
    simd: Any = np.show_config(mode="dicts")
    found = " ".join(simd["SIMD Extensions"].get("found", []))
    return [
        *rows,
        Row("NumPy without SIMD", environment={"NPY_DISABLE_CPU_FEATURES": found}),
        Row("every sum in reverse", "backwards"),
        Row("reference, NumPy only", "reference"),
    ]


def _torch() -> list[Row]:
    """Return rows for the code of GPUs, with torch's arrays on the CPU."""
    rows = [Row(f"torch, {name}", "torch", _threads(n), threads=n) for name, n in THREADS.items()]
    for level in LEVELS:
        environment = {"ATEN_CPU_CAPABILITY": level.lower(), **_threads(1)}
        row = Row(f"ATen {level}", "torch", environment, instructions=level)
        rows.append(row._replace(missing=_lacks(level)))
    mkl = {"MKL_CBWR": "COMPATIBLE", **_threads(1)}
    return [*rows, Row("MKL compatible", "torch", mkl, missing=_lacks("DEFAULT"))]


def _compiled() -> list[Row]:
    """Return rows for the loop of sweeps, compiled for several processors."""
    rows = [Row("compiled", "compiled")]
    for core, level in NUMBA.items():
        environment = {"NUMBA_CPU_NAME": core, "NUMBA_CPU_FEATURES": ""}
        row = Row(f"compiled for {core}", "compiled", environment, instructions=core)
        rows.append(row._replace(missing=_lacks(level)))
    return rows


def _workers() -> list[Row]:
    """Return rows for several processes, and for GPUs."""
    import torch

    count = torch.cuda.device_count()
    gpu = Row("GPU", environment={"DEVICE": "cuda"}, missing="" if count else "no GPU")
    return [
        *(Row(f"workers: {count}", workers=count) for count in (1, 2, 5)),
        gpu,
        gpu._replace(name="GPU workers, NCCL", workers=max(count, 1)),
    ]


def _threads(count: int | None) -> dict[str, str]:
    passive = {"OMP_WAIT_POLICY": "PASSIVE"}  # waiting threads would spin on a busy machine
    return {**passive, "OMP_NUM_THREADS": str(count)} if count else passive


def _lacks(level: str) -> str:
    """Return what this machine lacks for the instructions of `level`, in words; "" if nothing."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return "not an x86-64"
    import torch  # which looks at the environment when it is imported

    best = torch.backends.cpu.get_cpu_capability()
    return "" if LEVELS.index(level) <= LEVELS.index(best) else f"no {level} here"
