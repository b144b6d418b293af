"""Hot keys as people read them."""

from __future__ import annotations

from asyncloader.cli.progress import Moment, Pace
from asyncloader.cli.result import hot_keys_text
from asyncloader.values.report import HotKey


def test_the_first_ones_are_shown_and_the_others_counted() -> None:
    keys = [HotKey(f"k{number}", 10 - number, 0.5 / (number + 1)) for number in range(5)]
    assert hot_keys_text(keys) == "k0 50%, k1 25%, k2 17% and 2 more"
    assert hot_keys_text(keys[:1]) == "k0 50%"
    assert hot_keys_text([]) == ""


def test_a_key_is_cut_and_holds_no_orders_for_a_terminal() -> None:
    assert hot_keys_text([HotKey("x" * 24, 1, 1.0)]) == "x" * 24 + " 100%"
    assert hot_keys_text([HotKey("x" * 25, 1, 1.0)]) == "x" * 23 + "… 100%"
    assert (
        hot_keys_text([HotKey("a\nb\x1b[0m", 1, 1.0)]) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[0m 100%"
    )


def test_progress_names_hot_keys_only_where_there_are_some() -> None:
    pace = Pace(Moment(0.0, 0, 0, 0, 0.0, 0, 0), 100)
    pace.add(Moment(1.0, 50, 10, 10, 10.0, 0, 0))
    assert "hot" not in pace.words()
    pace.add(Moment(2.0, 60, 20, 20, 20.0, 0, 3, "k0 50%"))
    assert pace.words().endswith("throttled 3 · hot k0 50%")
