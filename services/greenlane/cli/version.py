"""`greenlane version`: what is installed; it loads nothing else."""

import json

import typer

from greenlane import __version__
from greenlane.methodology.method import METHOD_VERSION

app = typer.Typer()


@app.command()
def version() -> None:
    """Print the versions of the product and of the scoring method.

    Example: `greenlane version`
    """
    typer.echo(json.dumps({"greenlane": __version__, "method": METHOD_VERSION}))
