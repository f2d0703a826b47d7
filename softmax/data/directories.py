"""Read images from directories, one for each class, as torchvision's ImageFolder does."""

import os
from collections.abc import Iterable
from pathlib import Path

from softmax.data.pixels import DECODER, ENDINGS, decode_all
from softmax.data.raw_dataset import SPLITS, RawDataset, class_name, shortened, split_of
from softmax.errors import DataError


def read(source: Path, size: tuple[int, ...] | None) -> RawDataset:
    """Read the images of all splits, or of `source` itself, resized to `size` if given."""
    roots = _roots(source)
    classes = sorted({class_name(name) for root in roots.values() for name in _directories(root)})
    named, unused = list[tuple[str, Path]](), list[str]()
    labels, splits = list[str](), list[str]()
    for split, root in roots.items():
        for file in files(root / name for name in _directories(root)):
            if file.name.lower().endswith(ENDINGS) and file.is_file():
                named.append((str(file), file))
                labels.append(file.relative_to(root).parts[0])
                splits.append(split)
            else:
                unused.append(file.relative_to(source).as_posix())
    if source not in roots.values():
        unused += [name for name in _directories(source) if source / name not in roots.values()]
    images, warnings = decode_all(source, named, size)
    if unused:
        warnings.append(f"{len(unused)} files or directories ignored: {shortened(sorted(unused))}")
    return RawDataset(images, labels, splits, classes, warnings, decoder=DECODER)


def _roots(source: Path) -> dict[str, Path]:
    """Return the directory of each split. Raise DataError if only train or only test is missing."""
    roots: dict[str, Path] = {}
    for name in _directories(source):
        if split := split_of(name):
            if split in roots:
                both = f"{roots[split].name} and {name}"
                raise DataError(f"{source}: {both} have the same meaning. Remove or rename one.")
            roots[split] = source / name
    if roots and not {"train", "test"} <= roots.keys():
        found = " and ".join(root.name for root in roots.values())
        raise DataError(
            f"{source}: contains only {found}, but needs train and test. Add or rename a directory."
        )
    return {split: roots[split] for split in SPLITS if split in roots} or {"train": source}


def _directories(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir() and _visible(path.name))


def _visible(name: str) -> bool:
    """Tell whether a name is neither hidden nor __MACOSX, which macOS adds to ZIP files."""
    return name[0] != "." and name != "__MACOSX"


def files(roots: Iterable[Path]) -> list[Path]:
    """Return the files below `roots`, each directory once. Raise DataError for a cyclic link."""
    seen: set[Path] = set()

    def once(path: Path) -> bool:
        real = path.resolve()
        if path.parent.resolve().is_relative_to(real):
            raise DataError(f"{path}: links to {real}, which contains the link. Remove the link.")
        known = real in seen
        seen.add(real)
        return not known

    found: list[Path] = []
    for root in roots:
        for directory, inside, names in os.walk(root, followlinks=True):
            inside[:] = [d for d in sorted(inside) if _visible(d) and once(Path(directory, d))]
            found += (Path(directory, name) for name in sorted(names) if _visible(name))
    return found
