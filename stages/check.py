"""Check params.yaml before any other stage starts.

DVC removes the outputs of a stage before it starts the stage, and reads only the keys that dvc.yaml
names. All other stages depend on this stage, so an unknown key or an invalid value stops the
pipeline before any output changes.
"""

from softmax.errors import exits_cleanly
from softmax.pipeline import files, params, paths
from softmax.pipeline.recorder import Recorder


@exits_cleanly
def main() -> None:
    """Write a file that never changes, so it never makes DVC run a later stage again."""
    params.load()
    Recorder("check")  # logs nothing, but imports MLflow early for the later stages
    files.write({paths.CHECKED: b"params.yaml is valid\n"})
    print("check: params.yaml is valid")


if __name__ == "__main__":
    main()
