"""The settings of a sweep, in the grammar of `dvc exp run --queue -S`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from softmax.errors import ParamsError
from softmax.pipeline import params
from softmax.pipeline.params import Params, Train


class Configuration(NamedTuple):
    """The params of one model, and which of them were asked for: {"train.learning_rate": 0.1}."""

    changes: Mapping[str, Any]
    params: Params

    def options(self) -> str:
        """The options with which `dvc exp run` trains it."""
        return " ".join(f"-S {key}={value}" for key, value in self.changes.items())


def read(overrides: Sequence[str]) -> list[Configuration]:
    """A setting for each combination of values in overrides like "train.seed=range(0,8)".

    Of those that mean the same model one is kept. Raises ParamsError, with a line for each fault,
    unless all of them are valid.
    """
    base = params.load().model_dump()
    found: dict[Train, Configuration] = {}
    faults: dict[str, None] = {}
    for changes in map(_changes, _combinations(overrides)):
        values = {**base, "train": base["train"] | changes}
        try:
            valid = params.validate(values, "sweep")
        except ParamsError as error:
            faults |= dict.fromkeys(str(error).split("\n"))
        else:
            named = {f"train.{key}": value for key, value in changes.items()}
            found.setdefault(valid.train, Configuration(named, valid))
    if faults:
        raise ParamsError("\n".join(faults))
    return list(found.values())


def _combinations(overrides: Sequence[str]) -> list[list[str]]:
    """As DVC makes them; ParamsError where it cannot."""
    from dvc.utils.hydra import get_hydra_sweeps

    try:
        return [one["-S"] for one in get_hydra_sweeps({"-S": list(overrides)})]
    except Exception as error:  # of Hydra, its parser, or DVC
        reason = str(error).split("\nSee ")[0].replace("\n", ": ")
        raise ParamsError(f"sweep: {' '.join(overrides)}: {reason}") from None


def _changes(overrides: list[str]) -> dict[str, Any]:
    """The key below `train` and the value of each; ParamsError for what is no such key."""
    from dvc.utils.hydra import to_hydra_overrides
    from hydra.core.override_parser.types import OverrideType

    changes = {}
    for override in to_hydra_overrides(overrides):
        section, _, key = override.key_or_group.partition(".")
        if override.type != OverrideType.CHANGE or section != "train" or not key:
            raise ParamsError(
                f"sweep: {override.input_line}: a sweep sets keys of train, such as "
                "train.learning_rate=0.01,0.1"
            )
        changes[key] = override.value()
    return changes
