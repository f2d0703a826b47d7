"""Draw the weights of each class as an image."""

from collections.abc import Iterator
from pathlib import Path

from softmax.analysis import images
from softmax.core import model
from softmax.core.arrays import FloatArray
from softmax.errors import exits_cleanly
from softmax.pipeline import datasets, dvc_lock, files, params, paths
from softmax.pipeline.datasets import DatasetEntry
from softmax.pipeline.recorder import Recorder


@exits_cleanly
def main() -> None:
    """Write an image of each class and a contact sheet of all, in gray and in diverging colors.

    Gray sheets also show the snapshots of earlier epochs. Sheets have half the scale, so they fit
    on a page. Their directory is separate, because `dvc plots` cannot sort numbers with words.
    """
    config, recorder = params.load(), Recorder("export")
    dvc_lock.verify(paths.WEIGHTS, paths.EPOCH_WEIGHTS)
    entry = datasets.load()[config.download.dataset]
    scale = images.scale(config.export.scale, entry.size)
    if scale < config.export.scale:
        print(
            f"export: export.scale = {config.export.scale} is reduced to {scale}, "
            f"because all classes together may have at most {images.MAX_PIXELS:,} pixels"
        )
    drawn = files.write(draw(entry, scale), only_in=paths.EPOCH_IMAGES)
    print(f"export: {len(drawn)} images in {paths.WEIGHT_IMAGES} and {paths.EPOCH_IMAGES}")
    recorder.log(config)


def draw(entry: DatasetEntry, scale: int) -> Iterator[tuple[Path, bytes]]:
    """Yield the path and bytes of each image, because memory might not hold all images."""
    sheet_scale = (scale + 1) // 2
    for path in paths.EPOCH_WEIGHTS.glob("*.safetensors"):
        sheet = images.contact_sheet(images.gray(tiles(path, entry)))
        yield paths.EPOCH_IMAGES / f"{path.stem}.png", images.png(sheet, images.GRAY, sheet_scale)
    weights = tiles(paths.WEIGHTS, entry)
    for name, directory, levels, palette in (
        ("gray", paths.WEIGHT_IMAGES, images.gray(weights), images.GRAY),
        ("diverging", paths.DIVERGING_IMAGES, images.diverging(weights), images.DIVERGING),
    ):
        for k, tile in enumerate(levels):
            yield directory / f"{k}.png", images.png(tile, palette, scale)
        sheet = images.contact_sheet(levels)
        yield paths.GRIDS / f"{name}.png", images.png(sheet, palette, sheet_scale)


def tiles(path: Path, entry: DatasetEntry) -> FloatArray:
    """Return the weights in a file as float64 (classes, rows, columns)."""
    return images.tiles(model.load(path, entry.size), entry.shape)


if __name__ == "__main__":
    main()
