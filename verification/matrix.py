"""List the configurations to verify. They may differ in the order of sums."""

import os
import platform
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

THREADS: dict[str, int | None] = {"1 thread": 1, "2 threads": 2, "all threads": os.cpu_count()}
LEVELS = ("DEFAULT", "AVX2", "AVX512")  # torch's names for instruction sets of x86-64
# OpenBLAS's and Numba's names of processors, with the instruction set that each needs.
OPENBLAS = {"Nehalem": "DEFAULT", "Haswell": "AVX2", "SkylakeX": "AVX512"}
NUMBA = {"x86-64": "DEFAULT", "skylake-avx512": "AVX512"}


class Row(NamedTuple):
    """A variant of verification.retrain and its environment. torchrun starts workers, if any."""

    name: str
    variant: str = "numpy"
    environment: dict[str, str] = {}  # noqa: RUF012 (never changed)
    workers: int | None = None
    threads: int | None = None  # the row counts only if the library reports this number
    instructions: str = ""  # the row counts only if the library reports this instruction set
    missing: str = ""  # why this machine cannot run the row
    python: str = sys.executable


def here() -> list[Row]:
    """Return all rows except those of `arm`, including rows that this machine cannot run."""
    # two rows with one thread show that only the number of threads changes the weights
    control = [Row(f"control, threads: {n}", "lecture", _threads(n), threads=n) for n in (1, 1, 2)]
    return [*_numpy(), *_torch(), *_compiled(), *_workers(), *control]


def arm() -> list[Row]:
    """Return the rows for an emulated Arm64 processor, which is a hundred times as slow."""
    python = str(Path(__file__).with_name("emulated.sh"))
    return [Row(f"Arm64, {name}", name, python=python) for name in ("numpy", "torch", "compiled")]


def _numpy() -> list[Row]:
    """Return rows for NumPy on the CPU, for reversed sums, and for the reference."""
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
    """Return rows that run the code for GPUs on the CPU, with torch's arrays."""
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
    """Return rows for one or more workers, and for GPUs."""
    import torch

    count = torch.cuda.device_count()
    gpu = Row("GPU", environment={"DEVICE": "cuda"}, missing="" if count else "no GPU")
    return [
        *(Row(f"workers: {count}", workers=count) for count in (1, 2, 5)),
        gpu,
        gpu._replace(name="GPU workers, NCCL", workers=max(count, 1)),
    ]


def _threads(count: int | None) -> dict[str, str]:
    passive = {"OMP_WAIT_POLICY": "PASSIVE"}  # otherwise waiting threads occupy the cores
    return {**passive, "OMP_NUM_THREADS": str(count)} if count else passive


def _lacks(level: str) -> str:
    """Return why this machine cannot execute the instruction set `level`, or "" if it can."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return "not x86-64"
    import torch  # reads its environment variables when it is imported

    best = torch.backends.cpu.get_cpu_capability()
    return "" if LEVELS.index(level) <= LEVELS.index(best) else f"no {level}"
