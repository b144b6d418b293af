"""Pacing in write capacity units: how fast to send, learnt from what the service refuses. Pure: the clock is passed in.

Requests are spaced so that their cost makes up a rate in WCU/s. The order of events on a table that nobody described:

1. Search: the rate doubles every few round trips, as long as it is the bottleneck (slow start, as in TCP).
2. The first refusal says that the table's saved capacity is used up, not what its capacity is: the rate falls well
   below, and where most is still refused it falls again, judged only by what was sent since. Then it searches on.
3. Measure: at every refusal the table's bucket is empty, so what was accepted between two refusals, divided by the
   time between them, *is* the capacity, whatever we sent meanwhile and however much of it was refused.
4. Hold: the rate is half a percent above the measured capacity. So the bucket stays empty, each second brings a
   few refused items that show that it still holds, and the next measurement is never far.
5. Probe: when no refusal comes, the rate grows with the cube of the quiet time: by 2% in the first second, when
   chance may explain that nothing is refused, twofold by two and a half. The refusal that ends it takes all of it back.

A fixed cap (`--max-wcu`, or the described capacity of a provisioned table) is never exceeded, and a table that is paced
at its cap from the start is never searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from asyncloader.pacing.capacity_estimate import CapacityEstimate
from asyncloader.pacing.latency import RoundTrip
from asyncloader.pacing.limits import IndexLimits, Limits, limits_of
from asyncloader.pacing.request_cost import RequestCost
from asyncloader.pacing.sliding_window import SlidingWindow
from asyncloader.values.report import CapacityLimit
from asyncloader.values.schema import Table
from asyncloader.values.settings import PacingSettings

SEARCH_S, SEARCH_ROUND_TRIPS = 0.03, 5.0
"""A search doubles in this time plus this many round trips: what it overshoots is in flight before it is refused."""
SEARCH_AGAIN_S = 0.2
"""After the first refusal it is slower by this time: the limit is near."""
FIRST_CUT, DEEPEST_CUT = 0.15, 0.125
"""What is left of the rate at the first refusal, and at the least after any flood of them. Too low costs little: the
table saves what is not used, and it is available again during the search."""
FLOOD = 0.5
"""Refused fraction that is no measurement but a flood; it calls for a cut at once."""
FORGET = 4.0
"""Floods are detected over this many times the cost that is evidence."""
HOLD_ABOVE = 0.005
"""How far above the measured capacity the rate is held, which is the fraction refused while nothing changes."""
MEASURE_S, EARLY_S, EARLY_REFUSED = 1.0, 0.2, 0.1
"""A measurement takes a second; less where this part of a second's capacity was refused meanwhile."""
PROBE, FASTEST_PROBE = 0.08, 1.5
"""Growth per second after one quiet second (it grows with the cube of the time), and at most."""
FAR, FAR_CUT = 1.5, 0.25
"""A rate this many times the measured capacity is far above it; what is left of it at least when it is refused."""
ROUND_S = 0.05
IDLE = 0.2
"""A rate that was unused for this part of a round is not the bottleneck, and must not grow."""
CREDIT_S = 0.005
"""Unused time that may be made up for: a timer fires a little late, and must not cost throughput."""
REQUEST_S, ROUND_TRIPS_AHEAD = 0.025, 1.25
"""Seconds of the rate that one request may cost, and round trips that all workers together must be able to cover."""
FREE_WCU, FREE_ROUNDS = 20_000.0, 4
"""A search that was never refused, and whose bottleneck was elsewhere at this rate for this many rounds, is over."""
PARDON_S = 2.0
"""How long after a refusal it may turn out to have had another cause."""
LEAST_RATE, DARK_RATE = 1.0, 200.0
"""Where nothing at all is accepted, no capacity shows: below that rate the pace is left to the waits before a retry."""


def pacer_for(table: Table, pacing: PacingSettings, *, workers: int, now: float) -> Pacer | None:
    """The pacer for a table; None where nothing is to be paced."""
    limits = limits_of(table, pacing)
    return None if limits is None else Pacer(limits, now, workers=workers)


