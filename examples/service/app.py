"""A web service that stores the events it is sent: each request waits until DynamoDB has stored its very event.

Settings are environment variables, so that the service runs the same everywhere; see the README beside this file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field

from asyncloader import BatchWriter, ItemRejected, LoadFailed, RetrySettings, WriterClosed, WriterFull
from asyncloader.observe import hooks
from asyncloader.observe.logs import LogEvents

TABLE = os.environ.get("EVENTS_TABLE", "events")
ENDPOINT_URL = os.environ.get("EVENTS_ENDPOINT_URL")
TIMEOUT_S = float(os.environ.get("EVENTS_TIMEOUT_S", "2"))
"""A request waits no longer than this for its event to be stored."""
MAX_PENDING = int(os.environ.get("EVENTS_MAX_PENDING", "10000"))
"""Events that may wait for the table; beyond that the service says at once that it is busy."""
DRAIN_S = float(os.environ.get("EVENTS_DRAIN_S", "20"))
"""At a shutdown the pending events have so long to be stored. Less than what the platform waits before it kills."""


class Event(BaseModel):
    """One event; sent twice with the same `id` it is stored once."""

    id: str = Field(min_length=1, max_length=512)
    kind: str
    payload: dict[str, Any] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One writer for all requests, opened before the first and drained after the last."""
    async with BatchWriter(
        TABLE,
        endpoint_url=ENDPOINT_URL,
        max_pending_items=MAX_PENDING,
        retry=RetrySettings(cap_s=1.0),  # somebody waits: try again soon
        serializer=Event.model_dump,
        **hooks(LogEvents()),
    ) as writer:
        app.state.writer = writer
        yield
        async with asyncio.timeout(DRAIN_S):
            await writer.close()


app = FastAPI(title="events", lifespan=lifespan)


@app.post("/events", status_code=201)
async def post_event(event: Event, request: Request) -> dict[str, str]:
    """Store an event. 201: it is stored. 422: it can never be. 503: send it again, a little later."""
    writer: BatchWriter = request.app.state.writer
    try:
        ack = writer.put_nowait(event)
        async with asyncio.timeout(TIMEOUT_S):
            await ack
    except WriterFull:
        raise busy("too many events are waiting for the table") from None
    except TimeoutError:
        # It stays queued and may still be stored, which does no harm: the client sends it again under the same id.
        raise busy(f"not stored within {TIMEOUT_S:g} s") from None
    except ItemRejected as error:
        raise HTTPException(422, error.reason) from None
    except (LoadFailed, WriterClosed) as error:
        raise busy(str(error)) from None
    return {"id": event.id}


@app.get("/health")
async def health(request: Request, response: Response) -> dict[str, Any]:
    """What the writer is doing; 503 once it takes nothing more."""
    stats = request.app.state.writer.stats()
    response.status_code = 200 if stats.is_open else 503
    told: dict[str, Any] = stats.as_dict()
    return told


def busy(why: str) -> HTTPException:
    """The answer that tells a client to come back."""
    return HTTPException(503, why, {"Retry-After": "1"})
