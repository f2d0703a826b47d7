"""Show the weights of each class as an image."""

from softmax import files, images, model, params, paths, tracking
from softmax.errors import exits_cleanly


@exits_cleanly
def main() -> None:
    """Write an image of each class and a grid of all, in gray and in a diverging map."""
    settings = params.load()
    weight = model.load(paths.WEIGHTS)[:, :-1]
    maps = {
        "": (images.gray(weight), images.GRAY),
        "-diverging": (images.diverging(weight), images.DIVERGING),
    }
    pictures = {}
    for suffix, (tiles, palette) in maps.items():
        named = dict(enumerate(tiles)) | {"grid": images.grid(tiles)}
        for name, levels in named.items():
            path = paths.WEIGHT_IMAGES / f"{name}{suffix}.png"
            pictures[path] = images.png(levels, palette, settings.export.scale)
    files.write(pictures)
    print(f"export: {len(pictures)} images in {paths.WEIGHT_IMAGES}")
    tracking.log_images(settings)


if __name__ == "__main__":
    main()
