"""The command, as `asyncloader` or `python -m asyncloader`."""

import sys


def main() -> None:
    """Run the command; a Ctrl-C while its parts are still being imported ends it quietly, too."""
    try:
        from asyncloader.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
