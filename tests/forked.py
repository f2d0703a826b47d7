"""`python` and `dvc` of the tests: a fork of tests/forkserver.py, or a process of its own.

It runs without site packages, in some hundredths of a second.
"""

import json
import os
import signal
import socket
import sys

MODULES = ("stages.", "tools.", "softmax.", "dvc", "verification.claims")
OWN = ("OMP_", "OPENBLAS_", "MKL_", "ATEN_", "NPY_", "WORKERS", "PET_", "PYTHONSAFEPATH")

program, arguments = os.path.abspath(sys.argv[0]), sys.argv[1:]
if os.path.basename(program) == "dvc":
    program, arguments = os.path.join(os.path.dirname(program), "python"), ["-m", "dvc", *arguments]
known = arguments[:1] == ["-c"] or (
    arguments[:1] == ["-m"] and len(arguments) > 1 and arguments[1].startswith(MODULES)
)
special = [name for name in os.environ if name.startswith(OWN)]
if not known or special or "TESTS_FORKSERVER" not in os.environ:
    os.execv(sys.executable, [sys.executable, *arguments])

connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["TESTS_FORKSERVER"])
request = json.dumps(
    {
        "process": os.getpid(),
        "program": program,
        "arguments": arguments,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }
).encode()
socket.send_fds(connection, [len(request).to_bytes(8, "big")], [0, 1, 2])
connection.sendall(request)
child = int.from_bytes(connection.recv(8), "big")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(child, number))
status = connection.recv(1)
os._exit(status[0] if status else 128 + signal.SIGKILL)
