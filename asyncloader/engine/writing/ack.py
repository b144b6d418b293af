"""Acknowledgements: what a put returns at once, and what can be awaited until DynamoDB has stored it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator
from typing import Protocol

from asyncloader.values.errors import AsyncLoaderError, ItemRejected


class Ack:
    """The outcome of one put or delete; `await` it to know that DynamoDB has stored that very item.

    Raises `ItemRejected` if the item can never be stored, `LoadFailed` if the writer stopped before its outcome was known:
    then it may be stored or not. It can be awaited any number of times and by several tasks; a cancelled `await`
    cancels nothing else.
    """

    __slots__ = ("_error", "_is_done", "_is_retrieved", "_waiters")

    def __init__(self) -> None:
        self._is_done = False
        self._is_retrieved = False
        self._error: BaseException | None = None
        self._waiters: list[asyncio.Future[None]] | None = None

    def done(self) -> bool:
        """Whether the item is stored or rejected."""
        return self._is_done

    def __await__(self) -> Generator[object, None, None]:
        if not self._is_done:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            try:
                yield from waiter
            finally:
                if self._waiters is not None:
                    self._waiters.remove(waiter)
        self._is_retrieved = True
        if self._error is not None:
            raise self._error

    def __repr__(self) -> str:
        if not self._is_done:
            return "<Ack pending>"
        return "<Ack stored>" if self._error is None else f"<Ack failed: {self._error}>"

    # What the writer calls.

    @property
    def is_heard(self) -> bool:
        """Whether somebody has been told of the outcome, or waits to be."""
        return self._is_retrieved or bool(self._waiters)

    def stored(self) -> None:
        """The item is stored."""
        self._is_done = True
        if self._waiters is not None:
            self._wake()

    def refused(self, error: BaseException) -> None:
        """The item is rejected, or nobody will ever know."""
        self._is_done = True
        self._error = error
        if self._waiters is not None:
            self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters or ():
            if not waiter.done():
                waiter.set_result(None)


class Receipt:
    """The outcome of all items of one `put_many`, of which there are `items`; `await` it to know that all are stored.

    Raises an `ExceptionGroup` of `ItemRejected` when all are settled and some were rejected (their number
    is `rejected`; the group names the first `NAMED` of them), `LoadFailed` if the writer stopped before.
    """

    NAMED = 1000

    __slots__ = ("_ack", "_errors", "_is_complete", "_left", "items", "rejected")

    def __init__(self) -> None:
        self.items = 0
        self.rejected = 0
        self._ack = Ack()
        self._left = 0
        self._is_complete = False
        self._errors: list[ItemRejected] = []

    def done(self) -> bool:
        """Whether all items are settled."""
        return self._ack.done()

    def __await__(self) -> Generator[object, None, None]:
        return self._ack.__await__()

    def __repr__(self) -> str:
        return f"<Receipt for {self.items:,} items, {self._left:,} pending, {self.rejected:,} rejected>"

    # What the writer calls.

    @property
    def is_heard(self) -> bool:
        """Whether somebody has been told of the outcome, or waits to be."""
        return self._ack.is_heard

    def expect(self) -> None:
        """One more item is put."""
        self.items += 1
        self._left += 1

    def complete(self) -> None:
        """No more items come."""
        self._is_complete = True
        self._judge()

    def stored(self) -> None:
        """One item is stored."""
        self._left -= 1
        if self._is_complete:
            self._judge()

    def refused(self, error: AsyncLoaderError) -> None:
        """One item is rejected, or nobody will ever know."""
        self._left -= 1
        if not isinstance(error, ItemRejected):
            if not self._ack.done():
                self._ack.refused(error)
            return
        self.rejected += 1
        if len(self._errors) < self.NAMED:
            self._errors.append(error)
        if self._is_complete:
            self._judge()

    def _judge(self) -> None:
        if self._left or self._ack.done():
            return
        if self.rejected:
            words = f"{self.rejected:,} of {self.items:,} items were rejected"
            self._ack.refused(ExceptionGroup(words, self._errors))
        else:
            self._ack.stored()


NAMED = 1000
"""How many are kept one by one; of more, only their number."""


class Retrievable(Protocol):
    """An ack or receipt, which knows whether it has been awaited."""

    @property
    def is_heard(self) -> bool: ...


class UnretrievedRejections:
    """Rejections with their acks that nobody has awaited, the first ones first: they surface at a flush and at the end."""

    def __init__(self) -> None:
        self._kept: deque[tuple[ItemRejected, Retrievable]] = deque()
        self._others = 0

    def add(self, error: ItemRejected, ack: Retrievable) -> None:
        """An item was rejected; whether its ack will be awaited nobody knows yet."""
        if len(self._kept) >= 2 * NAMED:
            self._drop_retrieved()
        if len(self._kept) >= 2 * NAMED:
            self._others += 1
        else:
            self._kept.append((error, ack))

    def take(self) -> ExceptionGroup[ItemRejected] | None:
        """All that were never retrieved and that nobody waits for; they count as retrieved from now on."""
        self._drop_retrieved()
        # Puts that were replaced share the error of the one that replaced them.
        errors = list(dict.fromkeys(error for error, _ in self._kept))
        count = len(errors) + self._others
        self._kept.clear()
        self._others = 0
        if not count:
            return None
        shown = errors[:NAMED]
        words = "1 item was rejected" if count == 1 else f"{count:,} items were rejected"
        if count > len(shown):
            words += f"; the first {len(shown):,} of them"
        return ExceptionGroup(words, shown)

    def note_on(self, error: BaseException) -> None:
        """Add what nobody has retrieved as a note to an error that matters more."""
        rejected = self.take()
        if rejected is not None:
            error.add_note(f"asyncloader: besides, {rejected.message}; the first: {rejected.exceptions[0]}")

    def _drop_retrieved(self) -> None:
        self._kept = deque(pair for pair in self._kept if not pair[1].is_heard)
