"""Data and models go through a remote: a directory, and a real sshd on loopback."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.clones import Clone, digits_clone
from helpers.stores import STARTUP, free_port

from softmax.pipeline import files, paths
from softmax.provenance import lock

UP_TO_DATE = "Data and pipelines are up to date."


def share(directory: Path, url: str) -> Clone:
    """Make a clone with all results in `directory`, whose last commit names the remote."""
    clone = digits_clone(directory / "clone")
    done = clone.make("remote", f"URL={url}")
    assert done.returncode == 0, done.stderr
    clone.run("git", "commit", "--quiet", "--all", "--message", "Share")
    return clone


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a remote to which a clone beside it pushed."""
    directory = tmp_path_factory.mktemp("pushed")
    share(directory, "../remote").run("dvc", "push")
    return directory


@pytest.fixture
def remote(pushed: Path, tmp_path: Path) -> Path:
    """The remote in a copy of that directory, for one test to change."""
    shutil.copytree(pushed, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "remote"


def mate(tmp_path: Path, name: str = "mate") -> Clone:
    """Clone as a teammate does: nothing but git."""
    return Clone(tmp_path / name, tmp_path / "clone")


def row(clone: Clone) -> tuple[str, dict[str, float], dict[str, str]]:
    """Track the model of a clone; return the name, metrics and params of its only run."""
    from mlflow import MlflowClient

    done = clone.make("track")
    assert done.returncode == 0, done.stderr
    client = MlflowClient(f"sqlite:///{clone.directory / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("softmax-digits")
    (run,) = client.search_runs([experiment.experiment_id])
    images = {entry.path for entry in client.list_artifacts(run.info.run_id, "weights/grid")}
    assert "weights/grid/gray.png" in images
    assert run.info.status == "FINISHED"
    return run.info.run_name, run.data.metrics, run.data.params


def damage(remote: Path, md5: str) -> Path:
    """Change a bit of the object with this MD5 in `remote`, and return its file."""
    stored = remote / "files/md5" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    content = stored.read_bytes()
    stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return stored


def assert_locked(clone: Clone) -> None:
    """Assert that all outputs are here, and that git sees no change."""
    assert clone.run("git", "status", "--porcelain") == ""
    assert UP_TO_DATE in clone.run("dvc", "status")


def weight_images(remote: Path) -> str:
    """Return the MD5 of a directory that was pushed, of the list of its files."""
    return lock.outputs(lock.load(remote.parent / "clone"), "export")[paths.WEIGHT_IMAGES]


def test_a_teammate_gets_the_results_and_rebuilds_what_is_damaged(
    remote: Path, tmp_path: Path
) -> None:
    """Without `verify` DVC takes a damaged object, and says that all is up to date."""
    clone = mate(tmp_path)
    pulled = clone.make("repro", "PULL=1")
    assert pulled.returncode == 0, pulled.stderr
    assert "Running stage" not in pulled.stdout
    assert_locked(clone)
    assert row(clone) == row(digits_clone(tmp_path / "own"))

    damage(remote, lock.outputs(lock.load(tmp_path / "clone"), "train")[paths.WEIGHTS])
    other = mate(tmp_path, "other")
    pull = other.attempt("dvc", "pull")
    assert pull.returncode == 1
    assert re.search(f"failed for following targets:\n(.*\n)*{paths.WEIGHTS}\n", pull.stderr)
    assert not (other.directory / paths.WEIGHTS).exists()
    repro = other.make("repro", "PULL=1")
    assert repro.returncode == 0, repro.stderr
    assert re.findall("Running stage '(.*)'", repro.stdout) == ["train"]
    assert_locked(other)


@pytest.mark.extended
@pytest.mark.usefixtures("remote")
def test_a_version_of_the_model_is_got_without_a_clone(tmp_path: Path) -> None:
    clone = digits_clone(tmp_path / "asking")
    project = tmp_path / "clone"
    weights, card = tmp_path / "weights", tmp_path / "card"
    environment = clone.environment
    register = ["gto", "register", "softmax-digits"]
    subprocess.run(register, cwd=project, env=environment, check=True, capture_output=True)
    shutil.rmtree(project / ".dvc/cache")
    clone.run("dvc", "artifacts", "get", str(project), "softmax-digits", "--out", str(weights))
    tag = ("--rev", "softmax-digits@v0.0.1")
    clone.run("dvc", "get", str(project), str(paths.MODEL_CARD), *tag, "--out", str(card))
    assert files.sha256(weights) == files.sha256(clone.directory / paths.WEIGHTS)
    assert files.sha256(weights) in card.read_text()


@pytest.mark.extended
def test_an_empty_remote_fails_the_pull_and_not_the_repro(tmp_path: Path) -> None:
    shared = share(tmp_path, str(tmp_path / "remote"))
    clone = mate(tmp_path)
    pull = clone.attempt("dvc", "pull")
    assert pull.returncode == 1
    assert "do not exist neither locally nor on remote" in pull.stderr
    assert str(paths.WEIGHTS) in pull.stderr
    repro = clone.make("repro", "PULL=1", MNIST_MIRROR=str(shared.directory / "data/digits"))
    assert repro.returncode == 0, repro.stderr
    assert "Running stage 'train'" in repro.stdout
    assert_locked(clone)


@pytest.mark.extended
def test_an_unreachable_remote_fails_in_a_line_that_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to no one
        share(tmp_path, f"ssh://127.0.0.1:{taken.getsockname()[1]}/srv/dvc")
        clone = mate(tmp_path)
        pull, repro = clone.attempt("dvc", "pull"), clone.make("repro", "PULL=1")
    assert pull.returncode == 1
    assert repro.returncode == 2
    assert "ERROR: failed to connect to ssh" in pull.stderr
    assert "Connect call failed" in repro.stderr
    assert "Traceback" not in pull.stderr + repro.stderr


@pytest.mark.extended
def test_a_corrupted_list_of_a_directory_is_refused_until_it_is_deleted(
    remote: Path, tmp_path: Path
) -> None:
    stored = damage(remote, md5 := weight_images(remote))
    clone = mate(tmp_path)
    for done in (clone.attempt("dvc", "pull"), clone.make("repro", "PULL=1")):
        assert done.returncode != 0
        assert f"object {md5} is corrupted" in done.stderr
        assert "Traceback" not in done.stderr
    stored.unlink()
    repro = clone.make("repro", "PULL=1")
    assert repro.returncode == 0, repro.stderr
    assert "Running stage 'export'" in repro.stdout
    assert_locked(clone)


@pytest.mark.extended
def test_a_changed_list_of_a_directory_is_taken_and_the_directory_rebuilt(
    remote: Path, tmp_path: Path
) -> None:
    """DVC compares no hash of a list that it can read; `repro --pull` stumbles over it."""
    md5 = weight_images(remote)
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
        "StrictModes": "no",  # of the directories above tmp_path
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


@pytest.mark.extended
def test_a_server_with_ssh_gives_the_results(sshd: tuple[str, Path], tmp_path: Path) -> None:
    url, key = sshd
    with_key = ("dvc", "remote", "modify", "--local", "team", "keyfile", str(key))
    clone = share(tmp_path, url)
    clone.run(*with_key)
    clone.run("dvc", "push")
    fresh = mate(tmp_path)
    fresh.run(*with_key)
    fresh.run("dvc", "pull")
    assert UP_TO_DATE in fresh.run("dvc", "repro")
    assert_locked(fresh)
