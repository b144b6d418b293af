"""What the command shows: messages, progress and the table of results on stderr, the result itself on stdout."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import dataclass

from asyncloader.cli import result
from asyncloader.values.report import Report


@dataclass(frozen=True, slots=True)
class Display:
    """`progress` and the table of results unless `quiet`; with `json` the result is one JSON object."""

    progress: bool
    quiet: bool
    json: bool

    def say(self, text: str) -> None:
        """One line for people."""
        if not self.quiet:
            print(text, file=sys.stderr)  # noqa: T201  # a message of the command

    def complain(self, text: str) -> None:
        """One line about what went wrong, shown even when quiet."""
        print(f"asyncloader: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201  # a message of the command

    def complain_of_notes(self, error: BaseException) -> None:
        """What else went wrong, a line each."""
        for note in getattr(error, "__notes__", ()):
            self.complain(note)

    def show(self, report: Report) -> bool:
        """The result; false if it could not be written to stdout."""
        written = not self.json or self.put(json.dumps(report.as_dict()))
        if not self.quiet:
            result.show(report)
        return written

    def put(self, text: str) -> bool:
        """The result on stdout. Where its reader has gone away, the exit code alone says how it went."""
        try:
            print(text, flush=True)  # noqa: T201  # the command's result
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                self.complain(f"the result cannot be written to stdout ({error.strerror}): {text}")
                return False
        return True


def show_cause() -> None:
    """Log the traceback of what is being handled, with `--log-level debug`."""
    log = logging.getLogger("asyncloader")
    if log.isEnabledFor(logging.DEBUG):
        log.debug("the cause:", exc_info=True)
