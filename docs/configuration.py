"""Write the tables of docs/configuration.md from the code: python -m docs.configuration"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import yaml

from softmax.cli.app import program
from softmax.pipeline.params import Params

PAGE = Path(__file__).with_suffix(".md")
DEFAULTS = Path(__file__).parents[1] / "tests/lecture.yaml"  # users may change params.yaml
LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
POWERS = {10**6: "1,000,000", 2**21: "2^21", 2**64: "2^64"}


def parameters(effects: dict[str, str]) -> Iterator[str]:
    """Yield a row for each key of params.yaml, with its effect, or `?` if there is none yet."""
    for section, values in yaml.safe_load(DEFAULTS.read_text()).items():
        fields: Any = Params.model_fields[section].annotation
        for key, default in values.items():
            field, name = fields.model_fields[key], f"`{section}.{key}`"
            rules = [(x, getattr(y, x)) for y in field.metadata for x in LIMITS if hasattr(y, x)]
            limits = [f"{LIMITS[x]} {POWERS.get(limit, limit)}" for x, limit in rules]
            limits += [
                f"`{choice}`" for choice in get_args(field.annotation) if isinstance(choice, str)
            ]
            row = (name, type(default).__name__, f"`{default}`", ", ".join(limits))
            yield f"| {' | '.join(row)} | {effects.get(name, '?')} |\n"


def commands(group: click.Group = program, path: str = "softmax") -> Iterator[str]:
    """Yield a row for each command, followed by a row for each of its options."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
            continue
        context = click.Context(command)
        usage = [path, name, *command.collect_usage_pieces(context)[1:]]
        yield f"| `{' '.join(usage)}` | {command.get_short_help_str(200)} |\n"
        records = [param.get_help_record(context) for param in command.params]
        yield from (f"| &emsp;`{x[0]}` | {x[1]} |\n" for x in records if x and x[1])


def page(text: str) -> str:
    """Return `text` with new rows in both tables. Effects of parameters are kept."""
    effects = dict(re.findall(r"^\| (`\w+\.\w+`) \|.*\| (.*) \|$", text, re.M))
    for name, rows in {"parameters": parameters(effects), "commands": commands()}.items():
        head, table = re.split(rf"(?<=<!-- {name} -->\n)", text)
        rest = table.partition("\n\n")[2]
        text = "".join([head, *table.splitlines(True)[:2], *rows, "\n", rest])
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
