"""One random load for the soak: its files, its options, what table and reject file must hold in the end.

Everything follows from the seed. What a row must become is known from how it was made; nothing is parsed.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import zstandard

from benchmarks.soaking import cells
from benchmarks.soaking.cells import REFUSED, Cell, Typed

LINE_ENDS = re.compile("\r\n|\n|\r")
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
Place = tuple[str, int]
"""A source and a line in it."""


@dataclass(frozen=True)
class Column:
    """A column; `place` is 0 for the partition key, 1 for the sort key, None for others."""

    name: str
    kind: str
    place: int | None = None


@dataclass
class Case:
    """A load to be made, and what must come of it.

    `rejects` are the rows that must be rejected, with their cells, or None where these cannot be told apart; `may_be`
    those that may be, since they are refused only if they are sent.
    """

    seed: int
    chance: Random
    columns: list[Column] = field(default_factory=list)
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = "utf-8"
    line_end: str = "\n"
    header: bool = True
    skip_rows: int = 0
    limit: int | None = None
    empty: str = "drop"
    sources: list[Path] = field(default_factory=list)
    rows: int = 0
    table: dict[tuple[str, ...], Typed] = field(default_factory=dict)
    rejects: dict[Place, list[str] | None] = field(default_factory=dict)
    may_be: dict[Place, list[str] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, seed: int, folder: Path) -> Case:
        """Make the files of one seed in a folder."""
        chance = Random(seed)
        case = cls(seed, chance)
        case._choose()
        case._write(folder)
        return case

    @property
    def keys(self) -> list[Column]:
        """The table's key."""
        return sorted((each for each in self.columns if each.place is not None), key=lambda each: each.place or 0)

    @property
    def types(self) -> dict[str, str]:
        """The types that the table does not know."""
        return {each.name: each.kind for each in self.columns if each.place is None and each.kind != "S"}

    def options(self) -> list[str]:
        """The same as options of the command."""
        given = [f"--{name}={value}" for name, value in (("delimiter", self.delimiter), ("quote", self.quote))]
        given += [f"--escape={self.escape}"] * bool(self.escape)
        given += [f"--encoding={self.encoding}", f"--empty={self.empty}", f"--skip-rows={self.skip_rows}"]
        if not self.header:
            given += ["--no-header", "--columns=" + ",".join(each.name for each in self.columns)]
        given += [f"--type={name}={kind}" for name, kind in self.types.items()]
        return given + ([] if self.limit is None else [f"--limit={self.limit}"])

    def _choose(self) -> None:
        chance = self.chance
        self.columns = [Column("id", chance.choice("SSSNB"), 0)]
        if chance.random() < 0.3:
            self.columns.append(Column("at", chance.choice("SNB"), 1))
        names = chance.sample(["note", "price", "größe", "two words", "a.b", "#1", "x", "data"], chance.randint(1, 6))
        self.columns += [Column(name, chance.choice(cells.KINDS)) for name in names]
        chance.shuffle(self.columns)
        self.delimiter = chance.choice(",,,;\t|")
        self.quote = chance.choice(['"'] * 6 + ["'", ""])
        self.escape = "\\" if chance.random() < 0.15 else ""
        if not self.quote and not self.escape and self.delimiter in ",;":
            self.delimiter = "|"
        self.encoding = chance.choice(["utf-8"] * 6 + ["latin-1", "utf-16"])
        self.line_end = chance.choice(["\n"] * 5 + ["\r\n"] * 2 + ["\r"])
        self.header = chance.random() < 0.85
        self.skip_rows = chance.choice([0] * 8 + [1, 3])
        self.empty = chance.choice(["drop", "drop", "null", "keep"])

    def _text(self) -> str:
        """A text that a cell of this dialect and encoding, never empty."""
        text = "".join(self.chance.choices(cells.FRAGMENTS, k=self.chance.randint(1, 4)))
        if not self.quote:
            text = re.sub("\r" if self.escape else rf"[{re.escape(self.delimiter)}\r\n]", "", text)
        if self.line_end == "\r":
            text = text.replace("\n", "")
        return text.encode(self.encoding, "ignore").decode(self.encoding) or "-"

    def _write(self, folder: Path) -> None:
        chance = self.chance
        total = int(10 ** chance.triangular(0.5, 3.7, 3.0))
        self.limit = chance.randrange(total + 1) if chance.random() < 0.1 else None
        spread = max(1, int(total * chance.choice([0.01, 0.2, 0.7, 5])))
        cuts = sorted(chance.randrange(total + 1) for _ in range(chance.choice([0, 0, 0, 1, 2])))
        refused_last: dict[tuple[str, ...], Place | None] = {}
        for number, (first, stop) in enumerate(zip([0, *cuts], [*cuts, total], strict=True)):
            packing = chance.choice([""] * 8 + list(PACKERS)[1:])
            page = Page(str(folder / f"part{number}.csv{packing}"), self)
            page.put(("# nothing to see here" + self.line_end) * self.skip_rows)
            if self.header:
                page.record([each.name for each in self.columns])
            for _ in range(first, stop):
                self._row(page, spread, refused_last)
            Path(page.name).write_bytes(PACKERS[packing](page.bytes()))
            self.sources.append(Path(page.name))
        # A refused row is sent, and so rejected, unless a later row of its block replaces it.
        self.rejects.update({place: self.may_be.pop(place) for place in refused_last.values() if place})

    def _row(self, page: Page, spread: int, refused_last: dict[tuple[str, ...], Place | None]) -> None:
        """One row, and what it does to the table."""
        chance = self.chance
        if chance.random() < 0.01:
            page.put(self.line_end)
        place = (page.name, page.line)
        made = [self._cell(column, spread) for column in self.columns]
        texts, values = [text for text, _ in made], [value for _, value in made]
        spoiled = self._spoil(texts)
        page.record(texts)
        if self.limit is not None and self.rows >= self.limit:
            return
        self.rows += 1
        if spoiled or None in values:
            self.rejects[place] = None if spoiled else texts
            return
        item = {column.name: value for column, value in zip(self.columns, values, strict=True) if value}
        key = tuple(str(next(iter(item[each.name].values()))) for each in self.keys)
        if {"S": REFUSED} in item.values():
            self.may_be[place] = texts
            refused_last[key] = place
        else:
            self.table[key] = item
            refused_last[key] = None

    def _cell(self, column: Column, spread: int) -> Cell:
        chance, is_key = self.chance, column.place is not None
        if chance.random() < (0.004 if is_key else 0.1):
            return cells.empty(column.kind, self.empty, is_key=is_key)
        if is_key:
            return cells.key(chance, column.kind, chance.randrange(3 if column.place else spread))
        return cells.value(chance, column.kind, self._text() if column.kind == "S" else "")

    def _spoil(self, texts: list[str]) -> bool:
        """Now and then make a row one that no parser can take for a row."""
        match self.chance.randrange(300):
            case 0:
                texts.append("one too many")
            case 1 if len(texts) > 2:
                texts.pop()
            case 2 if self.encoding == "utf-8":
                texts[0] += "\udcff"  # a byte that is no UTF-8
            case _:
                return False
        return True


