"""The process that recognizes speech, and the order of its work: first come, first served."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from speakkit.daemon.transcription.order import Order
from speakkit.daemon.wire.transcription import Recognition
from speakkit.errors import EngineError
from speakkit.workers.worker import Limits, Worker

log = logging.getLogger(__name__)

PLACE = "speakkit.daemon.transcription.worker:load"
"""What the worker process loads, as `module:function`."""

NICENESS = 10
"""Niceness of the process. Beside it, threads of the voice get nine tenths of a core that both need."""

LIMITS = Limits(silence_s=60.0, cpu_s=600.0, cpu_per_audio_s=20.0, wall_s=1800.0, deaths=3)
"""Limits of the process.

The largest recognizer takes minutes of processor time for any clip, since it reads a whole window even if the clip is
short. There is no limit of memory, because recognizers differ by a factor of 50.
"""


class Recognizer:
    """One worker process, which takes one clip at a time. It is started when needed, and ended when it was unused."""

    def __init__(self, keep_alive: float, place: str = PLACE, limits: Limits = LIMITS) -> None:
        """keep_alive: seconds without a clip after which the process is ended; negative for never."""
        self._keep_alive, self._place, self._limits = keep_alive, place, limits
        self._worker: Worker | None = None
        self._thread = ThreadPoolExecutor(1, "recognizer")
        self._expected = 0  # clips that are waiting or being recognized, dropped ones too
        self._timer: asyncio.TimerHandle | None = None

    @property
    def status(self) -> Mapping[str, Any]:
        """Status of the process. recognizer: its id, or None; recognizer_bytes: memory after its last answer."""
        worker = self._worker
        return {"recognizer": worker.pid if worker else None, "recognizer_bytes": worker.resident if worker else 0}

    async def recognize(self, order: Order) -> Recognition:
        """What the process recognized, after the clips before this one. Raises as `Worker.request`.

        If it is cancelled, a clip that is being recognized is finished and dropped: the process stays loaded, and a
        clip is short.
        """
        if self._timer:
            self._timer.cancel()
        self._worker = worker = self._worker or Worker(self._place, NICENESS, self._limits)
        self._expected += 1
        future = self._thread.submit(_asked, worker, order)
        future.add_done_callback(partial(self._done, asyncio.get_running_loop()))
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """End the process, also while it recognizes a clip."""
        self._keep_alive = -1.0
        if self._timer:
            self._timer.cancel()
        if self._worker:
            await asyncio.to_thread(self._worker.close)
        self._thread.shutdown(wait=False)

    def _done(self, loop: asyncio.AbstractEventLoop, _: object) -> None:
        """Called on any thread when a clip was recognized, or left out."""
        with suppress(RuntimeError):  # the loop is closed, because the daemon ends
            loop.call_soon_threadsafe(self._rest)

    def _rest(self) -> None:
        """Once no clip is left, end the process after `keep_alive` seconds, unless another one comes."""
        self._expected -= 1
        if not self._expected and self._keep_alive >= 0:
            self._timer = asyncio.get_running_loop().call_later(self._keep_alive, self._unload)

    def _unload(self) -> None:
        worker, self._worker = self._worker, None
        if worker:
            log.info("unloads the recognizer after %g s without use", self._keep_alive)
            self._thread.submit(worker.close)


def _asked(worker: Worker, order: Order) -> Recognition:
    """The reply to an order. Raises EngineError if it is not one."""
    answer = list(worker.request(order, Recognition, order.seconds))
    if len(answer) != 1:
        raise EngineError("the recognizer sent an invalid reply")
    return answer[0]
