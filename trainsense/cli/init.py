"""`trainsense init`: a commented workload file to start from."""

from pathlib import Path
from typing import Annotated, Final

import typer

from trainsense.cli.options import help_text

NAME: Final = "init"
HELP: Final = help_text(
    "Write a commented workload file to start from; it runs at once, on generated data.",
    "init",
    "init train.py --template language-model",
    "init train.py --template lightning --force",
    "init - > train.py",
)


def _template_names(incomplete: str) -> list[str]:
    from trainsense.cli.starting import TEMPLATES  # noqa: PLC0415 - only a shell that completes asks

    return [name for name in TEMPLATES if name.startswith(incomplete)]


def command(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .py file, or - for standard output.")] = "workload.py",
    template: Annotated[
        str,
        typer.Option(
            "--template",
            help="What it starts from: pytorch, language-model, lightning or transformers.",
            autocompletion=_template_names,
        ),
    ] = "pytorch",
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE if it exists.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Full tracebacks.")] = False,  # noqa: ARG001 - read in main
) -> None:
    """Write a template."""
    # Here and not above: the help of other commands must not wait for it.
    from trainsense.cli.starting import print_template, start_file  # noqa: PLC0415

    if file == "-":
        print_template(template)
    else:
        start_file(Path(file).expanduser(), template, force=force)
