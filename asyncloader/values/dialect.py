"""How a CSV source is written: its delimiter, quotes, encoding and header."""

from __future__ import annotations

from dataclasses import dataclass

from asyncloader.values.errors import UsageError, require


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV source is written: RFC 4180 unless said otherwise.

    `columns` names the columns of a source without a header (`header=False`), or replaces the header's names.
    `skip_rows` is a number of physical lines before the header.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    encoding: str = "utf-8"
    header: bool = True
    columns: tuple[str, ...] = ()
    skip_rows: int = 0

    def __post_init__(self) -> None:
        for name in ("delimiter", "quote", "escape"):
            mark = getattr(self, name)
            if mark is None and name != "delimiter":
                continue
            require(
                isinstance(mark, str) and len(mark) == 1 and mark.isascii() and mark not in "\r\n\0",
                f"--{name} takes one ASCII character, not {mark!r}",
            )
        marks = [mark for mark in (self.delimiter, self.quote, self.escape) if mark]
        require(len(set(marks)) == len(marks), "--delimiter, --quote and --escape must differ from one another")
        require(self.header or bool(self.columns), "--no-header needs --columns a,b,c to name the columns")
        require(self.skip_rows >= 0, f"--skip-rows takes 0 or more, not {self.skip_rows}")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise UsageError(f"--encoding {self.encoding!r} is not an encoding that Python knows") from None

    @property
    def transcodes(self) -> bool:
        """Whether the bytes of the source must be turned into UTF-8 first."""
        return self.encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii")
