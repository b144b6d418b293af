"""What every complaint of the command has in common."""

from __future__ import annotations

from tests.command import Done


def complaint(done: Done, code: int, *says: str) -> str:
    """Assert one line on stderr that says all of these, an empty stdout and the exit code; returns the line."""
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    line = lines[0]
    assert line.startswith("asyncloader: "), line
    missing = [each for each in says if each not in line]
    assert not missing, f"{line!r} does not say {missing}"
    assert "should not have happened" not in line
    assert len(line) < 700, line
    assert done.out == ""
    assert done.code == code, (done.code, line)
    return line
