"""Find models in a repository's commits, branches, tags and DVC experiments."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import git
from dvc.api import DVCFileSystem
from dvc.repo import Repo
from dvc.scm import RevError, resolve_rev
from dvc_data.index import DataIndexDirError

from softmax.errors import DataError
from softmax.pipeline import dvc_lock, paths

EXPERIMENTS = "refs/exps/??/*/*"  # DVC's experiments, by the commit that they are based on


class Revision(NamedTuple):
    """The latest commit with a model, and the experiment's name if no branch or tag contains it."""

    commit: str
    time: float  # of the commit, in seconds since 1970
    experiment: str | None


def of_models(root: Path) -> Iterator[Revision]:
    """Yield a revision for each distinct model in the dvc.lock files of the repository at `root`.

    Also yield a revision for each invalid dvc.lock, for which `check_out` raises DataError.
    """
    repository = git.Repo(root)
    ends = repository.git.for_each_ref(EXPERIMENTS, format="%(objectname) %(refname:lstrip=-1)")
    experiments = dict(line.split(" ", 1) for line in ends.splitlines())
    commits = repository.git.rev_list("HEAD", "--branches", "--tags", "--remotes").splitlines()
    seen = set()
    for commit in map(repository.commit, [*commits, *experiments]):
        try:
            file = commit.tree / str(dvc_lock.PATH)
        except KeyError:
            continue
        try:
            stages = dvc_lock.parse(file.data_stream.read())
            model = dvc_lock.outputs(stages, "train").get(paths.WEIGHTS)
        except DataError:
            model = file.hexsha
        if model and model not in seen:
            seen.add(model)
            yield Revision(commit.hexsha, commit.committed_date, experiments.get(commit.hexsha))


def find(root: Path, name: str) -> str:
    """Return the hash of a commit, branch, tag or DVC experiment. Raise DataError if unknown."""
    try:
        with Repo(str(root)) as repository:
            return git.Repo(root).commit(resolve_rev(repository.scm, name)).hexsha
    except (RevError, ValueError):
        raise DataError(
            f"{name}: not a commit, branch, tag or DVC experiment. See `git log --all` and "
            "`dvc exp list --all`, or run `git fetch --tags`."
        ) from None


def check_out(
    root: Path, commit: str, directory: Path, wanted: Callable[[dvc_lock.Stages], Sequence[Path]]
) -> None:
    """Copy dvc.lock and the `wanted` outputs from `commit` to `directory`.

    Raise DataError if the commit contains no dvc.lock, or if DVC's cache and remote lack an output.
    """
    if git.Repo(root).git.rev_parse("--shared-index-path"):
        raise DataError(
            "git: DVC cannot read a split index. Run `git config core.splitIndex false && "
            "git update-index --no-split-index`."
        )
    files = DVCFileSystem(str(root), rev=commit)
    try:
        files.get_file(f"/{dvc_lock.PATH}", directory / dvc_lock.PATH)
    except FileNotFoundError:
        raise DataError(
            f"commit {commit[:7]}: contains no {dvc_lock.PATH}. Choose a different commit."
        ) from None
    for path in wanted(dvc_lock.load(directory)):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            files.get(f"/{path}", str(directory / path), recursive=files.isdir(f"/{path}"))
        except (FileNotFoundError, DataIndexDirError):
            raise DataError(
                f"commit {commit[:7]}: {path} is not in DVC's cache. Run "
                "`dvc fetch --all-commits`, or check out the commit and run `dvc repro`."
            ) from None
