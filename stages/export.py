"""Show the weights of each class as an image."""

from softmax.analysis import images
from softmax.core import model
from softmax.errors import exits_cleanly
from softmax.pipeline import datasets, dvc_lock, files, params, paths, recorder


@exits_cleanly
def main() -> None:
    """Write an image of each class and a grid of all, in gray and in a diverging map.

    The same gray grid shows the weights after each epoch. Grids are half as large, so that a page
    has room for them. `dvc plots` cannot sort numbers and words in one folder, so that the grids
    have their own.
    """
    config = params.load()
    dvc_lock.verify(paths.WEIGHTS, paths.EPOCH_WEIGHTS)
    entry = datasets.load()[config.download.dataset]
    weights = images.tiles(model.load(paths.WEIGHTS, entry.size), entry.shape)
    scale, grid_scale = config.export.scale, (config.export.scale + 1) // 2
    pictures = {}
    for name, directory, tiles, palette in (
        ("gray", paths.WEIGHT_IMAGES, images.gray(weights), images.GRAY),
        ("diverging", paths.DIVERGING_IMAGES, images.diverging(weights), images.DIVERGING),
    ):
        for k, tile in enumerate(tiles):
            pictures[directory / f"{k}.png"] = images.png(tile, palette, scale)
        pictures[paths.GRIDS / f"{name}.png"] = images.png(
            images.contact_sheet(tiles), palette, grid_scale
        )
    for path in paths.EPOCH_WEIGHTS.glob("*.safetensors"):
        before = images.tiles(model.load(path, entry.size), entry.shape)
        contact_sheet = images.contact_sheet(images.gray(before))
        picture = images.png(contact_sheet, images.GRAY, grid_scale)
        pictures[paths.EPOCH_IMAGES / f"{path.stem}.png"] = picture
    files.write(pictures, only_in=paths.EPOCH_IMAGES)
    print(f"export: {len(pictures)} images in {paths.WEIGHT_IMAGES} and {paths.EPOCH_IMAGES}")
    recorder.log("export", config)


if __name__ == "__main__":
    main()
