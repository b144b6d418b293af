"""Measures `asyncloader plan`: CPU a row, peak memory at 1x and 10x the rows, and what a sample takes.

    python benchmarks/planning.py                   # 1,000,000 rows, then 10,000,000 (1 GB of disk)
    python benchmarks/planning.py --rows 100000     # quickly

The first line is the same rows with a load that sends nothing anywhere but to the loopback server, as a measure of
the machine at that moment.
"""

import argparse
import json
import os
import sys

import measure
import people


def planned(rows: int, *more: str) -> tuple[measure.Cost, dict]:
    """One plan as its own process, with its result."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env["PYTHONPATH"] = str(measure.HERE.parent)
    path = people.ensure(rows)
    cost = measure.run([sys.executable, "-m", "asyncloader", "plan", str(path), "--key", "id", "--json", *more], env)
    told = json.loads(cost.output)
    if "--sample" not in more and told["rows"] != rows:
        raise measure.MeasurementError(f"{told['rows']} rows planned instead of {rows}")
    return cost, told


def loaded(rows: int) -> measure.Cost:
    """The same rows sent to the loopback server."""
    path = people.ensure(rows)
    with measure.Loopback() as server:
        command = [sys.executable, "-m", "asyncloader", "load", "people", str(path)]
        return measure.run([*command, "--endpoint-url", server.url, "--workers", "32", "--quiet"], server.env())


def line(what: str, cost: measure.Cost, rows: int) -> None:
    print(f"{what:<34} {cost.cpu_s / rows * 1e6:6.2f} µs/row  {cost.wall_s:7.2f} s  {cost.peak_mb:6.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure asyncloader plan.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(f"{'':<34} {'CPU':>13}  {'wall':>9}  {'peak':>9}")
    for _ in range(args.rounds):
        line(f"load {args.rows:,}", loaded(args.rows), args.rows)
        once, _ = planned(args.rows)
        line(f"plan {args.rows:,}", once, args.rows)
    tenfold, _ = planned(10 * args.rows)
    line(f"plan {10 * args.rows:,}", tenfold, 10 * args.rows)
    print(f"ten times the rows: {100 * (tenfold.peak_mb / once.peak_mb - 1):+.1f}% peak memory")
    cost, told = planned(10 * args.rows, "--sample", "5%")
    sample = told["sample"]
    line(f"plan {10 * args.rows:,} --sample 5%", cost, sample["rows_read"] if sample else 10 * args.rows)
    if sample:
        print(f"from {sample['rows_read']:,} rows: {told['rows']:,} ± {sample['rows_spread']:,}")


if __name__ == "__main__":
    main()
