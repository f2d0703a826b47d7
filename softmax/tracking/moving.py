"""A store that was moved or copied with the folder it is in: MLflow keeps absolute places."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.request import url2pathname

DATABASE, FOLDER = "mlflow.db", "mlartifacts"
PLACES = {  # of MLflow's tables, the columns that hold one
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def follow(root: Path) -> None:
    """Let the store in `root`, if there is one, keep the artifacts in `root` again."""
    if not (root / DATABASE).exists():
        return
    with closing(sqlite3.connect(root / DATABASE)) as database, database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if not tables >= PLACES.keys():  # MLflow is about to make them
            return
        found = database.execute("SELECT artifact_location FROM experiments").fetchall()
        roots = {place.rpartition(f"/{FOLDER}/")[0] for (place,) in found}
        here = f"{root.as_uri()}/{FOLDER}/"
        for there in (f"{before}/{FOLDER}/" for before in roots if was_left(before, root)):
            for table, column in PLACES.items():
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                    f"WHERE substr({column}, 1, ?) = ?",
                    (here, len(there) + 1, len(there), there),
                )


def was_left(before: str, root: Path) -> bool:
    """Whether a store that is in `root` now, or a copy of it, was in the folder of this URI."""
    if not before.startswith("file://") or before == root.as_uri():
        return False
    folder = Path(url2pathname(before.removeprefix("file://")))
    return (folder / DATABASE).exists() or not folder.exists()
