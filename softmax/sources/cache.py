"""What DVC keeps of a data set: it removes the outputs of a stage before it runs it again."""

import time
from collections.abc import Iterator

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.sources.mirror import DEADLINE, before

NAME = "DVC's cache"


def read(dataset: str) -> Iterator[bytes]:
    """The files as dvc.lock knows them, from DVC's cache or remote; SourceError if they are not."""
    from dvc.api import DVCFileSystem  # takes a second
    from dvc.exceptions import DvcException

    end = time.monotonic() + DEADLINE  # a remote may be silent
    try:
        kept = DVCFileSystem()
        for file in catalog.FILES:
            yield before(end, kept.read_bytes, str(catalog.directory(dataset) / file))
    except (DvcException, OSError) as error:
        raise SourceError(f"{type(error).__name__}: {error}") from None
