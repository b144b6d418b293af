"""`python -m asyncloader` is the command."""

from asyncloader.cli.app import main

if __name__ == "__main__":
    main()
