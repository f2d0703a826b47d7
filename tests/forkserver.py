"""Python with torch, MLflow and DVC imported already, for the commands that tests run.

A stage imports for seconds and works for a fraction of one. So commands of tests are forks of one
process that has imported all libraries, but nothing of this project. `python` and `dvc` in BIN,
tests/forked.py, ask it for a fork over a socket, with their arguments, folder, environment and
files, or run a Python of their own where that is what is tested. A fork is a process like any
other: it has memory, an exit status and children of its own, and dies of signals.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    *("alembic.command", "celery", "dvc.cli", "dvc.commands.experiments.run", "dvc.repo.plots"),
    *("dvc.repo.experiments.queue.celery", "dvc_data.index", "dvc_render", "filelock", "git"),
    *("jinja2", "mlflow", "mlflow.pyfunc", "mlflow.store.db.utils", "pandas", "PIL.Image"),
    *("mlflow.store.tracking.sqlalchemy_store", "requests", "ruamel.yaml", "safetensors.numpy"),
    *("dulwich.porcelain", "hydra.core.override_parser.overrides_parser", "networkx", "pygit2"),
    *("scipy.stats", "tabulate", "torch", "tqdm"),
)
SOCKET = "TESTS_FORKSERVER"  # the variable that names it


def install(folder: Path) -> Path:
    """Write into `folder` the programs of this environment, `python` and `dvc` forked."""
    binaries = folder / "bin"
    binaries.mkdir()
    for program in Path(sys.executable).parent.iterdir():
        (binaries / program.name).symlink_to(program)
    client = Path(__file__).with_name("forked.py").read_text()
    for name in ("python", "dvc"):
        (binaries / name).unlink()
        (binaries / name).write_text(f"#!{sys.executable} -IS\n{client}")
        (binaries / name).chmod(0o755)
    return binaries


def start(address: str) -> subprocess.Popen[bytes]:
    """Start the server at the socket `address`; whoever connects waits until it has imported."""
    return subprocess.Popen(
        [sys.executable, __file__, address], stdin=subprocess.DEVNULL, start_new_session=True
    )


def serve(address: str) -> None:
    """Fork for each connection, for ever."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        for library in LIBRARIES:
            importlib.import_module(library)
        gc.collect()
        gc.freeze()
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
    request = json.loads(content)
    connection.sendall(os.getpid().to_bytes(8))
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
    status = run(request["arguments"])
    connection.sendall(status.to_bytes(1))
    os._exit(status)


def enter(process: int) -> None:
    """Join a client that runs in namespaces of its own."""
    if sys.platform != "linux":
        return
    theirs, ours = (Path(f"/proc/{which}/ns/mnt") for which in (process, "self"))
    if theirs.readlink() == ours.readlink():
        return
    for kind in ("user", "mnt"):
        with Path(f"/proc/{process}/ns/{kind}").open() as namespace:
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
    serve(sys.argv[1])
