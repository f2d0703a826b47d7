"""List the paths of all outputs, relative to the repository root, as in dvc.yaml."""

from pathlib import Path

CHECKED = Path("params.valid")
WEIGHTS = Path("models/softmax.safetensors")
MODEL_CARD = Path("models/card.md")
EPOCH_WEIGHTS = Path("models/epochs")
TRAIN_METRICS = Path("metrics/train.json")
LOSSES = Path("metrics/loss.csv")
EPOCHS = Path("metrics/epochs.csv")
TEST_METRICS = Path("metrics/test.json")
CONFUSION = Path("metrics/confusion.csv")
PREDICTIONS = Path("metrics/predictions.csv")
PREDICTION_FIGURES = Path("images/samples")
WEIGHT_IMAGES = Path("images/weights")
EPOCH_IMAGES = Path("images/epochs")
DIVERGING_IMAGES = WEIGHT_IMAGES / "diverging"
GRIDS = WEIGHT_IMAGES / "grid"
LESSON_WEIGHTS = Path("models/lesson.safetensors")
LESSON_METRICS = Path("metrics/lesson.json")
LESSON_EPOCHS = Path("metrics/lesson.csv")
LESSON_POINTS = Path("metrics/lesson_points.csv")
LESSON_EXAMPLES = Path("metrics/lesson_examples.csv")
LESSON_FIGURES = Path("images/lesson")
REPORT = Path("report/index.html")
