"""Counts and the report: they add up, and JSON holds what is promised."""

from __future__ import annotations

import json

from asyncloader.values.report import Counts, Report

RUN = Counts(rows_read=10, items_written=6, rows_rejected=2, rows_superseded=1, rows_filtered=1, consumed_wcu=6.5)


def report(counts: Counts = RUN, this_run: Counts = RUN, elapsed_s: float = 2.0) -> Report:
    return Report("t", ("a.csv",), counts, this_run, elapsed_s, "t.rejects.csv", complete=True)


def test_counts_add_up_member_by_member() -> None:
    total = RUN + RUN
    assert total.as_dict() == {name: 2 * value for name, value in RUN.as_dict().items()}


def test_every_row_is_settled_that_was_written_rejected_superseded_or_filtered() -> None:
    assert RUN.rows_settled == 10
    assert report().reconciles
    assert not report(RUN + Counts(rows_read=1)).reconciles


def test_the_speed_is_that_of_this_run() -> None:
    assert report(counts=RUN + RUN).items_per_s == 3.0
    assert report(elapsed_s=0.0).items_per_s == 0.0


def test_the_json_result_has_what_is_promised() -> None:
    told = json.loads(json.dumps(report().as_dict()))
    promised = (
        "table sources rows_read items_written rows_rejected rows_superseded rows_filtered requests retried_items "
        "unprocessed_items throttled_requests consumed_wcu elapsed_s items_per_s rejects_file complete this_run"
    )
    assert set(promised.split()) <= set(told)
    assert told["this_run"]["items_written"] == 6
