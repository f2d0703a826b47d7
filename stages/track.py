"""Complete the MLflow run of the model on disk, from the facts alone. Not a stage of DVC."""

from softmax import params, tracking
from softmax.errors import exits_cleanly


@exits_cleanly
def main() -> None:
    """Print the id of the run."""
    print(f"track: run {tracking.backfill(params.load())} has all facts of the model on disk")


if __name__ == "__main__":
    main()
