"""What is settled of a block: how many of its records, their counts and their rejects."""

from __future__ import annotations

from dataclasses import dataclass

from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow
from asyncloader.records.checkpoint import Position
from asyncloader.values.report import Counts


@dataclass(frozen=True, slots=True)
class Account:
    """What is settled of a block, from its first record on: how many records, their counts and their rejects.

    `block` is kept only where what it holds is still needed: while it is under way, or when it has rejects.
    """

    number: int
    end: Position
    records: int
    counts: Counts
    bad: tuple[BadRow, ...]
    block: Block | None
    is_part: bool


def account(flight: InFlightBlock, records: int | None = None, end: Position | None = None) -> Account:
    """What to keep of a block, or of its first `records` records, which end at `end`."""
    encoded = flight.encoded
    block = encoded.block
    is_part = records is not None
    if records is None or end is None:
        records, end = encoded.rows_read, Position(block.source, block.end, block.end_line)
    refused = [BadRow(encoded.record(item), reason) for item, reason in flight.rejected]
    bad = sorted((row for row in (*encoded.bad, *refused) if row.record < records), key=lambda row: row.record)
    replaced = range(len(encoded), len(encoded) + encoded.superseded)
    superseded = sum(encoded.record(item) < records for item in replaced if item not in flight.revived)
    counts = Counts(
        rows_read=records,
        items_written=records - len(bad) - superseded - (0 if is_part else flight.unsettled),
        rows_rejected=len(bad),
        rows_superseded=superseded,
    )
    return Account(block.number, end, records, counts, tuple(bad), block if bad or is_part else None, is_part)
