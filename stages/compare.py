"""Write what changed between two models, as for a pull request. Not a stage of DVC.

python -m stages.compare main                  # the workspace with the model of main
python -m stages.compare main my-experiment    # any two commits, branches, tags, experiments
"""

import argparse
import tempfile
from pathlib import Path

from softmax import comparison, files, lock, params, revisions
from softmax.comparison import Results
from softmax.errors import DataError, exits_cleanly

REPORT = Path("report/compare.md")
PICTURES = Path("report/compare")
WORKSPACE = "workspace"  # as DVC calls it


@exits_cleanly
def main() -> None:
    """Write the page and its pictures, and print the page."""
    parser = argparse.ArgumentParser(prog="stages.compare")
    parser.add_argument("before")
    parser.add_argument("after", nargs="?", default=WORKSPACE)
    names = parser.parse_args()
    before, after = read(names.before), read(names.after)
    page = comparison.markdown(before, after)
    pictures = {PICTURES / name: png for name, png in comparison.pictures(before, after).items()}
    files.write({REPORT: page.encode(), **pictures})
    print(page, end="")


def read(name: str) -> Results:
    """The results of the revision `name`, or of the workspace."""
    if name == WORKSPACE:
        check_workspace()
        return comparison.read(f"`{WORKSPACE}`", Path())
    commit = revisions.find(Path(), name)
    title = f"`{name}` ({commit[:7]})" if not commit.startswith(name) else f"`{commit[:7]}`"
    with tempfile.TemporaryDirectory() as folder:
        revisions.check_out(Path(), commit, Path(folder))
        return comparison.read(title, Path(folder))


def check_workspace() -> None:
    """Raise DataError if params.yaml or a module is newer than the results."""
    stages = lock.load()
    modules = {
        path: md5
        for name in lock.RESULTS
        for path, md5 in lock.inputs(stages, name).items()
        if path.suffix == ".py"
    }
    changed = [path for path, md5 in modules.items() if not path.exists() or files.md5(path) != md5]
    settings = params.load().model_dump(exclude={"lesson"})
    if settings != lock.params(stages).model_dump():
        changed = [params.PATH, *changed]
    if changed:
        raise DataError(f"{changed[0]}: changed since the results; run `dvc repro`")


if __name__ == "__main__":
    main()
