"""No second holds more than a cap allows, also when timers ring late."""

from __future__ import annotations

from random import Random

from asyncloader.pacing.sliding_window import OVER_CAP, SlidingWindow


def test_a_second_counts_when_requests_are_sent_not_when_they_should_have_been() -> None:
    """Timers that ring up to 0.3 s late: no window of a second has more than 5% too much."""
    chance, second, now = Random(1), SlidingWindow(), 0.0
    sent: list[float] = []
    for _ in range(400):
        wait_s = second.wait_s(10.0, 100.0, now, max(0.0, 0.1 - chance.random() * 0.2))
        now += wait_s + (chance.random() * 0.3 if wait_s else 0.0)
        second.stamp(now)
        sent.append(now)
    fullest = max(sum(10 for other in sent if at <= other < at + 1.0) for at in sent)
    assert fullest <= 100 * OVER_CAP


def test_what_a_request_cost_beyond_its_price_counts_in_its_second() -> None:
    second = SlidingWindow()
    assert second.wait_s(50.0, 100.0, 0.0, 0.0) == 0.0
    second.correct(50.0)
    assert second.wait_s(10.0, 100.0, 0.5, 0.0) > 0.5
