"""The configurations: the ways in which a sum could come out in another order."""

import platform
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

THREADS: dict[str, int | None] = {"1 thread": 1, "2 threads": 2, "all threads": None}
LEVELS = ("DEFAULT", "AVX2", "AVX512")  # of x86-64, as torch names them


class Row(NamedTuple):
    """A way of verification.retrain in an environment, with torchrun if there are workers."""

    name: str
    way: str = "numpy"
    environment: dict[str, str] = {}  # noqa: RUF012 (never changed)
    workers: int | None = None
    threads: int | None = None  # the library has to report these
    instructions: str = ""  # and these
    missing: str = ""  # what this machine lacks for it
    python: str = sys.executable


def here() -> list[Row]:
    """All of them, whether this machine can run them or not, but for those of `arm`."""
    return [*_numpy(), *_torch(), *_compiled(), *_workers(), *_gpu(), *_control()]


def arm() -> list[Row]:
    """On an emulated Arm64 processor, which takes a hundred times as long."""
    python = str(Path(__file__).with_name("arm.sh"))
    return [Row(f"Arm64, {way}", way, python=python) for way in ("numpy", "torch", "compiled")]


def _numpy() -> list[Row]:
    """How the stages compute on a CPU, other orders, and another implementation."""
    simd: Any = np.show_config(mode="dicts")
    found = " ".join(simd["SIMD Extensions"].get("found", []))
    return [
        *(Row(f"NumPy, {name}", environment=_threads(n), threads=n) for name, n in THREADS.items()),
        *(
            Row(
                f"OpenBLAS for {core}",
                environment={"OPENBLAS_CORETYPE": core},
                instructions=core,
                missing=_lacks(level),
            )
            for core, level in {
                "Nehalem": "DEFAULT",
                "Haswell": "AVX2",
                "SkylakeX": "AVX512",
            }.items()
        ),
        Row("NumPy without SIMD", environment={"NPY_DISABLE_CPU_FEATURES": found}),
        Row("every sum in reverse", "backwards"),
        Row("reference, NumPy only", "reference"),
    ]


def _torch() -> list[Row]:
    """How the stages compute on a GPU, with torch's arrays on the CPU."""
    return [
        *(Row(f"torch, {name}", "torch", _threads(n), threads=n) for name, n in THREADS.items()),
        *(
            Row(
                f"ATen {level}",
                "torch",
                {"ATEN_CPU_CAPABILITY": level.lower(), **_threads(1)},
                instructions=level,
                missing=_lacks(level),
            )
            for level in LEVELS
        ),
        Row(
            "MKL compatible",
            "torch",
            {"MKL_CBWR": "COMPATIBLE", **_threads(1)},
            missing=_lacks("DEFAULT"),
        ),
    ]


def _compiled() -> list[Row]:
    """The loop of sweeps, for this processor and for others."""
    cores = {"x86-64": "DEFAULT", "skylake-avx512": "AVX512"}
    return [
        Row("compiled", "compiled"),
        *(
            Row(
                f"compiled for {core}",
                "compiled",
                {"NUMBA_CPU_NAME": core, "NUMBA_CPU_FEATURES": ""},
                instructions=core,
                missing=_lacks(level),
            )
            for core, level in cores.items()
        ),
    ]


def _workers() -> list[Row]:
    return [Row(f"workers: {count}", workers=count) for count in (1, 2, 5)]


def _gpu() -> list[Row]:
    import torch

    count = torch.cuda.device_count()
    missing = "" if count else "no GPU"
    environment = {"DEVICE": "cuda"}
    return [
        Row("GPU", environment=environment, missing=missing),
        Row("GPU workers, NCCL", environment=environment, workers=max(count, 1), missing=missing),
    ]


def _control() -> list[Row]:
    """With one thread twice: only the number of threads may tell them apart."""
    return [Row(f"control, threads: {n}", "lecture", _threads(n), threads=n) for n in (1, 1, 2)]


def _threads(count: int | None) -> dict[str, str]:
    passive = {"OMP_WAIT_POLICY": "PASSIVE"}  # on a busy machine waiting threads would spin
    return {**passive, "OMP_NUM_THREADS": str(count)} if count else passive


def _lacks(level: str) -> str:
    """What is missing for the instructions of `level`: nothing, or words that say so."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return "not an x86-64"
    import torch  # which looks at the environment when it is imported

    best = torch.backends.cpu.get_cpu_capability()
    return "" if LEVELS.index(level) <= LEVELS.index(best) else f"no {level} here"
