"""The queue's answers and snapshots, as the messages that clients get."""

from dataclasses import asdict, replace

from speakkit.daemon.queue.actions import Answer, Busy, Placed, Rejected, Result, Snapshot, Stage, UtteranceState
from speakkit.daemon.speaking.job import ended
from speakkit.daemon.wire.messages import Accepted, ErrorReply, Finished, Listing
from speakkit.daemon.wire.protocol import Code

ROWS, SHOWN = 60, 60
"""Utterances in a listing at most, and characters of the text of one: a header has no more room."""

FULL = "too many utterances wait already; come again, or say --on-full wait"


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
            return ErrorReply(answer.id, Code(answer.code), "that id is another utterance's")


def listing(found: Snapshot, request_id: str | None) -> Listing:
    """The first ROWS utterances, and how many more there are."""
    rows = tuple(asdict(replace(row, text=row.text and row.text[:SHOWN])) for row in found.rows[:ROWS])
    more = max(0, len(found.rows) - ROWS)
    return Listing(rows, paused=found.paused, muted=found.muted, more=more, id=request_id)
