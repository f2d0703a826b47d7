"""Download the data set to data/<dataset>/ and verify it."""

from softmax.data import sources
from softmax.errors import exits_cleanly
from softmax.pipeline import files, params
from softmax.pipeline.recorder import Recorder


@exits_cleanly
def main() -> None:
    config, recorder = params.load(), Recorder("download")
    dataset = config.download.dataset
    contents, source = sources.fetch(dataset)
    files.write(contents)
    print(f"download: {dataset} from {source}, {len(contents)} files verified")
    recorder.log(config, source=source)


if __name__ == "__main__":
    main()
