"""Converts the queue's replies and snapshots to protocol messages."""

from dataclasses import asdict, replace

from speakkit.daemon.queue.actions import Answer, Busy, Placed, Rejected, Result, Snapshot, Stage, UtteranceState
from speakkit.daemon.speaking.job import ended
from speakkit.daemon.wire.messages import Accepted, ErrorReply, Finished, Listing
from speakkit.daemon.wire.protocol import Code

ROWS, SHOWN = 60, 60
"""Maximum utterances in a listing, and maximum characters of each text, so that a header has room for them."""

FULL = "the queue is full; try again later, or use --on-full wait"
"""Message of `Code.busy`."""


def reply(answer: Answer) -> Accepted | Finished | ErrorReply:
    """The message for the queue's answer to a request to speak."""
    match answer:
        case Placed() | UtteranceState(stage=Stage.waiting | Stage.playing):
            return Accepted(answer.id, answer.position, round(1000 * answer.eta))
        case UtteranceState():
            return ended(answer.id, answer.result or Result.failed, answer.code)
        case Busy():
            return ErrorReply(answer.id, Code.busy, FULL, answer.retry_ms)
        case Rejected():
            return ErrorReply(answer.id, Code(answer.code), "that id belongs to another utterance")


def listing(found: Snapshot, request_id: str | None) -> Listing:
    """The first ROWS utterances, and the number of the rest."""
    rows = tuple(asdict(replace(row, text=row.text and row.text[:SHOWN])) for row in found.rows[:ROWS])
    more = max(0, len(found.rows) - ROWS)
    return Listing(rows, paused=found.paused, muted=found.muted, more=more, id=request_id)
