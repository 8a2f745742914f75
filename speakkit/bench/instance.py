"""A bench instance, which runs in its own process and synthesizes the same text to files repeatedly.

It responds to a `Speak` request with a `Spoken` for each completed file, and to a `Read` request with `Facts`.
"""

import atexit
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from itertools import islice, takewhile
from pathlib import Path

from speakkit import audiofile, config
from speakkit.bench.messages import SHOWN, Facts, Read, Setup, Speak, Spoken, Work
from speakkit.engines import locations
from speakkit.speech import synthesize
from speakkit.speech.stages import Stages
from speakkit.speech.synthesize import Speaker
from speakkit.speech_request import Markup, SpeechRequest
from speakkit.text.chunks import Delivery


def load(setup: Setup) -> Callable[[Speak | Read], Iterator[Spoken | Facts]]:
    """The request handler of a worker process. Raises the errors of `synthesize.speaker`."""
    locations.use(config.locations)
    lent = ExitStack()
    atexit.register(lent.close)
    speaker = synthesize.speaker(_request(setup), batch=setup.batch, bulk=setup.bulk)
    return Instance(setup, lent.enter_context(speaker)).answer


def _request(setup: Setup, text: str = "", seed: int = 0) -> SpeechRequest:
    return SpeechRequest(
        text=text,
        voice=setup.voice,
        lang=setup.language or "",
        speed=setup.speed,
        seed=seed,
        engine=setup.engine,
        device=setup.device,
        threads=setup.threads,
        markup=Markup.PLAIN,
    )


class Instance:
    """A loaded speaker, and the handlers of its requests."""

    def __init__(self, setup: Setup, speaker: Speaker) -> None:
        self._setup = setup
        self._speaker = speaker

    def answer(self, asked: Speak | Read) -> Iterator[Spoken | Facts]:
        """The responses to a request."""
        if isinstance(asked, Read):
            yield self.facts(asked.text)
        else:
            yield from self.speak(asked.text, asked.work)

    def facts(self, text: str) -> Facts:
        """The properties of this instance, and the time of its text processing of `text`."""
        from speakkit.engines import device  # noqa: PLC0415  the parent imports this module too, and needs no torch

        began = time.perf_counter()
        delivery = Delivery(self._speaker.voice, self._setup.speed, 0)
        plan = self._speaker.reader.plan(text, delivery, Markup.PLAIN, self._speaker.synthesizer.limits)
        planned = list(plan.chunks)
        g2p = time.perf_counter() - began
        lost = [token.text for chunk in planned for token in chunk.lost]
        found = device.describe(self._setup.device)
        return Facts(
            weights=self._speaker.synthesizer.identity.weights,
            device=found.device,
            gpu=found.gpu,
            torch=found.version,
            threads=self._speaker.threads,
            g2p=g2p,
            chunks=len(planned),
            lost=tuple(lost[:SHOWN]),
            processes=self._speaker.processes,
        )

    def speak(self, text: str, work: Work) -> Iterator[Spoken]:
        """Run the requests of `work`; yields the result of each one when it is complete."""
        until = time.monotonic() + (float("inf") if work.seconds is None else work.seconds)
        seeds = takewhile(lambda _: time.monotonic() < until, range(work.seed, work.seed + work.count))

        def request(seed: int) -> Spoken:
            return self._request(text, seed, work.folder)

        yield from _some_at_once(request, seeds, work.concurrency)

    def _request(self, text: str, seed: int, folder: Path) -> Spoken:
        file = folder / f"{seed}.wav"
        first, audio = 0.0, 0.0
        began = time.perf_counter()
        stages = Stages()
        rate = self._speaker.synthesizer.identity.sample_rate
        with audiofile.sink(str(file), "wav", rate) as encoder, audiofile.behind(stages.sink(encoder)) as out:
            segments = self._speaker.segments(_request(self._setup, text, seed), stages=stages)
            for segment in stages.spoken(segments):
                first = first or time.perf_counter() - began
                out.write(segment.audio)
                audio += segment.audio.duration
        seconds = time.perf_counter() - began
        file.unlink()
        return Spoken(seconds, first, audio, stages.reading, max(0.0, stages.speaking), stages.writing)


def _some_at_once(request: Callable[[int], Spoken], seeds: Iterable[int], concurrency: int) -> Iterator[Spoken]:
    """The results of all requests in the order of completion, with `concurrency` requests in progress at a time."""
    waiting = iter(seeds)
    with ThreadPoolExecutor(concurrency) as pool:
        running = {pool.submit(request, seed) for seed in islice(waiting, concurrency)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(request, seed) for seed in islice(waiting, len(done))}
            for future in done:
                yield future.result()
