"""`python -m greenlane` is the command line."""

from greenlane.cli import main

main()
