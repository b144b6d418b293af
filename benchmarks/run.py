"""Measures the loaders against the loopback server: CPU, speed, memory, and the time to the first request.

    python benchmarks/run.py                    1,000,000 rows, three rounds, all contenders
    python benchmarks/run.py --tls              the same over TLS
    python benchmarks/run.py --memory           peak memory at 1x and 10x the rows
    python benchmarks/run.py --startup          time to the first request, time of --help

The contenders take turns within each round, so that a machine that slows down slows all of them. The slow
ones load only the beginning of the file (--plain-rows); their starting cost is left in.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measure import HERE, Cost, Loopback, MeasurementError, compile_package, run

OURS = "asyncloader"
PLAIN = "plain_aioboto3"
CONTENDERS = (OURS, PLAIN, "boto3_writer")


@dataclass(frozen=True, slots=True)
class Result:
    contender: str
    rows: int
    cpu_us_per_row: float
    system_us_per_row: float
    wall_s: float
    rows_per_s: float
    peak_mb: float
    first_request_s: float
    requests: int
    server_us_per_request: float


def data_file(rows: int) -> Path:
    """Made in a child, so that this process stays small."""
    command = [sys.executable, str(HERE / "people.py"), "--rows", str(rows)]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def command_of(contender: str, file: Path, rows: int, url: str, workers: int) -> list[str]:
    if contender == OURS:  # always the whole file
        command = [sys.executable, "-m", "asyncloader", "load", "bench", str(file)]
        command += ["--region", "eu-west-1", "--no-progress", "--json"]
    else:
        command = [sys.executable, str(HERE / "contenders" / f"{contender}.py"), str(file)]
        command += ["--rows", str(rows)]
    return [*command, "--endpoint-url", url, "--workers", str(workers)]


def measure(contender: str, file: Path, rows: int, server: Loopback, workers: int) -> Result:
    server.reset()
    cost: Cost = run(command_of(contender, file, rows, server.url, workers), server.env())
    stats = server.stats()
    written = json.loads(cost.output)["items_written"]
    arrived = stats.get("items", rows)
    if written != rows or arrived != rows or stats["requests"] < math.ceil(rows / 25):
        raise MeasurementError(f"{contender} says {written} of {rows} rows; the server saw {stats}")
    return Result(
        contender=contender,
        rows=rows,
        cpu_us_per_row=cost.cpu_s / rows * 1e6,
        system_us_per_row=cost.system_s / rows * 1e6,
        wall_s=cost.wall_s,
        rows_per_s=rows / cost.wall_s,
        peak_mb=cost.peak_mb,
        first_request_s=stats["first_request_at"] - cost.started_at,
        requests=stats["requests"],
        server_us_per_request=stats["server_cpu_s"] / stats["requests"] * 1e6,
    )


def spread(values: list[float], digits: int = 1) -> str:
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def table(heads: list[str], lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    for cells in (heads, ["-" * width for width in widths], *lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |")
    print()


def throughput(args: argparse.Namespace) -> list[Result]:
    """Every contender once per round; the first of a round changes from round to round."""
    file = data_file(args.rows)
    results: list[Result] = []
    with Loopback(args.tls, args.count) as server:
        for number in range(args.rounds):
            turn = number % len(args.only)
            for contender in args.only[turn:] + args.only[:turn]:
                rows = args.rows if contender == OURS else min(args.rows, args.plain_rows)
                results.append(measure(contender, file, rows, server, args.workers))
                print(f"round {number + 1}: {contender} {results[-1].cpu_us_per_row:.1f} µs", file=sys.stderr)
    of = {name: [result for result in results if result.contender == name] for name in args.only}
    cpu = {name: statistics.median([one.cpu_us_per_row for one in of[name]]) for name in args.only}
    lines = []
    for name, ones in of.items():
        lines.append(
            [
                name,
                f"{ones[0].rows:,}",
                spread([one.cpu_us_per_row for one in ones]),
                f"{cpu[PLAIN] / cpu[name]:.1f}x" if PLAIN in cpu else "",
                spread([one.rows_per_s for one in ones], 0),
                f"{max(one.peak_mb for one in ones):.0f}",
                spread([one.first_request_s for one in ones], 2),
                spread([one.server_us_per_request for one in ones]),
            ]
        )
    heads = ["contender", "rows", "CPU µs/row", "plain / this", "rows/s", "peak MB", "first request s"]
    table([*heads, "server µs/request"], lines)
    if OURS in of and PLAIN in of:
        pairs = zip(of[PLAIN], of[OURS], strict=True)
        by_round = [plain.cpu_us_per_row / ours.cpu_us_per_row for plain, ours in pairs]
        print(f"client CPU per row, {PLAIN} / {OURS}, round by round: {spread(by_round)}\n")
    return results


def memory(args: argparse.Namespace) -> list[Result]:
    """Peak memory must not follow the file's size."""
    sizes = (args.rows, 10 * args.rows)
    with Loopback(args.tls) as server:
        results = [
            measure(OURS, data_file(rows), rows, server, args.workers) for _ in range(args.rounds) for rows in sizes
        ]
    peaks = {rows: [one.peak_mb for one in results if one.rows == rows] for rows in sizes}
    table(["rows", "peak MB"], [[f"{rows:,}", spread(values)] for rows, values in peaks.items()])
    once, tenfold = (statistics.median(values) for values in peaks.values())
    print(f"ten times the rows: {100 * (tenfold / once - 1):+.1f}% peak memory\n")
    return results


def startup(args: argparse.Namespace) -> list[dict[str, float]]:
    """From the start of the process to the first BatchWriteItem at the server; the whole of --help."""
    rows = min(args.rows, 100_000)
    script = Path(sys.executable).with_name("asyncloader")
    about = [str(script)] if script.exists() else [sys.executable, "-m", "asyncloader"]
    times: list[dict[str, float]] = []
    with Loopback(args.tls) as server:
        file = data_file(rows)
        for _ in range(args.repeat):
            loaded = measure(OURS, file, rows, server, args.workers)
            asked = run([*about, "--help"], server.env(), timeout_s=60)
            times.append({"first_request_s": loaded.first_request_s, "help_s": asked.wall_s})
    lines = []
    for name in ("first_request_s", "help_s"):
        values = [one[name] for one in times]
        lines.append([name, f"{min(values):.3f}", f"{statistics.median(values):.3f}", f"{max(values):.3f}"])
    table(["", "best", "median", "worst"], lines)
    return times


def machine(args: argparse.Namespace) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "tls": args.tls,
        "workers": args.workers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the loaders against a server that only answers.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--plain-rows", type=int, default=100_000, help="rows for the slow contenders")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME")
    parser.add_argument("--tls", action="store_true", help="over TLS, with a certificate made for the run")
    parser.add_argument("--count", action="store_true", help="the server counts items (a check, not a speed)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--memory", action="store_true", help="peak memory at 1x and 10x the rows instead")
    which.add_argument("--startup", action="store_true", help="starting times instead")
    parser.add_argument("--repeat", type=int, default=9, help="how often --startup tries")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single result here, too")
    args = parser.parse_args()
    compile_package()
    about = machine(args)
    print(", ".join(f"{name} {value}" for name, value in about.items()) + "\n")
    try:
        if args.startup:
            results: list[Any] = startup(args)
        else:
            results = [asdict(one) for one in (memory(args) if args.memory else throughput(args))]
    except MeasurementError as failed:
        sys.exit(f"run.py: {failed}")
    if args.json:
        args.json.write_text(json.dumps(about | {"results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
