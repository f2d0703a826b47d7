"""PNG and JPEG of any kind as gray levels or RGB, upright and without transparency."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from softmax.errors import DataError

FORMATS = ("PNG", "JPEG")
GROUNDS = ("white", "black")  # under what is transparent: the first on which something is seen
LEAST = 32  # levels of gray, between the darkest and the lightest pixel, that are seen


def decode(path: Path) -> tuple[Image.Image, bool]:
    """The image in 8 bits, in mode L or RGB, and whether it is opaque.

    Raises OSError where `path` is no file, DataError unless all of it can be decoded.
    """
    path.open("rb").close()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _flat(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise DataError(f"{path}: not a PNG, JPEG or IDX file") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        most = f"{Image.MAX_IMAGE_PIXELS:,} pixels"
        raise DataError(f"{path}: more than {most}; make it smaller") from None
    except Exception as error:  # whatever a decoder comes upon
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be decoded: {reason}") from None


def _flat(image: Image.Image) -> tuple[Image.Image, bool]:
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)), True
    visible = image.convert("RGBA")
    if np.asarray(visible.getchannel("A")).min() == 255:
        return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"), True
    for ground in GROUNDS:
        flat = Image.alpha_composite(Image.new("RGBA", image.size, ground), visible).convert("RGB")
        if np.ptp(np.asarray(flat.convert("L"))) >= LEAST:
            break
    return flat, False
