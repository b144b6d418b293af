"""What a load makes of a table's capacity, against the fault server's token buckets, beside plain exponential backoff.

    python benchmarks/capacity.py                 all scenes, about eight minutes
    python benchmarks/capacity.py --only cold     one of them
    python benchmarks/capacity.py --seconds 10    shorter scenes

The server runs in this process, keeps its own books and saves unused capacity for one second; the clients are children
of it and take turns. `used` is what was accepted by what the capacity gave from the first request to the last, the
second that had been saved before included; `refused` is the share of all items sent that the server did not take.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.faultserver import FaultServer  # noqa: E402  # needs the folder on the path
from tests.faultserver.batch import Batch  # noqa: E402

LIMIT_S = 300.0
HOT_ROWS = 6_000
"""No more than are in flight at once: behind that a reader waits for the hot key, too."""
OURS, PLAIN, BOTO3 = "asyncloader", "plain_aioboto3", "boto3_writer"


@dataclass
class Books:
    """What arrived and what was taken, as the server saw it: (seconds, items sent, WCU accepted) of each request."""

    server: FaultServer
    sent: list[tuple[float, int]] = field(default_factory=list)
    taken: list[tuple[float, int]] = field(default_factory=list)
    others_done_at: float = 0.0
    _consumed: int = 0

    def arrive(self, batch: Batch) -> None:
        """A request has come, and nothing of it is written yet."""
        now = time.monotonic()
        self._settle(now)
        self.sent.append((now, len(batch.writes)))
        if any(not write.key[1].startswith("hot") for write in batch.writes):
            self.others_done_at = now

    def close(self) -> None:
        """All has been answered."""
        self._settle(time.monotonic())

    def _settle(self, now: float) -> None:
        consumed = self.server.consumed_wcu
        if consumed > self._consumed:
            self.taken.append((self.sent[-1][0] if self.sent else now, consumed - self._consumed))
        self._consumed = consumed

    @property
    def began(self) -> float:
        return self.sent[0][0]

    @property
    def seconds(self) -> float:
        return self.sent[-1][0] - self.began

    def accepted(self, first_s: float, stop_s: float) -> int:
        """WCU accepted in that part of the load."""
        return sum(wcu for at, wcu in self.taken if first_s <= at - self.began < stop_s)

    def by_second(self) -> list[int]:
        return [self.accepted(second, second + 1) for second in range(int(self.seconds))]

    def fullest_second(self, first_s: float) -> int:
        """The most items that came in any window of a second that starts after `first_s`."""
        entries = [(at, items) for at, items in self.sent if at - self.began >= first_s]
        most = total = first = 0
        for at, items in entries:
            total += items
            while entries[first][0] <= at - 1.0:
                total -= entries[first][1]
                first += 1
            most = max(most, total)
        return most


@dataclass(frozen=True)
class Outcome:
    """One load by one contender."""

    scene: str
    contender: str
    items: int
    seconds: float
    used: float | None
    refused: float
    note: str


def write_rows(path: Path, rows: int, item_bytes: int, hot: float = 0.0) -> Path:
    """Rows whose items have about `size` bytes; `hot` of them, evenly spread, have the same partition key."""
    every = round(1 / hot) if hot else 0
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "no", "text"))
        padding = "x" * max(item_bytes - 30, 1)
        for number in range(rows):
            writer.writerow(("hot" if every and number % every == 0 else f"k{number:07}", number, padding))
    return path


def command_of(contender: str, source: Path, url: str, options: Sequence[str]) -> list[str]:
    if contender == OURS:
        return [sys.executable, "-m", "asyncloader", "load", "bench", str(source), "--endpoint-url", url, *options]
    script = ROOT / "benchmarks" / "contenders" / f"{contender}.py"
    return [sys.executable, str(script), str(source), "--endpoint-url", url]


def environment() -> dict[str, str]:
    """Nothing of the machine's own AWS set-up."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
    }