class Pacer:
    """Spaces requests, and learns the rate from their outcome. Times are seconds of one monotonic clock.

    `workers` is how many requests may be in flight at once. `rate` is in WCU/s as the service counts them.
    """

    def __init__(self, limits: Limits, now: float, *, workers: int = 1) -> None:
        self.limits = limits
        self.rate = LEAST_RATE
        self.cost_ratio = 1.0
        self._workers = workers
        self._cost_known = False
        self._searching = True
        self._estimate = CapacityEstimate(now)
        self._round_trip, self._request_cost = RoundTrip(), RequestCost()
        self._debt_wcu, self._debt_at = 0.0, now
        self._idle_s = 0.0
        self._round_started = self._quiet_since = self._cut_at = now
        self._since_cut = self._refused_since_cut = 0.0
        self._second = SlidingWindow()
        self._round_wcu, self._free_rounds = 0.0, 0
        self._before: tuple[float, float, bool, float | None] = (-inf, 0.0, False, None)
        self._index_limits, self._most = IndexLimits(limits.parts), inf
        self._start()

    def relimit(self, limits: Limits) -> None:
        """Other limits hold from now on; a described capacity is trusted, an unknown one keeps what was learnt."""
        if limits != self.limits:
            self.limits = limits
            self._index_limits = IndexLimits(limits.parts)
            self._start()

    @property
    def limit(self) -> CapacityLimit | None:
        """The cap that holds, in words; None where the rate is learnt."""
        cap = self.limits.cap_wcu
        return self._index_limits.limit if self._most < (inf if cap is None else cap) else self.limits.limit

    def pardon(self, now: float) -> None:
        """What was refused lately was not for lack of the table's capacity: undo what it changed."""
        at, rate, searching, capacity = self._before
        if now - at > PARDON_S or rate <= self.rate:
            return
        self._searching, self._estimate.capacity, self._estimate.is_valid = searching, capacity, False
        self._before = (-inf, 0.0, False, None)
        self._quiet_since = now
        self._cut(rate, now)

    @property
    def is_free(self) -> bool:
        """Whether pacing may pause until something is refused: there is no cap, and no sign of a limit."""
        return self._free_rounds >= FREE_ROUNDS and self.limits.cap_wcu is None and self._most == inf

    def rejoin(self, rate: float, now: float) -> None:
        """Pacing goes on after it had paused; `rate` is what was sent meanwhile."""
        self._set(rate)
        self._free_rounds = 0
        self._round_started = self._quiet_since = self._debt_at = now
        self._debt_wcu = self._idle_s = self._round_wcu = 0.0

    @property
    def batch_wcu(self) -> float:
        """How much one request should cost at most, in predicted WCU; an item that costs more goes alone.

        Small against the rate, so that a request meets the limit with few of its items, and seconds are alike.
        """
        seconds = max(REQUEST_S, ROUND_TRIPS_AHEAD * self._round_trip.seconds / self._workers)
        return max(self.rate * seconds / self.cost_ratio, 1.0)

    def reserve(self, predicted_wcu: float, now: float) -> float:
        """Take the next place for a request; returns the seconds to wait before it is sent.

        The next one may ask only when this one has been sent, so that a new rate holds from the next request on.
        """
        cost, rate = predicted_wcu * self.cost_ratio, self.rate
        debt = self._debt_wcu - rate * (now - self._debt_at)
        if debt < -rate * CREDIT_S:
            # A place that was not used in time is lost: no credit, and so no burst.
            self._idle_s += -debt / rate - CREDIT_S
            debt = -rate * CREDIT_S
        wait = debt / rate if debt > 0.0 else 0.0
        if self.limits.cap_wcu is not None:
            wait = self._second.wait_s(cost, self.limits.cap_wcu, now, wait)
        self._debt_wcu, self._debt_at = debt + cost, now
        return wait

    def sent(self, now: float) -> None:
        """The place that was reserved last has been used, perhaps a little late."""
        self._second.stamp(now)

    def learn_cost(
        self, predicted_wcu: float, consumed_wcu: float, by_index: Mapping[str, float] | None = None
    ) -> None:
        """What accepted items really cost: indexes and overwritten larger items add to their own size.

        `by_index` is the share of each global index, if the response has it.
        """
        if predicted_wcu <= 0 or consumed_wcu <= 0:
            return
        more = consumed_wcu - predicted_wcu * self.cost_ratio
        self._debt_wcu += more
        self._second.correct(more)
        weight = 0.1 if self._cost_known else 1.0
        self.cost_ratio += weight * (max(consumed_wcu / predicted_wcu, 0.1) - self.cost_ratio)
        self._cost_known = True
        if self.limits.parts:
            if by_index is not None:
                self._index_limits.learn(predicted_wcu, consumed_wcu, by_index)
            self._follow_index_limits()

    def judge(self, sent_at: float, predicted_wcu: float, refused_wcu: float, now: float) -> None:
        """What became of a request: how much of its predicted cost was refused for lack of the table's capacity."""
        cost, refused = predicted_wcu * self.cost_ratio, refused_wcu * self.cost_ratio
        self._round_trip.add(now - sent_at)
        self._request_cost.add(cost)
        self._estimate.accepted += cost - refused
        self._round_wcu += cost - refused
        if sent_at >= self._cut_at:
            self._since_cut += cost
            self._refused_since_cut += refused
        if refused > 0.0:
            self._estimate.refused += refused
            self._refused(now)
            self._quiet_since = now
        if now - self._round_started >= ROUND_S:
            self._end_round(now)

    def _start(self) -> None:
        start, cap = self.limits.start_wcu, self.limits.cap_wcu
        self._most = self._index_limits.wcu(self.cost_ratio)
        most = self._most if cap is None else min(cap, self._most)
        described = start >= most
        if described:
            self._searching = False
            self._estimate.forget()
            self._estimate.capacity = most
        self._set(start if described else max(start, self.rate))

    def _follow_index_limits(self) -> None:
        """What the items cost each part is known better now. A rate that was at the limit follows it."""
        before, self._most = self._most, self._index_limits.wcu(self.cost_ratio)
        if self.rate < before:
            self._set(self.rate)
            return
        if self._estimate.capacity is not None:
            self._estimate.capacity = self._most
        self._set(self._most)

    def _refused(self, now: float) -> None:
        estimate, evidence = self._estimate, self._request_cost.evidence_wcu(self.rate)
        if now - self._before[0] > PARDON_S:
            self._before = (now, self.rate, self._searching, estimate.capacity)
        if self._searching:
            self._searching = False
            self._lose_track(self.rate * FIRST_CUT, now)
        elif estimate.capacity is not None and self.rate > FAR * estimate.capacity:
            self._lose_track(max(estimate.average(now), self.rate * FAR_CUT), now)
        elif self._refused_since_cut >= evidence and self._refused_since_cut > FLOOD * self._since_cut:
            accepted = 1.0 - min(self._refused_since_cut / self._since_cut, 1.0)
            least = DARK_RATE if accepted <= 0.0 else LEAST_RATE
            self._lose_track(max(self.rate * max(accepted, DEEPEST_CUT), least), now)
        else:
            self._measure(now, evidence)

    def _lose_track(self, rate: float, now: float) -> None:
        """The capacity is far below the rate, and not known."""
        self._estimate.forget()
        self._estimate.begin(now)
        self._cut(min(rate, self.rate), now)

    def _measure(self, now: float, evidence: float) -> None:
        estimate = self._estimate
        age = estimate.age_s(now)
        much = estimate.refused >= evidence and estimate.refused * age > EARLY_REFUSED * estimate.accepted
        due = age >= MEASURE_S * self._request_cost.patience_s(self.rate) or (age >= EARLY_S and much)
        if due:
            if estimate.is_valid:
                estimate.measure(now)
            estimate.begin(now)
        if estimate.capacity is None:
            return
        above = HOLD_ABOVE
        if estimate.seconds:
            # Answers that come out of order blur a measurement; one that may be too low must not stop the refusals.
            above = max(above, 0.5 * self._round_trip.jitter_s / estimate.seconds)
        rate = estimate.capacity * (1.0 + above)
        if due or rate < self.rate:
            self._cut(rate, now)

    def _end_round(self, now: float) -> None:
        seconds = now - self._round_started
        is_free = self._searching and self._idle_s > IDLE * seconds and self._round_wcu >= FREE_WCU * seconds
        self._free_rounds = self._free_rounds + 1 if is_free else 0
        if self._idle_s > IDLE * seconds:
            # The bottleneck is elsewhere: no refusal means nothing, and the table's bucket may overflow unseen.
            if now - self._quiet_since > EARLY_S:
                self._quiet_since = now
                self._estimate.is_valid = False
        else:
            self._set(self.rate * self._growth(now - self._quiet_since, seconds))
        if self._since_cut > FORGET * self._request_cost.evidence_wcu(self.rate):
            self._since_cut = self._refused_since_cut = 0.0
        self._round_started, self._idle_s, self._round_wcu = now, 0.0, 0.0

    def _growth(self, quiet_s: float, seconds: float) -> float:
        if self._estimate.capacity is not None:
            patience = self._request_cost.patience_s(self.rate)
            per_second = min(PROBE * (quiet_s / patience) ** 3, FASTEST_PROBE) / patience
            return 1.0 + min(per_second * seconds, 1.0)
        doubling_s = SEARCH_S + SEARCH_ROUND_TRIPS * self._round_trip.seconds
        if not self._searching:
            if quiet_s < SEARCH_AGAIN_S / 2 + self._round_trip.seconds:
                return 1.0
            doubling_s += SEARCH_AGAIN_S
        return float(2.0 ** min(seconds / doubling_s, 1.0))

    def _cut(self, rate: float, now: float) -> None:
        self._set(rate)
        self._cut_at = now
        self._since_cut = self._refused_since_cut = 0.0

    def _set(self, rate: float) -> None:
        cap = self.limits.cap_wcu
        self.rate = max(min(rate, self._most) if cap is None else min(rate, cap, self._most), LEAST_RATE)
