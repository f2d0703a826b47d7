"""Python with its libraries imported already, for the commands that tests run.

A stage imports for seconds and works for a fraction of one. So commands of tests are forks of
processes that have imported libraries, but nothing of this project: one DVC's, one MLflow's too,
one torch as well, since a fork takes the longer the more there is. `python` and others in BIN,
tests/forked.py, ask one of them for a fork over a socket, with their arguments, folder, environment
and files, or run a Python of their own where that is what is tested. A fork is a process like any
other: it has memory, an exit status and children of its own, and dies of signals, or with whoever
asked for it.
"""

import atexit
import ctypes
import fcntl
import gc
import importlib
import marshal
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import NoReturn

LIBRARIES = {  # of each server, after those of the one before
    "dvc": (
        *("celery", "celery.bin.celery", "dulwich.porcelain", "dvc.api", "dvc.cli.parser"),
        *("dvc.repo.datasets", "dvc.repo.experiments.queue.celery", "dvc.repo.plots"),
        *("dvc_data.fs", "dvc_data.index", "dvc_render"),
        *("filelock", "git", "hydra.core.override_parser.overrides_parser", "networkx", "pygit2"),
        *("kombu.matcher", "prompt_toolkit", "pyparsing", "requests", "ruamel.yaml", "tabulate"),
        *("tqdm", "unittest"),
    ),
    "mlflow": (
        *("alembic.command", "jinja2", "pandas", "PIL.Image", "safetensors.numpy", "scipy.stats"),
        *("mlflow", "mlflow.pyfunc", "mlflow.store.db.utils", "mlflow.store.model_registry"),
        *("mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store"),
        *("aiohttp", "flask", "markdown_it", "matplotlib.figure", "mlflow.deployments"),
        *("mlflow.gateway.budget_tracker", "numba", "opentelemetry.sdk.metrics"),
        *("mlflow.genai.review_queues", "mlflow.metrics.genai", "mlflow.webhooks.delivery"),
    ),
    "torch": ("torch", "torch.distributed.run", "torch.distributed.elastic.multiprocessing.api"),
}
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"  # set, each fork would compile the project anew
SOCKETS = "TESTS_FORKSERVER"  # the variable that names their folder


def install(folder: Path) -> Path:
    """Write into `folder` the programs of this environment, some of them forked."""
    binaries = folder / "bin"
    binaries.mkdir()
    for program in Path(sys.executable).parent.iterdir():
        (binaries / program.name).symlink_to(program)
    client = Path(__file__).with_name("forked.py").read_text()
    for name in ("python", "dvc", "mlflow", "uvicorn"):
        (binaries / name).unlink()
        (binaries / name).write_text(f"#!{sys.executable} -IS\n{client}")
        (binaries / name).chmod(0o755)
    return binaries


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start servers at sockets in `folder`, each named as in LIBRARIES.

    Whoever connects waits until it has imported.
    """
    environment = {key: value for key, value in os.environ.items() if key != NO_BYTECODE}
    environment["OMP_NUM_THREADS"] = "1"  # threads would wait for each other longer than they work
    return subprocess.Popen(
        [sys.executable, __file__, folder],
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def serve_all(folder: Path) -> None:
    """Serve at each socket from a fork that has imported what it needs, for ever."""
    listeners = {name: socket.socket(socket.AF_UNIX) for name in LIBRARIES}
    for name, listener in listeners.items():
        listener.bind(str(folder / name))
        listener.listen(64)
    for name, libraries in LIBRARIES.items():
        for library in libraries:
            importlib.import_module(library)
        if name == "mlflow":
            rehearse()
        if os.fork() == 0:
            serve(listeners[name])
        listeners[name].close()
    signal.pause()


def rehearse() -> None:
    """Let MLflow look for what is installed and open a store, half a second in all who log."""
    from mlflow import MlflowClient
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    warn_dependency_requirement_mismatches(["mlflow"])
    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        experiment = client.create_experiment("rehearsal", f"{folder}/artifacts")
        run = client.create_run(experiment)
        client.log_param(run.info.run_id, "key", "value")
        client.log_metric(run.info.run_id, "key", 0)
        client.search_runs([experiment])
        client.search_model_versions()


def serve(listener: socket.socket) -> NoReturn:
    """Fork for each connection, for ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)  # a seventh of the time of a `dvc repro`
    for finalizer in weakref.finalize._registry.values():  # type: ignore[attr-defined]
        finalizer.atexit = False  # torch has hundreds, which need a while
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # none is left a zombie
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            answer(connection)
        connection.close()


def answer(connection: socket.socket) -> NoReturn:
    """Become the program that a client asks for, and tell it the exit status."""
    head, files, _, _ = socket.recv_fds(connection, 8, 3)
    size, content = int.from_bytes(head), b""
    while len(content) < size:
        content += connection.recv(size - len(content))
    request = marshal.loads(content)  # noqa: S302 (of our own client)
    connection.sendall(os.getpid().to_bytes(8))
    end_with(connection)
    enter(request["process"])
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.executable = request["program"]
    places = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:0] = [request["folder"], *places]
    end, process = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() == process:  # no child of it
            connection.sendall(status.to_bytes(1))
        end(status)

    os._exit = leave  # by which softmax/tracking ends a stage, too
    leave(run(request["arguments"]))


def end_with(connection: socket.socket) -> None:
    """Die when the client does, even of SIGKILL, which it cannot pass on."""
    if sys.platform == "linux":
        fcntl.fcntl(connection, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(connection, fcntl.F_SETFL, os.O_ASYNC)


def enter(process: int) -> None:
    """Join a client that runs in namespaces of its own."""
    if sys.platform != "linux":
        return
    for kind in ("user", "mnt", "net"):
        theirs, ours = (Path(f"/proc/{which}/ns/{kind}") for which in (process, "self"))
        if theirs.readlink() == ours.readlink():
            continue
        with theirs.open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0):
                raise OSError(ctypes.get_errno(), f"no way into the namespace {kind}")


def run(arguments: list[str]) -> int:
    """Run `-m module ...` or `-c program`, as Python does; the exit status."""
    status: object = 0
    try:
        option, what, *sys.argv[1:] = arguments
        sys.argv[0] = option
        if option == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(what, {"__name__": "__main__"})  # noqa: S102 (as -c does)
    except SystemExit as end:
        status = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    if isinstance(status, str):
        print(status, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined] # as the interpreter ends
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))
    serve_all(Path(sys.argv[1]))
