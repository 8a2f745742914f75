"""An order carried out in this process, in turn with nobody."""

from __future__ import annotations

import gc
import logging
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from speakkit import config
from speakkit.cli import output, text_input
from speakkit.cli.request import LONG, LostWord, Receipt, checked_target
from speakkit.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakkit.audiofile import Sink
    from speakkit.cli.request import SpeakRequest
    from speakkit.speech.captions import Recorder
    from speakkit.speech.synthesize import Speaker
    from speakkit.text.chunks import Token
    from speakkit.voices import Voice

log = logging.getLogger(__name__)


def carry_out(order: SpeakRequest) -> Receipt:
    """Load what is needed, and speak."""
    # Imported when something is to be spoken: they take longer to load than --help may take in all.
    from speakkit.engines import registry  # noqa: PLC0415
    from speakkit.speech import captions, synthesize  # noqa: PLC0415

    registry.require(order.engine)
    config.checked_speed(order.speed)
    voice = synthesize.find_voice(order.voice, order.lang)
    registry.require_language(voice.language)
    with ExitStack() as stack:
        open_sinks = _checked_sinks(order)
        fetch_weights(voice, quiet=order.quiet)
        lent = synthesize.speaker(voice, engine=order.engine, device=order.device, threads=order.threads)
        speaker = stack.enter_context(lent)
        gc.freeze()  # else the collector would go through all that was loaded once more at the end
        # Opened first, to be written last, when nothing can be interrupted any more.
        recorder = stack.enter_context(captions.file(order.captions, order.text)) if order.captions else None
        sinks = [stack.enter_context(sink) for sink in open_sinks(speaker.synthesizer.identity.sample_rate)]
        seconds, chunks, lost = _speak_into(sinks, recorder, speaker, order)
    return Receipt(
        seconds=seconds,
        voice=voice.name,
        language=voice.language,
        engine=speaker.synthesizer.identity.name,
        weights=speaker.synthesizer.identity.weights,
        threads=speaker.threads,
        chunks=chunks,
        lost=tuple(LostWord(token.text, token.start) for token in lost),
    )


def _checked_sinks(order: SpeakRequest) -> Callable[[int], list[AbstractContextManager[Sink]]]:
    """Refuse now what could not be written or played later; how to open the sinks once the sample rate is known."""
    from speakkit import audiofile  # noqa: PLC0415
    from speakkit.playback.blocking_sink import BlockingSink  # noqa: PLC0415
    from speakkit.speech import captions  # noqa: PLC0415

    target = order.target
    audio_format = checked_target(target, order.audio_format, force=order.force) if target is not None else ""
    if order.captions is not None:
        captions.check_target(order.captions, force=order.force)
        if target is not None and Path(target).resolve() == Path(order.captions).resolve():
            raise BadValue(f"the speech and its captions cannot both be written to {target}")
    aloud = [BlockingSink(config.load().sink)] if order.play else []

    def open_sinks(sample_rate: int) -> list[AbstractContextManager[Sink]]:
        file = [audiofile.sink(target, audio_format, sample_rate)] if target is not None else []
        return [*file, *aloud]

    return open_sinks


def fetch_weights(voice: Voice, *, quiet: bool) -> None:
    """Fetch what `voice` needs, with a progress bar, where it is not there yet."""
    from speakkit.engines import hub, voice_packs  # noqa: PLC0415

    with output.progress(wanted=not quiet) as report:
        hub.ensure("kokoro", report)
        voice_packs.ensure(voice, report)


def _speak_into(
    sinks: list[Sink], recorder: Recorder | None, speaker: Speaker, order: SpeakRequest
) -> tuple[float, int, list[Token]]:
    """Speak into every sink, and tell the recorder. Returns seconds, chunks and the lost words, each of them named."""
    from speakkit.speech import synthesize  # noqa: PLC0415

    kind = text_input.markup(order.text, order.file, raw=order.raw)
    seconds, chunks = 0.0, 0
    lost: list[Token] = []
    with output.progress(wanted=not order.quiet and len(order.text) > LONG) as report:
        for segment in speaker.segments(order.text, speed=order.speed, seed=order.seed, markup=kind):
            for sink in sinks:
                sink.write(segment.audio)
            if recorder:
                recorder.add(segment)
            seconds += segment.audio.duration
            chunks += 1
            lost += segment.chunk.lost
            report(f"speaking with {order.engine}", segment.chunk.tokens[-1].start, len(order.text))
    for token in lost:
        log.warning("%s", synthesize.lost_word(token, order.voice))
    return seconds, chunks, lost
