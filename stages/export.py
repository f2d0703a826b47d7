"""Show the weights of each class as an image."""

from softmax import files, images, model, params, paths, tracking
from softmax.errors import exits_cleanly


@exits_cleanly
def main() -> None:
    """Write an image of each class and a grid of all, in gray and in a diverging map.

    The grid is half as large, so that a page has room for it. `dvc plots` cannot sort numbers and
    words in one folder, so that the grids have their own.
    """
    settings = params.load()
    weight = model.load(paths.WEIGHTS)[:, :-1]
    scale = settings.export.scale
    pictures = {}
    for name, folder, tiles, palette in (
        ("gray", paths.WEIGHT_IMAGES, images.gray(weight), images.GRAY),
        ("diverging", paths.DIVERGING_IMAGES, images.diverging(weight), images.DIVERGING),
    ):
        for k, tile in enumerate(tiles):
            pictures[folder / f"{k}.png"] = images.png(tile, palette, scale)
        grid = images.grid(tiles)
        pictures[paths.GRIDS / f"{name}.png"] = images.png(grid, palette, (scale + 1) // 2)
    files.write(pictures)
    print(f"export: {len(pictures)} images in {paths.WEIGHT_IMAGES}, all of them in {paths.GRIDS}")
    tracking.log_images(settings)


if __name__ == "__main__":
    main()
