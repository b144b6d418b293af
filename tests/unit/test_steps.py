"""Work in steps: all of it here and now, or the long calls in a thread while the loop has its turns."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from asyncloader.encode.steps import Steps, run_steps
from asyncloader.engine.reading.ahead import ENCODED_AT_ONCE, EncodePool


def work(told: list[str], number: int = 0) -> Steps[int]:
    told.append(f"begin {number} in {threading.current_thread().name}")
    name = yield lambda: threading.current_thread().name
    told.append(f"long {number} in {name}")
    yield None
    told.append(f"end {number} in {threading.current_thread().name}")
    return number


def test_all_steps_at_once() -> None:
    told: list[str] = []
    assert run_steps(work(told, 3)) == 3
    assert told == [f"{step} 3 in MainThread" for step in ("begin", "long", "end")]


async def test_long_steps_run_in_a_thread_and_the_others_in_the_loop() -> None:
    told: list[str] = []
    pool = EncodePool()
    assert await asyncio.gather(*(pool.start(work(told, number)) for number in range(5))) == [0, 1, 2, 3, 4]
    await pool.clear()
    loop = [line for line in told if not line.startswith("long")]
    assert all(line.endswith("in MainThread") for line in loop)
    assert all("in asyncloader-encode" in line for line in told if line.startswith("long"))
    begun = [int(line.split()[1]) for line in told if line.startswith("begin")]
    ended = [int(line.split()[1]) for line in told if line.startswith("end")]
    assert begun == sorted(begun)
    assert ended == sorted(ended)
    third = told.index(next(line for line in told if line.startswith(f"begin {ENCODED_AT_ONCE} ")))
    assert any(line.startswith("end 0") for line in told[:third]), "no more than ENCODED_AT_ONCE at once"


async def test_others_have_their_turn_at_each_pause() -> None:
    turns = 0

    def pauses() -> Steps[int]:
        before = turns
        for _ in range(10):
            yield None
        return turns - before

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting, pool = asyncio.create_task(count()), EncodePool()
    assert await pool.start(pauses()) >= 10
    counting.cancel()
    await pool.clear()


async def test_what_a_step_raises_is_raised_and_nothing_goes_on_after_the_end() -> None:
    pool, gone_on = EncodePool(), list[int]()

    def fails() -> Steps[int]:
        yield lambda: 1 / 0
        return 0

    def hangs(entered: threading.Event, let_go: threading.Event) -> Steps[int]:
        def hang() -> None:
            entered.set()
            let_go.wait(10)

        yield hang
        gone_on.append(1)
        return 0

    with pytest.raises(ZeroDivisionError):
        await pool.start(fails())
    entered, let_go = threading.Event(), threading.Event()
    hanging = pool.start(hangs(entered, let_go))
    await asyncio.to_thread(entered.wait, 10)
    await pool.clear()
    let_go.set()
    assert hanging.cancelled()
    assert not gone_on


PANDAS = """
import threading
print(threading.current_thread().name)
raise ImportError("no pandas after all")
"""
ENCODE = """
import asyncio
import pyarrow as pa
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.formats.columns import Columns
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.engine.reading.ahead import EncodePool
from asyncloader.values.schema import KeyAttribute, Table

text = pa.StringArray.from_buffers(1, pa.py_buffer(b"\\0\\0\\0\\0\\1\\0\\0\\0"), pa.py_buffer(b"a"))
encoder = ColumnEncoder(["id"], Table("t", "", KeyAttribute("id")), {}, "drop")

async def main():
    pool = EncodePool()
    await pool.start(encoder.encode(TextBlock(0, 0, b"", 0, 1), Columns(("id",), (text,), 1)))
    await pool.clear()

asyncio.run(main())
"""


def test_pandas_is_not_imported_in_the_loop(tmp_path: Path) -> None:
    (tmp_path / "pandas.py").write_text(PANDAS)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{ENCODE}"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.startswith("asyncloader-encode")
    assert "MainThread" not in told
