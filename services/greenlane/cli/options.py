"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

FactorsOption = Annotated[
    list[Path] | None, typer.Option(help="A file of own factors that held earlier; may be given several times.")
]

CheckpointOption = Annotated[
    Path | None, typer.Option(help="Begin with this checkpoint, for a log that has lost what came before it.")
]
