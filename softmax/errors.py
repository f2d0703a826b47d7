"""The errors that a person can mend, each one line, and how a stage ends on them."""

import functools
import os
import sys
from collections.abc import Callable


class SoftmaxError(Exception):
    """Bad input: says what is wrong, where, what is allowed and what to do."""


class ParamsError(SoftmaxError):
    """params.yaml holds something that the pipeline does not understand."""


class SettingError(SoftmaxError):
    """An environment variable holds something that the pipeline does not understand."""


class SourceError(SoftmaxError):
    """A data source cannot be reached or does not hold the pinned bytes."""


class DataError(SoftmaxError):
    """An input file is missing or is not what its name says."""


class RangeError(SoftmaxError):
    """A value left the range in which sums are exact."""


class WorkerError(SoftmaxError):
    """The workers that train together cannot go on."""


class TrackingError(SoftmaxError):
    """MLflow cannot be reached or the facts of a run are not there."""


def exits_cleanly(main: Callable[[], None]) -> Callable[[], None]:
    """Turn a SoftmaxError or OSError from `main` into a line on stderr and exit status 2.

    Of workers that train together on a machine, which all meet the same SoftmaxError, one says it.
    """

    @functools.wraps(main)
    def wrapper() -> None:
        try:
            main()
        except (SoftmaxError, OSError) as error:
            if isinstance(error, OSError) or os.environ.get("LOCAL_RANK", "0") == "0":
                print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)

    return wrapper
