"""Bring the data set, verified, to data/<dataset>/."""

import time

from softmax import files, params, recorder, sources
from softmax.errors import exits_cleanly


@exits_cleanly
def main() -> None:
    """Write the four IDX files of the data set that params.yaml names."""
    started = time.time()
    settings = params.load()
    dataset = settings.download.dataset
    contents, source = sources.fetch(dataset)
    files.write(contents)
    print(f"download: {dataset} from {source}, {len(contents)} files verified")
    recorder.log("download", settings, source=source, started=started)


if __name__ == "__main__":
    main()
