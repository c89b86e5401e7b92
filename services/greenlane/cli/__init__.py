"""The command line: one Typer application; every command turns its errors into one line with the remedy."""
