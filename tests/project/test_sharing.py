"""Data and models go through a remote: a directory, and a real sshd on loopback."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from clones import Clone
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import STARTUP, free_port, serve

from softmax.pipeline import files, paths
from softmax.provenance import lock

UP_TO_DATE = "Data and pipelines are up to date."
Share = Callable[[str], Clone]


@pytest.fixture
def share(team: Clone, tmp_path: Path) -> Share:
    """Makes a commit of the team with a remote: share(url)."""
    return partial(share_from, tmp_path, team)


def share_from(folder: Path, team: Clone, url: str) -> Clone:
    """A clone in `folder`, with the team's cache, and a commit that names the remote."""
    clone = Clone(folder / "clone", team.folder)
    shutil.copytree(team.folder / ".dvc/cache", clone.folder / ".dvc/cache")
    done = clone.make("remote", f"URL={url}")
    assert done.returncode == 0, done.stderr
    clone.run("git", "commit", "--quiet", "--all", "--message", "Share")
    return clone


@pytest.fixture(scope="module")
def pushed(team: Clone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a remote to which the team pushed, and the clone beside it that knows it."""
    folder = tmp_path_factory.mktemp("pushed")
    share_from(folder, team, "../remote").run("dvc", "push")
    return folder


@pytest.fixture
def remote(pushed: Path, tmp_path: Path) -> Path:
    """The remote in a copy of that folder, for one test to change."""
    shutil.copytree(pushed, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "remote"


def mate(tmp_path: Path) -> Clone:
    """What a teammate clones: nothing but git, no mirror of the data and an MLflow of its own."""
    clone = Clone(tmp_path / "mate", tmp_path / "clone")
    clone.environment.pop("MNIST_MIRROR", None)
    return clone


def row(uri: str, sha256: str) -> Run:
    """The newest run of the model with these weights: other tests may train the team's again."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("softmax-digits")
    query = f"tags.`weights.sha256` = '{sha256}'"
    newest: Run = client.search_runs([experiment.experiment_id], query, max_results=1)[0]
    return newest


@pytest.mark.usefixtures("remote")
def test_a_teammate_sees_the_same_row(team: Clone, tmp_path: Path) -> None:
    clone = mate(tmp_path)
    clone.run("dvc", "pull")
    assert UP_TO_DATE in clone.run("dvc", "repro")
    assert clone.make("track").returncode == 0
    weights = files.sha256(team.folder / paths.WEIGHTS)
    theirs = row(team.environment["MLFLOW_TRACKING_URI"], weights)
    database = f"sqlite:///{clone.folder / 'mlflow.db'}"
    with serve(tmp_path, "--backend-store-uri", database) as ui:
        mine = row(ui, weights)
    artifacts = Path(mine.info.artifact_uri.removeprefix("file://"))
    assert (artifacts / "weights/grid/gray.png").exists()
    assert (artifacts / "report/index.html").exists()
    assert mine.info.status == "FINISHED"
    assert mine.info.run_name == theirs.info.run_name
    assert mine.data.metrics == theirs.data.metrics
    assert mine.data.params == theirs.data.params


@pytest.mark.usefixtures("remote")
def test_ci_pulls_what_is_there_and_runs_nothing(tmp_path: Path) -> None:
    clone = mate(tmp_path)
    done = clone.make("repro", "PULL=1")
    assert done.returncode == 0, done.stderr
    assert "Running stage" not in done.stdout
    assert_locked(clone)


@pytest.mark.usefixtures("remote")
def test_a_version_of_the_model_is_got_without_a_clone(team: Clone, tmp_path: Path) -> None:
    project = tmp_path / "clone"
    register = ["gto", "register", "softmax-digits"]
    subprocess.run(register, cwd=project, env=team.environment, check=True, capture_output=True)
    shutil.rmtree(project / ".dvc/cache")
    weights, card = tmp_path / "weights", tmp_path / "card"
    team.run("dvc", "artifacts", "get", str(project), "softmax-digits", "--out", str(weights))
    tag = ("--rev", "softmax-digits@v0.0.1")
    team.run("dvc", "get", str(project), str(paths.MODEL_CARD), *tag, "--out", str(card))
    assert files.sha256(weights) == files.sha256(team.folder / paths.WEIGHTS)
    assert files.sha256(weights) in card.read_text()


def test_an_empty_remote_fails_the_pull_and_not_the_repro(
    share: Share, team: Clone, tmp_path: Path
) -> None:
    shared = share(str(tmp_path / "remote"))
    shared.drop("export", "lesson", "report")
    shared.run("git", "commit", "--quiet", "--all", "--message", "Make the model alone")
    clone = mate(tmp_path)
    pull = clone.attempt("dvc", "pull")
    assert pull.returncode == 1
    assert "do not exist neither locally nor on remote" in pull.stderr
    assert str(paths.WEIGHTS) in pull.stderr
    repro = clone.make("repro", "PULL=1", MNIST_MIRROR=team.environment["MNIST_MIRROR"])
    assert repro.returncode == 0, repro.stderr
    assert "Running stage 'train'" in repro.stdout
    assert_locked(clone)


def test_an_unreachable_remote_fails_in_a_line_that_says_so(share: Share, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to no one
        share(f"ssh://127.0.0.1:{taken.getsockname()[1]}/srv/dvc")
        clone = mate(tmp_path)
        pull, repro = clone.attempt("dvc", "pull"), clone.make("repro", "PULL=1")
    assert pull.returncode == 1
    assert repro.returncode == 2
    assert "ERROR: failed to connect to ssh" in pull.stderr
    assert "Connect call failed" in repro.stderr
    assert "Traceback" not in pull.stderr + repro.stderr


def test_a_corrupted_object_is_refused_and_made_anew(
    remote: Path, team: Clone, tmp_path: Path
) -> None:
    """Without `verify` DVC takes it, and says that all is up to date."""
    md5 = lock.outputs(lock.load(team.folder), "train")[paths.WEIGHTS]
    damage(remote, md5)
    clone = mate(tmp_path)
    pull = clone.attempt("dvc", "pull")
    assert pull.returncode == 1
    assert re.search(f"failed for following targets:\n(.*\n)*{paths.WEIGHTS}\n", pull.stderr)
    assert not (clone.folder / paths.WEIGHTS).exists()
    repro = clone.make("repro", "PULL=1")
    assert repro.returncode == 0, repro.stderr
    assert "Running stage 'train'" in repro.stdout
    assert_locked(clone)


def test_a_corrupted_folder_is_refused_until_it_is_deleted(
    remote: Path, team: Clone, tmp_path: Path
) -> None:
    """Not a file in it, but the list of them."""
    md5 = lock.outputs(lock.load(team.folder), "export")[paths.WEIGHT_IMAGES]
    stored = damage(remote, md5)
    clone = mate(tmp_path)
    pull, repro = clone.attempt("dvc", "pull"), clone.make("repro", "PULL=1")
    for done in (pull, repro):
        assert done.returncode != 0
        assert f"object {md5} is corrupted" in done.stderr
        assert "Traceback" not in done.stderr
    stored.unlink()
    repro = clone.make("repro", "PULL=1")
    assert repro.returncode == 0, repro.stderr
    assert "Running stage 'export'" in repro.stdout
    assert_locked(clone)


def test_a_changed_list_of_a_folder_is_taken_and_the_folder_made_anew(
    remote: Path, team: Clone, tmp_path: Path
) -> None:
    """DVC compares no hash of a list that it can read; `repro --pull` stumbles over the folder."""
    md5 = lock.outputs(lock.load(team.folder), "export")[paths.WEIGHT_IMAGES]
    stored = remote / "files/md5" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    stored.write_text(stored.read_text().replace("0.png", "another.png"))
    clone = mate(tmp_path)
    clone.run("dvc", "pull")
    repro = clone.make("repro", "PULL=1")
    assert repro.returncode == 2
    assert "unable to remove" in repro.stderr
    repro = clone.make("repro")
    assert repro.returncode == 0, repro.stderr
    assert "Running stage 'export'" in repro.stdout
    assert_locked(clone)


def damage(remote: Path, md5: str) -> Path:
    """Change a bit of the object in `remote` with this MD5; the file that holds it."""
    stored = remote / "files/md5" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    content = stored.read_bytes()
    stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return stored


def assert_locked(clone: Clone) -> None:
    """All is here, and git sees no change."""
    assert clone.run("git", "status", "--porcelain") == ""
    assert UP_TO_DATE in clone.run("dvc", "status")
    assert (clone.folder / paths.WEIGHTS).exists()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server that takes files for one key, and nothing else: its URL and the private key."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("sshd is not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # without which it does not start for root
    for name in ("host", "key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(command, check=True)
    port = free_port()
    options = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "key.pub",
        "StrictModes": "no",  # of the folders above tmp_path
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PidFile": "none",
        "Subsystem": "sftp internal-sftp",
    }
    arguments = [f"-o{key}={value}" for key, value in options.items()]
    with subprocess.Popen(
        [program, "-D", "-e", "-f", os.devnull, *arguments], stderr=subprocess.DEVNULL
    ) as process:
        wait_for_port(port)
        yield f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/remote", tmp_path / "key"
        process.terminate()


def wait_for_port(port: int) -> None:
    """Return when somebody listens; AssertionError if nobody does."""
    end = time.monotonic() + STARTUP
    while time.monotonic() < end:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise AssertionError(f"nobody listens on port {port}")


def test_a_server_with_ssh_gives_the_results(
    share: Share, sshd: tuple[str, Path], tmp_path: Path
) -> None:
    url, key = sshd
    with_key = ("dvc", "remote", "modify", "--local", "team", "keyfile", str(key))
    clone = share(url)
    clone.run(*with_key)
    clone.run("dvc", "push")
    fresh = mate(tmp_path)
    fresh.run(*with_key)
    fresh.run("dvc", "pull")
    assert UP_TO_DATE in fresh.run("dvc", "repro")
    assert_locked(fresh)
