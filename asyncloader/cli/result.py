"""The table of results on stderr."""

from __future__ import annotations

from asyncloader.cli.progress import duration
from asyncloader.values.report import Report


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
        ("write capacity", f"{counts.consumed_wcu:,.0f} WCU"),
        ("time", f"{duration(report.elapsed_s)}  ({report.elapsed_s:,.2f} s, {report.items_per_s:,.0f} items/s)"),
    ]
    return [(name, value) for name, value in pairs if value]


def show(report: Report) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    state = "complete" if report.complete else "not complete"
    table = Table(title=f"{report.table}: {state}", title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in rows(report):
        table.add_row(name, Text(value))
    Console(stderr=True, soft_wrap=True).print(table)