class Page:
    """One source while it is written: its text, and the line that comes next."""

    def __init__(self, name: str, case: Case) -> None:
        self.name = name
        self.line = 1
        self._case = case
        self._text = io.StringIO(newline="")

    def put(self, text: str) -> None:
        """Add lines."""
        self._text.write(text)
        self.line += len(LINE_ENDS.findall(text))

    def record(self, texts: list[str]) -> None:
        """Add a record, quoted here more and there less."""
        case, text = self._case, io.StringIO(newline="")
        always = bool(case.quote) and case.chance.random() < 0.5
        csv.writer(
            text,
            delimiter=case.delimiter,
            quotechar=case.quote or None,
            escapechar=case.escape or None,
            quoting=csv.QUOTE_ALL if always else csv.QUOTE_MINIMAL if case.quote else csv.QUOTE_NONE,
            lineterminator=case.line_end,
        ).writerow(texts)
        self.put(text.getvalue())

    def bytes(self) -> bytes:
        """The source as it stands on disk, but for its compression."""
        case, text = self._case, self._text.getvalue()
        if case.chance.random() < 0.2:
            text = text.removesuffix(case.line_end)
        if case.encoding != "utf-8":
            return text.encode(case.encoding)
        return (b"\xef\xbb\xbf" if case.chance.random() < 0.1 else b"") + text.encode(errors="surrogateescape")
