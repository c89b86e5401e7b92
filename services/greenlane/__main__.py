"""`python -m greenlane` is the command line."""

from greenlane.cli.app import main

main()
