"""`python -m greenlane` is the command line."""

from greenlane.cli.start import main

main()
