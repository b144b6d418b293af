"""Properties of the pacer under whatever a service may answer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from asyncloader.pacing.limits import Limits
from asyncloader.pacing.pacer import LEAST_RATE, Pacer
from asyncloader.pacing.sliding_window import OVER_CAP, SECOND_S

caps = st.floats(20, 1e5)
answers = st.tuples(
    st.floats(0, 0.3),  # seconds since the last one
    st.floats(0.01, 1),  # cost by batch_wcu
    st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.5, 1.0]),  # fraction refused
    st.floats(0.5, 4),  # true cost by predicted cost
    st.floats(0, 1),  # latency
)


@given(start=st.floats(1, 1e6), cap=st.none() | caps, history=st.lists(answers, max_size=200))
def test_the_rate_stays_finite_and_under_its_cap(
    start: float, cap: float | None, history: list[tuple[float, float, float, float, float]]
) -> None:
    """Whatever is answered: the rate is within its bounds, waits are finite, requests cost something."""
    pacer, now = Pacer(Limits(start, cap), 0.0, workers=4), 0.0
    for after, size, refused, ratio, latency in history:
        now += after
        predicted = size * pacer.batch_wcu
        wait = pacer.reserve(predicted, now)
        assert 0 <= wait < 1e6
        now += wait
        pacer.learn_cost(predicted * (1 - refused), predicted * (1 - refused) * ratio)
        pacer.judge(now, predicted, predicted * refused, now + latency)
        assert LEAST_RATE <= pacer.rate <= (cap if cap is not None else 1e60)
        assert pacer.batch_wcu >= 1


@settings(max_examples=50)
@given(cap=caps, sizes=st.lists(st.floats(0.01, 40), min_size=50, max_size=300), pauses=st.lists(st.floats(0, 2)))
def test_no_second_has_more_than_five_percent_too_much(cap: float, sizes: list[float], pauses: list[float]) -> None:
    """Requests of any size, also larger than the batch that is advised, in any rhythm; a larger one than the cap goes alone."""
    pacer, now = Pacer(Limits(cap, cap), 0.0), 0.0
    sent: list[tuple[float, float]] = []
    for i, size in enumerate(sizes):
        if i < len(pauses):
            now += pauses[i]
        now += pacer.reserve(size, now)
        sent.append((now, size))
    for at, _ in sent:
        window = [size for then, size in sent if at <= then < at + SECOND_S - 1e-9]
        assert len(window) == 1 or sum(window) <= max(OVER_CAP * cap, cap + 1) * (1 + 1e-9)


@given(
    cap=st.floats(100, 1e5),
    quiet=st.integers(0, 50),
    lost=st.lists(st.floats(0, 1), min_size=1, max_size=50),
)
def test_a_refusal_never_raises_the_rate_above_what_it_refused(cap: float, quiet: int, lost: list[float]) -> None:
    """A table that refuses something is not sent more than a little above what it was sent, or was seen to accept."""
    pacer, now, accepted = Pacer(Limits(cap), 0.0), 0.0, 0.0
    highest = pacer.rate
    for i in range(quiet):
        now = i * 0.01
        pacer.judge(now, cap / 100, 0.0, now)
        accepted += cap / 100
        highest = max(highest, pacer.rate)
    for fraction in lost:
        now += 0.01
        pacer.judge(now, cap / 100, max(fraction, 0.01) * cap / 100, now)
        assert pacer.rate <= highest * 1.1