def run(
    server: FaultServer,
    contender: str,
    source: Path,
    options: Sequence[str] = (),
    change: Callable[[float], None] = lambda seconds: None,
) -> tuple[Books, str]:
    """One load; `change` is called again and again with the seconds since the first request. Returns the books and a note."""
    books = Books(server)
    server.faults = books.arrive
    with tempfile.TemporaryDirectory() as folder, server.in_thread():
        child = subprocess.Popen(
            command_of(contender, source, server.url, options),
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + LIMIT_S
        while child.poll() is None and time.monotonic() < deadline:
            if books.sent:
                change(time.monotonic() - books.began)
            time.sleep(0.02)
        if child.poll() is None:
            child.kill()
        said = child.communicate()[1]
        books.close()
    note = "" if child.returncode == 0 else f"exit {child.returncode}: {said.strip().splitlines()[-1][:80]}"
    return books, note


def outcome(scene: str, contender: str, books: Books, note: str, capacity_wcu: float | None) -> Outcome:
    sent = sum(items for _, items in books.sent)
    stored = len(books.server.log)
    used = None if capacity_wcu is None else sum(wcu for _, wcu in books.taken) / capacity_wcu
    return Outcome(scene, contender, stored, books.seconds, used, 1 - stored / sent, note)


def new_server(**options: float | bool) -> FaultServer:
    return FaultServer(check_signatures=False, latency_s=0.01, **options)  # type: ignore[arg-type]  # by their names


def cold(folder: Path, seconds: float, item_wcu: int) -> list[Outcome]:
    """An on-demand table that takes 1,000 WCU/s, of which the clients know nothing."""
    source = write_rows(folder / "cold.csv", int(1_000 * seconds / item_wcu), 1024 * item_wcu - 200)
    results = []
    for contender in (OURS, PLAIN, BOTO3):
        server = new_server(table_wcu=1_000.0)
        server.create_table("bench", "id", warm_wcu=None)
        books, note = run(server, contender, source)
        print_seconds(contender, books)
        results.append(outcome(f"cold start, {item_wcu} KB items", contender, books, note, 1_000 * (books.seconds + 1)))
    return results


def step(folder: Path, seconds: float, before: float, after: float) -> list[Outcome]:
    """The capacity changes in the middle; from five seconds after that the new level counts."""
    source = write_rows(folder / "step.csv", int((before + after) * seconds / 2), 500)
    results = []
    for contender in (OURS, PLAIN):
        server = new_server(table_wcu=before)
        server.create_table("bench", "id")

        def change(at: float, server: FaultServer = server) -> None:
            server.capacity.table_wcu = before if at < seconds / 2 else after

        books, note = run(server, contender, source, change=change)
        print_seconds(contender, books)
        first, stop = seconds / 2 + 5, books.seconds - 1
        settled = books.accepted(first, stop) / (after * (stop - first)) if stop > first else 0.0
        capacity = before * (1 + min(books.seconds, seconds / 2)) + after * max(books.seconds - seconds / 2, 0.0)
        said = f"{settled:.1%} of the new level from 5 s after the change" + (f"; {note}" if note else "")
        results.append(outcome(f"{before:,.0f} to {after:,.0f} WCU/s", contender, books, said, capacity))
    return results


def described(folder: Path, seconds: float) -> list[Outcome]:
    """A provisioned table of 1,000 WCU/s."""
    source = write_rows(folder / "described.csv", int(1_000 * seconds), 500)
    results = []
    for contender in (OURS, PLAIN):
        server = new_server(enforce_provisioned=True)
        server.create_table("bench", "id", wcu=1_000)
        books, note = run(server, contender, source)
        print_seconds(contender, books)
        results.append(outcome("provisioned, 1,000 WCU/s", contender, books, note, 1_000 * (books.seconds + 1)))
    return results


def capped(folder: Path, seconds: float) -> list[Outcome]:
    """`--max-wcu 500` on a table without a limit."""
    source = write_rows(folder / "capped.csv", int(500 * seconds), 500)
    server = new_server()
    server.create_table("bench", "id")
    books, note = run(server, OURS, source, ("--max-wcu", "500"))
    print_seconds(OURS, books)
    said = f"fullest second after the first: {books.fullest_second(1.0)} WCU" + (f"; {note}" if note else "")
    return [outcome("--max-wcu 500", OURS, books, said, 500 * books.seconds)]


def hot(folder: Path, _: float) -> list[Outcome]:
    """1 row in 25 has the same partition key, and a partition key takes 20 WCU/s; the table takes 2,000."""
    source = write_rows(folder / "hot.csv", HOT_ROWS, 500, hot=0.04)
    results = []
    for contender in (OURS, PLAIN):
        for share in (0.04, 0.0):
            rows = source if share else write_rows(folder / "even.csv", HOT_ROWS, 500)
            server = new_server(table_wcu=2_000.0, partition_wcu=20.0)
            server.create_table("bench", "id", "no")
            books, note = run(server, contender, rows)
            said = f"the other keys done after {books.others_done_at - books.began:.1f} s" + (
                f"; {note}" if note else ""
            )
            name = "one hot key in 25 rows" if share else "the same without a hot key"
            results.append(outcome(name, contender, books, said, None))
    return results


def print_seconds(contender: str, books: Books) -> None:
    """WCU accepted in each second of the load."""
    print(f"{contender}: {' '.join(map(str, books.by_second()))}", file=sys.stderr)


def table(results: Sequence[Outcome]) -> None:
    heads = ["scene", "contender", "items", "seconds", "used", "refused", ""]
    lines = [
        [
            one.scene,
            one.contender,
            f"{one.items:,}",
            f"{one.seconds:.1f}",
            "" if one.used is None else f"{one.used:.1%}",
            f"{one.refused:.1%}",
            one.note,
        ]
        for one in results
    ]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    for cells in (heads, ["-" * width for width in widths], *lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description="What a load makes of a table's capacity.")
    scenes: dict[str, Callable[[Path, float], list[Outcome]]] = {
        "cold": lambda folder, seconds: [*cold(folder, seconds, 1), *cold(folder, seconds, 3)],
        "step": lambda folder, seconds: [*step(folder, seconds, 1_000, 2_000), *step(folder, seconds, 2_000, 1_000)],
        "described": described,
        "capped": capped,
        "hot": hot,
    }
    parser.add_argument("--only", nargs="+", choices=scenes, default=list(scenes), metavar="SCENE")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long a scene lasts if nothing fails")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every result here, too")
    args = parser.parse_args()
    results: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.only:
            results += scenes[name](Path(folder), args.seconds)
    table(results)
    if args.json:
        args.json.write_text(json.dumps([vars(one) for one in results], indent=2) + "\n")


if __name__ == "__main__":
    main()
