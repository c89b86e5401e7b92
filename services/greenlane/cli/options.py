"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

FactorsOption = Annotated[
    list[Path] | None,
    typer.Option(help="A file of your own factors that were in use earlier; may be given several times."),
]

CheckpointOption = Annotated[
    Path | None, typer.Option(help="Begin with this checkpoint, for a log whose earlier records were deleted.")
]
