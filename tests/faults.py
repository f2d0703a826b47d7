"""Runs a stage in which one write goes wrong: python -c FAULTY fault number stage.

The writes are those of softmax/pipeline/files.py to the outputs: the bytes of each, then its name.
Half of the bytes of write `number` are written, then the fault comes; a new name is not
given. The fault is KILL, the name of an error of the system, or SLOW, which holds up all writes.
"""

FAULTY = """if True:
    import errno, os, runpy, signal, sys, time
    from pathlib import Path

    _, fault, number, stage = sys.argv
    whole, rename, count = Path.write_bytes, Path.replace, iter(range(10**9))
    outputs = ("data", "images", "metrics", "models", "report", "params.valid.partial")

    def comes(path):
        if path.parts[0] not in outputs or (fault != "SLOW" and next(count) != int(number)):
            return False
        if fault == "SLOW":
            time.sleep(float(number))
        return True

    def end(path):
        if fault == "KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault != "SLOW":
            code = getattr(errno, fault)
            raise OSError(code, os.strerror(code))

    def write_bytes(path, content):
        if comes(path):
            whole(path, content[: len(content) // 2])
            end(path)
        return whole(path, content)

    def replace(path, target):
        if comes(path):
            end(path)
        return rename(path, target)

    Path.write_bytes, Path.replace = write_bytes, replace
    sys.argv = [stage]
    try:
        runpy.run_module(stage, run_name="__main__", alter_sys=True)
    finally:
        if fault == "COUNT":
            print(next(count))
"""
