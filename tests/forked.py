"""`python` and its programs in tests: a fork of tests/forkserver.py, or a process of its own.

It runs in two hundredths of a second: without site packages, and without what `json`, `signal` and
`socket` import.
"""

import marshal
import os
import sys
from _signal import SIG_DFL, SIGHUP, SIGINT, SIGKILL, SIGTERM, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket

PROJECT = ("stages.", "tools.", "softmax.", "verification.")
PROGRAMS = ("dvc", "mlflow", "uvicorn", "torch.distributed.run")
# read by what is imported
OWN = ("OMP_", "OPENBLAS_", "MKL_", "ATEN_", "NPY_", "NUMBA_", "PYTHONSAFEPATH")

program, arguments = os.path.abspath(sys.argv[0]), sys.argv[1:]
folder, name = os.path.split(program)
if name != "python":
    program, arguments = os.path.join(folder, "python"), ["-m", name, *arguments]
arguments = arguments[arguments[:1] == ["-u"] :]
module = arguments[1] if arguments[:1] == ["-m"] else ""
program_text = arguments[1] if arguments[:1] == ["-c"] else ""
forkable = program_text and "multiprocessing" not in program_text  # whose pipes are not passed on
known = forkable or module in PROGRAMS or module.startswith(PROJECT)
worker = "TORCHELASTIC_RUN_ID" in os.environ  # for which torchrun sets OMP_NUM_THREADS
own = not worker and [name for name in os.environ if name.startswith(OWN)]
if not known or own or "TESTS_FORKSERVER" not in os.environ:
    os.execv(sys.executable, [sys.executable, *arguments])

server = "mlflow"
if module == "dvc":
    server = "dvc"
elif module in ("stages.lesson", "torch.distributed.run") or worker or "WORKERS" in os.environ:
    server = "torch"
connection = socket(AF_UNIX)
connection.connect(os.path.join(os.environ["TESTS_FORKSERVER"], server))
request = marshal.dumps(
    {
        "process": os.getpid(),
        "program": program,
        "arguments": arguments,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }
)
files = b"".join(file.to_bytes(4, sys.byteorder) for file in (0, 1, 2))
connection.sendmsg([len(request).to_bytes(8, "big")], [(SOL_SOCKET, SCM_RIGHTS, files)])
connection.sendall(request)
child = int.from_bytes(connection.recv(8), "big")
passed_on: list[int] = []


def pass_on(number: int, _: object) -> None:
    passed_on.append(number)
    os.kill(child, number)


for number in (SIGINT, SIGTERM, SIGHUP):
    signal(number, pass_on)
status = connection.recv(1)
if not status:  # it was killed
    for given in passed_on:
        signal(given, SIG_DFL)
        os.kill(os.getpid(), given)
    os.kill(os.getpid(), SIGKILL)
os._exit(status[0])
