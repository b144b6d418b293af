"""A frame as a source: anything that exports Arrow data through its C interface (the PyCapsule protocol).

pyarrow's tables, record batches and readers do, as do the frames of pandas, polars, DuckDB and others; none of these
libraries is imported for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from asyncloader.cancellation import in_thread
from asyncloader.values.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa


@runtime_checkable
class ArrowStream(Protocol):
    """Exports batches of rows, one after the other: `__arrow_c_stream__` of Arrow's PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@runtime_checkable
class ArrowArray(Protocol):
    """Exports one batch of rows: `__arrow_c_array__` of Arrow's PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A frame with the name that messages use; its size is not known before it is read."""

    name: str
    frame: ArrowStream | ArrowArray
    size_bytes: None = None

    async def open(self) -> FrameStream:
        """Start to read; raises `SourceError` for what does not export rows after all."""
        try:
            return FrameStream(self.name, await in_thread(self._reader))
        except Exception as error:
            raise SourceError(f"{self.name}: cannot be read as rows of columns: {error}") from error

    def _reader(self) -> pa.RecordBatchReader:
        import pyarrow as pa

        if isinstance(self.frame, pa.RecordBatchReader):
            return self.frame
        if isinstance(self.frame, ArrowStream):
            return pa.RecordBatchReader.from_stream(self.frame)
        batch = pa.record_batch(self.frame)
        return pa.RecordBatchReader.from_batches(batch.schema, [batch])


class FrameStream:
    """The batches of a frame, read in a thread when they are asked for, one at a time."""

    def __init__(self, name: str, reader: pa.RecordBatchReader) -> None:
        self.name = name
        self.schema: Any = reader.schema
        self._reader = reader
        self._rows = 0

    async def read(self) -> pa.RecordBatch | None:
        """The next batch; None at the end. Raises `SourceError` with what the frame itself raises."""
        try:
            batch = await in_thread(self._next)
        except Exception as error:
            raise SourceError(f"{self.name}: reading failed behind row {self._rows:,}: {error}") from error
        if batch is not None:
            self._rows += batch.num_rows
        return batch

    async def close(self) -> None:
        """Release the frame."""
        await in_thread(self._reader.close)

    def _next(self) -> pa.RecordBatch | None:
        try:
            batch = self._reader.read_next_batch()
        except StopIteration:
            return None
        # What comes through the C interface was made by other code, and Arrow kernels do not check it.
        batch.validate(full=True)
        return batch
