"""The fault server as a program: `python -m tests.faultserver --table people:id --wcu 1000`.

It prints its address on one line and serves until it is terminated; `GET /counters` shows its books.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal

from .faults import Fault, ResetAfterWrite, ServerError, Throttle, Unprocessed
from .script import RandomFaults
from .server import FaultServer


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.faultserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--access-key", default="AKIATEST")
    parser.add_argument("--secret", default="secret")
    parser.add_argument("--no-signatures", action="store_true", help="take requests however they are signed")
    parser.add_argument(
        "--table", action="append", default=[], metavar="NAME:KEY[:TYPE][,SORT[:TYPE]]", help="make a table"
    )
    parser.add_argument("--wcu", type=float, help="write capacity units a second of each table")
    parser.add_argument("--partition-wcu", type=float, help="the same of each partition key")
    parser.add_argument("--index-wcu", type=float, help="the same of each global index")
    parser.add_argument("--burst", type=float, default=1.0, metavar="SECONDS", help="unused capacity that is kept")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--chance", type=float, default=0.0, help="share of requests that meet a random fault")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    server = FaultServer(
        credentials={options.access_key: options.secret},
        check_signatures=not options.no_signatures,
        faults=_faults(options.chance, options.seed),
        latency_s=options.latency,
        table_wcu=options.wcu,
        partition_wcu=options.partition_wcu,
        index_wcu=options.index_wcu,
        burst_s=options.burst,
        port=options.port,
    )
    for table in options.table:
        name, _, keys = table.partition(":")
        key, _, sort_key = keys.partition(",")
        server.create_table(name, key or "id", sort_key or None)
    asyncio.run(_serve(server))


def _faults(chance: float, seed: int) -> RandomFaults | None:
    if not chance:
        return None
    kinds: list[Fault] = [Unprocessed(), Throttle(), ServerError(written=0.5), ResetAfterWrite()]
    weights: dict[Fault | None, float] = dict.fromkeys(kinds, chance / len(kinds))
    return RandomFaults(seed, {None: 1 - chance, **weights})


async def _serve(server: FaultServer) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    async with server:
        print(server.url, flush=True)  # noqa: T201
        await stopping.wait()


if __name__ == "__main__":
    main()
