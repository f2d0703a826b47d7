"""A store that was moved or copied with the folder it is in: MLflow keeps absolute places."""

import sqlite3
from contextlib import closing
from pathlib import Path

FOLDER = "mlartifacts"
PLACES = {  # of MLflow's tables, the columns that hold one
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def follow(root: Path) -> None:
    """Let the store in `root`, if there is one, keep the artifacts in `root` again."""
    if not (root / "mlflow.db").exists():
        return
    with closing(sqlite3.connect(root / "mlflow.db")) as database, database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if not tables >= PLACES.keys():  # MLflow is about to make them
            return
        found = database.execute("SELECT artifact_location FROM experiments").fetchall()
        roots = {place.rpartition(f"/{FOLDER}/")[0] for (place,) in found}
        for before in roots - {"", root.as_uri()}:
            for table, column in PLACES.items():
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                    f"WHERE substr({column}, 1, ?) = ?",
                    (root.as_uri(), len(before) + 1, len(before) + 1, f"{before}/"),
                )
