"""Define the commands with their arguments and help, and print tables.

Each command imports its module when it runs, so `--help` starts without the large libraries.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from softmax.errors import SoftmaxError, exits_cleanly


def sides(_: Any, option: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Parse 20x30 into (rows, columns), and for --shape also 32x32x3 into (rows, columns, 3)."""
    pattern = "[1-9][0-9]{0,4}x[1-9][0-9]{0,4}" + ("(x3)?" if option.name == "shape" else "")
    if value is not None and not re.fullmatch(pattern, value):
        raise click.BadParameter(f"{value!r} should be rows and columns, such as 20x30")
    return tuple(map(int, value.split("x"))) if value else None


PULL = "Pull missing files from the DVC remote as needed (dvc repro --pull)."
SHAPE = "Shape of the images in a table, such as 20x30, or 32x32x3 for RGB.  [default: square]"
SIDES: dict[str, Any] = {"callback": sides, "metavar": "ROWSxCOLUMNS"}

SECTIONS = {
    "Run": "run predict data",
    "Experiment": "sweep compare ui",
    "Share": "track resolve onnx",
}


class Program(click.Group):
    """Group the commands by purpose in `--help`."""

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section of SECTIONS."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                commands = [(name, self.commands[name]) for name in names.split()]
                formatter.write_dl([(name, c.get_short_help_str(80)) for name, c in commands])


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nRun stages:         dvc repro, dvc exp run -S ...\nCheck and develop:  make help",
)
def program() -> None:
    """Train softmax regression models that are byte-identical on every machine."""


def command(
    example: str, group: click.Group = program
) -> Callable[[Callable[..., None]], click.Command]:
    """Return a decorator that makes a function a command, with an example below its help."""
    return group.command(epilog=f"Example: python -m softmax {example}")


@command("run --pull")
@click.option("--pull", is_flag=True, help=PULL)
def run(pull: bool) -> None:
    """Run the pipeline and print the result."""
    from softmax.cli import pipeline

    pipeline.run(pull=pull)


@command("sweep train.learning_rate=0.001,0.01 train.seed='range(0,8)'")
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE,VALUE...")
@click.option("--trials", type=click.IntRange(1), help="Train this many random configurations.")
@click.option(
    "--seed", default=0, type=click.IntRange(0, 2**64 - 1), help="Seed for random configurations."
)
@click.option(
    "--halving", is_flag=True, help="Repeatedly stop the worse half early (successive halving)."
)
@click.option("--json", "as_json", is_flag=True, help="Print all results as JSON.")
def sweep(**given: Any) -> None:
    """Train one model for each combination of values.

    Each model has the same bytes as if it were trained alone. With --trials, a value may be an
    interval such as interval(0.001,0.1). The random configurations are the same on every machine.
    With --halving, all models train for a few epochs, the better half for twice as many, and so on.
    """
    from softmax.cli import sweep

    sweep.run(**given)


@command("compare main my-experiment")
@click.argument("base")
@click.argument("head", nargs=-1)
def compare(base: str, head: tuple[str, ...]) -> None:
    """Compare models: metrics, significance, weights.

    BASE and HEAD are commits, branches, tags, DVC experiments or "workspace", the files on disk.
    HEAD defaults to "workspace". For two models, report/compare.md shows a significance test,
    metrics by class, loss curves and weights. For more models, it shows one table.
    """
    from softmax.cli import compare

    compare.run(base, head)


@command("predict photo.jpg --explain")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--rev", help="Use the model of a commit, branch, tag or DVC experiment.")
@click.option(
    "--model", "uri", help="Use a model of MLflow's registry, e.g. models:/softmax-mnist/1."
)
@click.option("--explain", is_flag=True, help="Also draw the contribution of each pixel.")
@click.option("--json", "form", flag_value="json", help="Print all predictions as JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print all predictions as CSV.")
def predict(**given: Any) -> None:
    """Classify your own images.

    FILE is an image, a directory of images, a table (CSV or Parquet), an .npz file or an IDX file.
    The exit status is 1 if some of the images cannot be read, and 2 if none can.
    """
    if given["rev"] and given["uri"]:
        raise SoftmaxError("predict: --rev and --model are mutually exclusive. Use only one.")
    from softmax.cli import predict

    predict.run(**given)


@command("track --history")
@click.option("--history", is_flag=True, help="Log the models of all commits and experiments.")
def track(history: bool) -> None:
    """Log the model in the workspace to MLflow."""
    from softmax.cli import track

    track.run(history=history)


@command("ui --port 5001")
@click.option(
    "--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="Port to use."
)
def ui(port: int) -> None:
    """Start MLflow's UI on 127.0.0.1, and print links to the runs.

    If MLFLOW_TRACKING_URI is an MLflow server, only print the links.
    """
    from softmax.cli import ui

    ui.run(port)


@program.group()
def data() -> None:
    """Add your own data sets."""


@command("data add mine photos/ --size 28x28", data)
@click.argument("name")
@click.argument("source")
@click.option("--size", **SIDES, help="Resize images to ROWS x COLUMNS pixels.")
@click.option("--shape", **SIDES, help=SHAPE)
@click.option("--label", help="Name of the column that contains the labels of a table.")
@click.option("--no-header", is_flag=True, help="The CSV file has no header row.")
@click.option("--replace", is_flag=True, help="Replace a data set that comes with this project.")
def add(**given: Any) -> None:
    """Import SOURCE as a new version of data set NAME.

    SOURCE is a directory with one subdirectory of images for each class, a table (CSV or Parquet),
    an .npz file, a directory or URL of IDX files, or "torchvision".
    """
    from softmax.cli import data

    data.add(**given)


@command("onnx")
def onnx() -> None:
    """Export the model to ONNX, and check its predictions."""
    from softmax.cli import onnx

    onnx.run()


@command("resolve")
@click.option("--pull", is_flag=True, help=PULL)
def resolve(pull: bool) -> None:
    """Rebuild dvc.lock and metrics during a merge."""
    from softmax.cli import pipeline

    pipeline.resolve(pull=pull)


def show(text: str, best: str = "\0") -> None:
    """Print Markdown. In a terminal, draw its tables, with rows that contain `best` in bold."""
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown, TableDataElement
    from rich.theme import Theme

    class Cell(TableDataElement):
        def __init__(self, justify: Any) -> None:
            super().__init__(justify)
            self.content.overflow = "fold"  # wrap long text instead of truncating it

    Markdown.elements |= {"td_open": Cell, "th_open": Cell}
    for row in re.findall(rf"^\|.*{re.escape(best)}.*", text, re.M):
        text = text.replace(row, re.sub(r"\| *([^|]+?) *(?=\|)", r"| **\1** ", row))
    plain, theme = os.environ.get("NO_COLOR"), Theme({"markdown.code": "default"})
    Console(color_system=None if plain else "auto", theme=theme).print(Markdown(text))


def _interrupt(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second signal interrupts the cleanup
    raise KeyboardInterrupt(number)


@exits_cleanly
def main() -> None:
    """Run the command that the arguments name, and end cleanly on SIGTERM, as on Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        program.main(prog_name="python -m softmax", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx else "python -m softmax"
        problem = error.format_message()
        end = "" if problem.endswith((".", "?")) else "."
        raise SoftmaxError(f"{place}: {problem}{end} See `{place} --help`.") from None
    except click.Abort as error:  # click's replacement for KeyboardInterrupt and EOFError
        raise error.__cause__ or error from None
