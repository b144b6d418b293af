"""The table of results on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from asyncloader.values.report import HotKey, Report

NAME_WIDTH = 17


def rows(report: Report) -> list[tuple[str, str]]:
    """What is shown, as pairs of name and value; a line that would say nothing is left out."""
    counts = report.counts
    pairs: list[tuple[str, str]] = [
        ("rows read", f"{counts.rows_read:,}"),
        ("items written", f"{counts.items_written:,}"),
        ("rows superseded", f"{counts.rows_superseded:,}"),
        ("rows rejected", f"{counts.rows_rejected:,}" + (f"  → {report.rejects_file}" if report.rejects_file else "")),
        ("rows filtered", f"{counts.rows_filtered:,}" if counts.rows_filtered else ""),
        (
            "requests",
            f"{counts.requests:,}"
            + (f" ({counts.throttled_requests:,} throttled)" if counts.throttled_requests else ""),
        ),
        ("items sent again", f"{counts.retried_items:,}" if counts.retried_items else ""),
        ("shard key", report.shard_key["query"] if report.shard_key else ""),
        ("write capacity", f"{counts.consumed_wcu:,.0f} WCU"),
        ("limited by", "" if report.limited_by is None else str(report.limited_by)),
        ("hot keys", hot_keys_text(report.hot_keys)),
        ("time", f"{duration(report.elapsed_s)}  ({report.elapsed_s:,.2f} s, {report.items_per_s:,.0f} items/s)"),
    ]
    return [(name, value) for name, value in pairs if value]


def show(report: Report) -> None:
    """Print the table. Plain text: a library for it would cost a tenth of a short load's time."""
    print(f"{report.table}: {'complete' if report.complete else 'not complete'}", file=sys.stderr)  # noqa: T201  # a message of the command
    for name, value in rows(report):
        print(f"{name:<{NAME_WIDTH}}{value}", file=sys.stderr)  # noqa: T201  # a message of the command


HOT_KEYS_SHOWN, KEY_WIDTH = 3, 24


def hot_keys_text(keys: Sequence[HotKey]) -> str:
    """The first of these keys with their shares of all items handed back; empty if there are none."""
    texts = [f"{_short(key.key)} {key.share:.0%}" for key in keys[:HOT_KEYS_SHOWN]]
    more = len(keys) - HOT_KEYS_SHOWN
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


def _short(key: str) -> str:
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in key[: KEY_WIDTH + 1])
    return text if len(text) <= KEY_WIDTH else text[: KEY_WIDTH - 1] + "…"


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
