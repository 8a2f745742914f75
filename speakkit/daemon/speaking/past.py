"""How the last utterances ended, for clients that did not wait for them: listed, counted and logged."""

import logging
import time
from collections import Counter, deque
from collections.abc import Mapping

from msgspec import structs

from speakkit.daemon.queue.actions import Ended, Result
from speakkit.daemon.speaking.job import Job
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import EndedUtterance, Finished, History, Request

log = logging.getLogger(__name__)

ROWS = 32
"""Number of utterances that are kept."""

TEXT, REASON = 40, 88
"""Maximum characters that are kept of a text and of a reason, so that a header has room for all of them."""

WORDS = "lost_words"
"""Name of the count of lost words."""


class EndedUtterances:
    """The last ended utterances, and the number of all of them by result."""

    def __init__(self) -> None:
        self._rows: deque[EndedUtterance] = deque(maxlen=ROWS)
        self._counts: Counter[str] = Counter({result.value: 0 for result in Result} | {WORDS: 0})

    @property
    def counts(self) -> Mapping[str, int]:
        """Result -> number of utterances that ended so, and the number of lost words."""
        return dict(self._counts)

    def add(self, end: Ended, job: Job, finished: Finished) -> None:
        """Record an end. It is logged if no client waited for it, and not all of the text was spoken."""
        lost = len(finished.lost) if end.result is Result.played else 0
        reason = job.fault.message[:REASON] if job.fault and end.result is Result.failed else None
        text = job.request.text
        row = EndedUtterance(
            id=end.id,
            agent=end.agent,
            at=time.time(),
            result=end.result,
            characters=len(text),
            code=finished.code or end.code,
            lost=lost,
            detach=end.detach,
            text=text[:TEXT],
            reason=reason,
        )
        self._rows.append(row)
        self._counts[end.result.value] += 1
        self._counts[WORDS] += lost
        if end.detach and (lost or end.result not in (Result.played, Result.deduped)):
            about = f"{lost} words lost" if lost else row.code
            log.warning("detached utterance %s of %s: %s, %s", end.id, end.agent, end.result, about)

    async def show(self, connection: Connection, request: Request) -> None:
        """The operation `history`."""
        rows = (row if row.agent == connection.agent else _without_text(row) for row in self._rows)
        connection.post(History(tuple(rows), request.id))


def _without_text(row: EndedUtterance) -> EndedUtterance:
    """The row for another agent. The reason may quote the text."""
    return structs.replace(row, text=None, reason=None)
