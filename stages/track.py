"""Give the model on disk its MLflow run, from the facts alone, where it has none."""

from softmax import params, tracking
from softmax.errors import exits_cleanly


@exits_cleanly
def main() -> None:
    """Print which run the model has."""
    print(f"track: {tracking.backfill(params.load())}")


if __name__ == "__main__":
    main()
