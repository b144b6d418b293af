"""Measures writers of single items against the loopback server: CPU per item, and items per second.

    python benchmarks/writers.py                100,000 items of eight attributes, three rounds, all contenders
    python benchmarks/writers.py --rounds 5 --only asyncloader "asyncloader, uvloop"

One producer puts items one by one. The contenders take turns within each round, so that a machine that slows down slows
all of them. What a process pays once, its imports and its first connection, is left out: a service pays it at its start.
Needs `pip install '.[bench]'`.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import HERE, Loopback, MeasurementError, run
from run import machine, spread, table

OURS = "asyncloader"
SLOW = ("boto3", "aioboto3")
CONTENDERS: dict[str, tuple[str, ...]] = {
    OURS: ("writer_asyncloader.py",),
    f"{OURS}, uvloop": ("writer_asyncloader.py", "--uvloop"),
    "pydynox": ("writer_pydynox.py",),
    "aiodynamo": ("writer_aiodynamo.py",),
    "aiodynamo, uvloop": ("writer_aiodynamo.py", "--uvloop"),
    "aioboto3": ("writer_aioboto3.py",),
    "boto3": ("writer_boto3.py",),
}


@dataclass(frozen=True, slots=True)
class Result:
    contender: str
    items: int
    cpu_us_per_item: float
    items_per_s: float
    peak_mb: float
    requests: int


def measure(contender: str, items: int, server: Loopback, workers: int) -> Result:
    server.reset()
    script, *options = CONTENDERS[contender]
    command = [sys.executable, str(HERE / "contenders" / script), "--endpoint-url", server.url]
    cost = run([*command, "--items", str(items), "--workers", str(workers), *options], server.env())
    told, stats = json.loads(cost.output), server.stats()
    if told["items_written"] != items or stats["requests"] < math.ceil(items / 25):
        raise MeasurementError(f"{contender} says {told} of {items} items; the server saw {stats}")
    return Result(
        contender=contender,
        items=items,
        cpu_us_per_item=told["cpu_s"] / items * 1e6,
        items_per_s=items / told["wall_s"],
        peak_mb=cost.peak_mb,
        requests=stats["requests"],
    )


def rounds(args: argparse.Namespace) -> list[Result]:
    """Every contender once per round; the first of a round changes from round to round."""
    results: list[Result] = []
    with Loopback() as server:
        for number in range(args.rounds):
            turn = number % len(args.only)
            for contender in args.only[turn:] + args.only[:turn]:
                items = min(args.items, args.slow_items) if contender in SLOW else args.items
                results.append(measure(contender, items, server, args.workers))
                print(f"round {number + 1}: {contender} {results[-1].cpu_us_per_item:.1f} µs", file=sys.stderr)
    return results


def show(results: list[Result], names: list[str]) -> None:
    of = {name: [result for result in results if result.contender == name] for name in names}

    def ratios(name: str, figure: Callable[[Result], float]) -> str:
        if OURS not in of:
            return ""
        pairs = zip(of[name], of[OURS], strict=True)
        return spread([figure(one) / figure(ours) for one, ours in pairs])

    lines = [
        [
            name,
            f"{ones[0].items:,}",
            spread([one.cpu_us_per_item for one in ones]),
            ratios(name, lambda one: one.cpu_us_per_item),
            spread([1e6 / one.cpu_us_per_item for one in ones], 0),
            spread([one.items_per_s for one in ones], 0),
            f"{max(one.peak_mb for one in ones):.0f}",
        ]
        for name, ones in of.items()
    ]
    table(["contender", "items", "CPU µs/item", f"this / {OURS}", "items per CPU second", "items/s", "peak MB"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure writers of single items against a server that only answers.")
    parser.add_argument("--items", type=int, default=600_000)
    parser.add_argument("--slow-items", type=int, default=20_000, help="items for boto3 and aioboto3")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single result here, too")
    args = parser.parse_args()
    args.tls = False
    about = machine(args)
    print(", ".join(f"{name} {value}" for name, value in about.items()) + "\n")
    try:
        results = rounds(args)
    except MeasurementError as failed:
        sys.exit(f"writers.py: {failed}")
    show(results, args.only)
    if args.json:
        args.json.write_text(json.dumps(about | {"results": [asdict(one) for one in results]}, indent=2) + "\n")


if __name__ == "__main__":
    main()
