"""Read or sample the configurations of a sweep, in the syntax of `dvc exp run --queue -S`."""

import copy
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, NamedTuple

from softmax.errors import ParamsError
from softmax.pipeline import params
from softmax.pipeline.params import Params, Train
from softmax.training import randomness

SHORT = Context(prec=3, rounding=ROUND_DOWN)  # for values that people can read and type
EXACT = Context(rounding=ROUND_DOWN)
DATASET = "download.dataset"
STREAM = 2**64 - 1  # of random words; no epoch uses this stream


class Configuration(NamedTuple):
    """The params of a model, and the changes that the user gave: {"train.learning_rate": 0.1}."""

    changes: Mapping[str, Any]
    params: Params

    def options(self) -> str:
        """Return the options of `dvc exp run` that train this configuration."""
        return " ".join(f"-S {key}={value}" for key, value in self.changes.items())


def read(overrides: Sequence[str], trials: int | None = None, seed: int = 0) -> list[Configuration]:
    """Return a configuration for each combination of values, such as "train.seed=range(0,8)".

    With `trials`, return that many random configurations, which may also be drawn from intervals:
    "train.momentum=interval(0,1)". Drop duplicates. Raise ParamsError with a line for each fault.
    """
    base = params.load().model_dump()
    found: dict[tuple[str, Train], Configuration] = {}
    faults: dict[str, str] = {}
    for changes in map(_changes, _combinations(overrides, trials, seed)):
        values = copy.deepcopy(base)
        for key, value in changes.items():
            section, _, name = key.partition(".")
            values[section][name] = value
        try:
            valid = params.validate(values, "sweep")
        except ParamsError as error:
            for line in str(error).split("\n"):  # for random values, keep only one line per key
                faults.setdefault(line.partition(" = ")[0] if trials else line, line)
        else:
            model = (valid.download.dataset, valid.train)
            found.setdefault(model, Configuration(changes, valid))
    if faults:
        raise ParamsError("\n".join(faults.values()))
    return list(found.values())


def _combinations(overrides: Sequence[str], trials: int | None, seed: int) -> list[list[str]]:
    """Return all combinations as DVC does, or `trials` random ones, the same on every machine.

    More trials extend the same sequence. Raise ParamsError if an override is invalid.
    """
    from dvc.utils.hydra import get_hydra_sweeps, to_hydra_overrides

    try:
        given = to_hydra_overrides(list(overrides))
        intervals = [override for override in given if override.is_interval_sweep()]
        others = [x.input_line for x in given if not x.is_interval_sweep()]
        found = [sweep["-S"] for sweep in get_hydra_sweeps({"-S": others})]
        if trials is None and intervals:
            raise ValueError("an interval needs the number of models to train. Add --trials 64.")
        if trials is None:
            return found
        words = randomness.uniform(trials * (1 + len(intervals)), seed, STREAM).reshape(trials, -1)
        return [
            [*found[int(first * len(found))], *map(_draw, intervals, shares)]
            for first, *shares in ((words + 1) / 2).tolist()
        ]
    except Exception as error:  # Hydra, its parser and DVC raise many kinds
        reason = str(error).split("\nSee ")[0].replace("\n", ": ")
        raise ParamsError(f"sweep: {' '.join(overrides)}: {reason}") from None


def _draw(override: Any, share: float) -> str:
    """Return `override` with the value at `share`, in [0, 1), of its interval.

    The scale is logarithmic if the interval spans a factor of ten or more, else linear. Python's
    decimal module rounds ln and exp correctly, so each machine computes the same value.
    """
    key, interval = override.key_or_group, override.value()
    field = Train.model_fields.get(key.removeprefix("train."))
    integer = field is not None and field.annotation is int
    low, high = Decimal(repr(interval.start)), Decimal(repr(interval.end))
    if not low < high:
        raise ValueError(f"{key}: the interval should end above {low}, not at {high}.")
    end, context = (high + 1, EXACT) if integer else (high, SHORT)
    if 0 < low <= high / 10:
        logarithm = low.ln() + (end.ln() - low.ln()) * Decimal(share)
        value = max(context.plus(logarithm.exp()), low)
    else:
        value = low + context.plus((end - low) * Decimal(share))
    return f"{key}={int(value) if integer else value}"


def _changes(overrides: list[str]) -> dict[str, Any]:
    """Return the values by key. Raise ParamsError unless a key is download.dataset or in train."""
    from dvc.utils.hydra import to_hydra_overrides
    from hydra.core.override_parser.types import OverrideType

    changes = {}
    for override in to_hydra_overrides(overrides):
        key = override.key_or_group
        swept = key == DATASET or key.startswith("train.")
        if override.type != OverrideType.CHANGE or not swept:
            raise ParamsError(
                f"sweep: {override.input_line}: not {DATASET} or a key of train. Use, for example, "
                "train.seed=0,1."
            )
        changes[key] = override.value()
    return changes
