"""What it gains that batches shrink where requests time out: items of 1, 20 and 300 KB over a slow link and a fast one.

    python benchmarks/large_items.py [--only 300] [--megabytes 8]

Each load runs twice, with the window and without it, over the same link, with a time-out of a tenth of the usual one, so
that minutes become seconds. Told are the share of the link's bytes a second that arrived in answered requests, and how
the load ended.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncloader
from asyncloader.pacing.congestion_window import CongestionWindow
from asyncloader.values.settings import RetrySettings

HERE = Path(__file__).parent
TIMEOUT_S = 3.0
SLOW, FAST = 300_000.0, 20_000_000.0
LIMIT_S = 150.0


class Open(CongestionWindow):
    """No window: nothing is ever cut."""

    def answered(self, *_: object) -> None: ...

    def timed_out(self, *_: object) -> None: ...


@contextlib.contextmanager
def serving(bytes_per_s: float) -> Iterator[str]:
    command = [sys.executable, str(HERE / "narrow.py"), "--bytes-per-s", str(bytes_per_s)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(20)


def source(folder: Path, item_kb: float, megabytes: float) -> tuple[Path, int]:
    rows = int(megabytes * 1000 / item_kb)
    path, padding = folder / f"{item_kb:g}.csv", "x" * int(item_kb * 1000 - 60)
    path.write_text("id,note\n" + "".join(f"{number:08},{padding}\n" for number in range(rows)))
    return path, rows


async def load(url: str, file: Path) -> tuple[int, str, float]:
    began = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT_S):
            report = await asyncloader.load(
                "bench", file, region="eu-west-1", endpoint_url=url, restart=True, utilization=None,
                retry=RetrySettings(request_timeout_s=TIMEOUT_S), journal=file.with_suffix(".journal"),
            )  # fmt: skip
        written, end = report.this_run.items_written, "complete"
    except asyncloader.LoadFailed as error:
        written, end = error.report.this_run.items_written if error.report else 0, str(error)[:60]
    except asyncloader.UsageError as error:
        written, end = 0, str(error)[:60]
    except TimeoutError:
        written, end = 0, f"not complete in {LIMIT_S:g} s"
    return written, end, time.monotonic() - began


def main() -> None:
    from asyncloader.engine.gates import congestion

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=float, help="only items of this size in KB")
    parser.add_argument("--megabytes", type=float, default=8.0)
    args = parser.parse_args()
    print("| link | item | window | bytes/s through, of the link | time | end |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for item_kb in (1.0, 20.0, 300.0):
            if args.only not in (None, item_kb):
                continue
            for bytes_per_s in (FAST, SLOW):
                file, _ = source(Path(folder), item_kb, args.megabytes * (4 if bytes_per_s == FAST else 1))
                for kind in (CongestionWindow, Open):
                    congestion.CongestionWindow = kind  # type: ignore[misc]
                    with serving(bytes_per_s) as url:
                        written, end, seconds = asyncio.run(load(url, file))
                    share = written * item_kb * 1000 / seconds / bytes_per_s
                    shown = "yes" if kind is CongestionWindow else "no"
                    print(
                        f"| {bytes_per_s / 1e6:g} MB/s | {item_kb:g} KB | {shown} | {share:.0%} | {seconds:.1f} s | {end} |"
                    )
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
