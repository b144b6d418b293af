"""One case with its server and its weather, and what must be true when it has come to its end."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from asyncloader.values.dialect import Dialect
from asyncloader.values.settings import LoadSettings, PacingSettings, RetrySettings
from benchmarks.soaking.case import Case
from benchmarks.soaking.cells import REFUSED, Typed
from tests import faultserver
from tests.faultserver.values import checked_item

TABLE = "people"
TIMEOUT_S = 2.0
OUTAGES: tuple[faultserver.Fault, ...] = (
    faultserver.Throttle(),
    faultserver.ServerError(503),
    faultserver.ResetBeforeWrite(),
    faultserver.ExpiredToken(),
)
"""What may befall every request from some moment on; nothing is written, and the load must stop."""
KINDS: tuple[faultserver.Fault, ...] = (
    faultserver.Unprocessed(fraction=0.3),
    faultserver.Unprocessed(all_but_one=True, normalised=True),
    faultserver.Throttle(),
    faultserver.Throttle(code="ThrottlingException"),
    faultserver.Throttle(code="RequestLimitExceeded", reasons=()),
    faultserver.ServerError(500, written=0.5),
    faultserver.ServerError(500, written=1.0),
    faultserver.ServerError(503),
    faultserver.ReplicatedWriteConflict(),
    faultserver.Truncated(20),
    faultserver.BadCrc(),
    faultserver.NotJson(b"<html>no</html>"),
    faultserver.ResetBeforeWrite(),
    faultserver.ResetAfterWrite(),
    faultserver.CloseAfterAnswer(),
    faultserver.CloseAfterAnswer(announced=True),
    faultserver.ExpiredToken(),
    faultserver.Slow(0.02),
    faultserver.Hang(written=0.5),
)


class Broken(Exception):
    """A promise is broken."""


def must(truth: object, what: str) -> None:
    """Raise `Broken` unless it is true."""
    if not truth:
        raise Broken(what)


class Weather:
    """The faults of one case: random, counted, and never in front of the rule that refuses rows.

    From request `ends_at` on, if it is given, all of them meet the fault `end`.
    """

    def __init__(self, chance: Random) -> None:
        chosen = chance.sample(KINDS, chance.randrange(7))
        weights: dict[faultserver.Fault | None, float] = {None: float(chance.randint(2, 12))}
        weights.update({kind: 0.1 if isinstance(kind, faultserver.Hang) else 1.0 for kind in chosen})
        self._script = faultserver.RandomFaults(chance.randrange(2**32), weights)
        self._rule = faultserver.RefuseItem(lambda item: {"S": REFUSED} in item.values())
        self.met: Counter[str] = Counter()
        self.requests = 0
        self.ends_at: int | None = None
        self.end: faultserver.Fault = faultserver.AccessDenied()

    def __call__(self, batch: faultserver.Batch) -> faultserver.Fault | None:
        self.requests += 1
        if self.ends_at is not None and self.requests > self.ends_at:
            return self.end
        if any({"S": REFUSED} in item.values() for item in batch.items):
            return self._rule
        fault = self._script(batch)
        if fault is not None:
            self.met[type(fault).__name__] += 1
        return fault


@dataclass
class Scene:
    """A case with its folder, its server and its settings; `runs` tells what has been done."""

    case: Case
    folder: Path
    server: faultserver.FaultServer
    weather: Weather
    settings: LoadSettings
    transport: str
    runs: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, folder: Path) -> Scene:
        """Everything that follows from a seed."""
        case = Case.of(seed, folder)
        chance = case.chance
        weather = Weather(chance)
        server = faultserver.FaultServer(
            faults=weather,
            latency_s=chance.choice([0.0, 0.0, 0.002, 0.01]),
            table_wcu=chance.choice([None, None, None, 3000.0]),
            burst_s=0.3,
        )
        server.create_table(TABLE, *(f"{each.name}:{each.kind}" for each in case.keys))
        settings = LoadSettings(
            workers=int(2 ** chance.uniform(0, 5.3)),
            types=dict(case.types),  # type: ignore[arg-type]  # texts of the right kind
            empty=case.empty,  # type: ignore[arg-type]
            dialect=Dialect(
                delimiter=case.delimiter,
                quote=case.quote or None,
                escape=case.escape or None,
                encoding=case.encoding,
                header=case.header,
                columns=() if case.header else tuple(each.name for each in case.columns),
                skip_rows=case.skip_rows,
            ),
            limit=case.limit,
            # Faults by chance say nothing about capacity, so the pace is not left to be learnt from them.
            pacing=PacingSettings(chance.choice([None] * 6 + [1000.0, 5000.0]), None),
            rejects=folder / "rejects.csv",
            journal=folder / "load.journal",
            retry=RetrySettings(attempts=80, base_s=0.001, cap_s=0.02, request_timeout_s=TIMEOUT_S),
            block_bytes=int(10 ** chance.uniform(1.8, 5)),
            blocks_in_flight=chance.randint(1, 8),
        )
        return cls(case, folder, server, weather, settings, chance.choice(["native"] * 5 + ["aioboto3"]))

    def some_requests(self) -> int:
        """Which request, counted from the first, brings the next interruption."""
        return self.weather.requests + self.case.chance.randrange(2 + self.case.rows // 20)

    def check(self, told: Mapping[str, Any]) -> None:
        """Hold the end against what must be; `told` is the result of the last run. Raises `Broken`."""
        case = self.case
        expected = {_key(item, case): item for item in map(_stored, case.table.values())}
        found = {_key(item, case): _sorted(item) for item in self.server.items(TABLE)}
        wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
        shown = [f"{key}: {found.get(key)} instead of {expected.get(key)}" for key in wrong[:3]]
        must(not wrong, f"{len(wrong)} of {len(expected)} items are wrong: {'; '.join(shown)}")
        rejected = self._check_rejects()
        must(told["complete"], "the load is not complete")
        must(told["rows_read"] == case.rows, f"{told['rows_read']} rows read of {case.rows}")
        must(told["rows_rejected"] == rejected, f"{told['rows_rejected']} rows rejected, {rejected} in the file")
        settled = sum(told[name] for name in ("items_written", "rows_rejected", "rows_superseded", "rows_filtered"))
        must(settled == case.rows, f"the counts do not reconcile: {settled} settled of {case.rows} rows")
        must(self.server.overlaps == 0, f"{self.server.overlaps} keys were in two requests at once")
        names = {path.name for path in self.folder.iterdir()} - {path.name for path in case.sources}
        left = sorted(name for name in names if not name.startswith("rejects.csv"))
        must(not left, f"left behind: {left}")

    def _check_rejects(self) -> int:
        """Each reject once, in the order of the file, with its own cells; returns how many there are."""
        path, case = self.folder / "rejects.csv", self.case
        rows = self._rows(path.read_bytes().decode(case.encoding)) if path.exists() else []
        known = {**case.may_be, **case.rejects}
        places = [(row.get("_asyncloader_source", str(case.sources[0])), int(row["_asyncloader_line"])) for row in rows]
        must(places == sorted(set(places)), "the rejects are not once each in the order of the file")
        missing, extra = sorted(set(case.rejects) - set(places)), sorted(set(places) - set(known))
        must(not missing and not extra, f"rejects missing: {missing[:3]}, rejects that should be none: {extra[:3]}")
        for place, row in zip(places, rows, strict=True):
            cells, own = known[place], [row[each.name] for each in case.columns]
            must(cells is None or cells == own, f"the reject of {place} has the cells {own} instead of {cells}")
        return len(rows)

    def _rows(self, text: str) -> list[dict[str, str]]:
        case = self.case
        return list(
            csv.DictReader(
                io.StringIO(text, newline=""),
                delimiter=case.delimiter,
                quotechar=case.quote or None,
                escapechar=case.escape or None,
                quoting=csv.QUOTE_MINIMAL if case.quote else csv.QUOTE_NONE,
            )
        )


def _key(item: Typed, case: Case) -> tuple[str, ...]:
    return tuple(str(next(iter(item[each.name].values()))) for each in case.keys)


def _stored(item: Typed) -> Typed:
    """An item as the service stores it."""
    return _sorted(checked_item(item)[0])


def _sorted(item: Typed) -> Typed:
    return {
        name: {kind: sorted(held) if kind in ("SS", "NS", "BS") else held for kind, held in value.items()}
        for name, value in item.items()
    }
