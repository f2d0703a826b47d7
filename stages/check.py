"""Check params.yaml before any other stage starts.

DVC removes the outputs of a stage before it starts it, and looks only at the keys that dvc.yaml
names. With a stage of its own upstream of all others, an unknown key or a value that the data do
not allow stops the pipeline while nothing has been touched.
"""

from softmax.errors import exits_cleanly
from softmax.pipeline import files, params, paths
from softmax.pipeline.recorder import Recorder


@exits_cleanly
def main() -> None:
    """Write a file that is always the same, so that no other stage runs because of it."""
    params.load()
    Recorder("check")  # it logs nothing, but so MLflow is imported by the time that a stage does
    files.write({paths.CHECKED: b"params.yaml is valid\n"})
    print("check: params.yaml is valid")


if __name__ == "__main__":
    main()
