"""`--workers auto` beside fixed numbers: items a second into the fault server, which answers after a latency.

    python benchmarks/workers_auto.py [--latency 0.05] [--rounds 3]

The server is one Python process, so beyond some number of requests in flight it is what limits; the numbers take turns
within a round. Told is the median of each, and what auto has of the best.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMBERS = ("4", "8", "16", "32", "64", "128", "256")
ENVIRONMENT = {**os.environ, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextlib.contextmanager
def serving(latency_s: float) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.faultserver", "--table", "bench:id", "--latency", str(latency_s)]
    server = subprocess.Popen([*command, "--no-signatures"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(20)


def rate(workers: str, file: Path, latency_s: float) -> float:
    """Items a second of the load itself, from its first to its last request as it tells it."""
    with serving(latency_s) as url:
        command = [sys.executable, "-m", "asyncloader", "load", "bench", str(file), "--region", "eu-west-1", "--json"]
        command += ["--endpoint-url", url, "--workers", workers, "--quiet", "--utilization", "off"]
        done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=file.parent, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return float(json.loads(done.stdout)["items_per_s"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rates: dict[str, list[float]] = {workers: [] for workers in (*NUMBERS, "auto")}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        file.write_text("id,name\n" + "".join(f"{number},name of {number}\n" for number in range(args.rows)))
        slowest = args.latency / 25  # seconds a row that one request in flight needs
        for number in range(args.rounds):
            for workers in list(rates)[number % len(rates) :] + list(rates)[: number % len(rates)]:
                if workers != "auto" and args.rows * slowest / int(workers) > 60:
                    continue  # too slow to wait for, and surely not the best
                rates[workers].append(rate(workers, file, args.latency))
                print(f"round {number + 1}: {workers} {rates[workers][-1]:,.0f} items/s", file=sys.stderr)
    medians = {workers: statistics.median(seen) for workers, seen in rates.items() if seen}
    best = max(medians, key=lambda workers: medians[workers] if workers != "auto" else 0.0)
    print("| workers | items/s | of the best number |\n|---|---|---|")
    for workers, median in medians.items():
        print(f"| {workers} | {median:,.0f} | {median / medians[best]:.0%} |")


if __name__ == "__main__":
    main()
