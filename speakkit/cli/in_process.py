"""Speak a request in this process, without the daemon and its queue."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from typing import TYPE_CHECKING

from speakkit import audiofile, config
from speakkit.cli import output, targets, weights
from speakkit.cli.request import LONG, LostWord, Receipt, SpeakOutput, bulk, warn
from speakkit.engines import registry
from speakkit.playback.blocking_sink import BlockingSink
from speakkit.speech import captions, synthesize

if TYPE_CHECKING:
    from speakkit.audiofile import Sink
    from speakkit.speech.captions import Recorder
    from speakkit.speech.synthesize import Speaker
    from speakkit.speech_request import SpeechRequest
    from speakkit.text.chunks import Token


def carry_out(request: SpeechRequest, out: SpeakOutput) -> Receipt:
    """Load the engines, write and play the speech, and return its receipt. Raises SpeakkitError."""
    registry.require(request.engine)
    config.checked_speed(request.speed)
    voice = synthesize.voice_of(request)
    registry.require_language(voice.language)
    audio_format = targets.check(out)
    with ExitStack() as stack:
        weights.fetch([voice], quiet=out.quiet)
        speaker = stack.enter_context(synthesize.speaker(request, bulk=bulk(request, out)))
        gc.freeze()  # else the garbage collector would scan all loaded objects once more at exit
        # Opened first and thus written last, after the audio is complete.
        recorder = None
        if out.captions is not None:
            recorder = stack.enter_context(captions.file(out.captions, request.text, force=out.force))
        sinks: list[Sink] = []
        if out.target is not None:
            rate = speaker.synthesizer.identity.sample_rate
            sink = stack.enter_context(audiofile.sink(out.target, audio_format, rate, force=out.force))
            sinks.append(sink if out.is_awaited else stack.enter_context(audiofile.behind(sink)))
        if out.play:
            sinks.append(stack.enter_context(BlockingSink(config.load().sink)))
        seconds, chunks, lost = _speak_into(sinks, recorder, speaker, request, quiet=out.quiet)
    identity = speaker.synthesizer.identity
    return Receipt(
        seconds=seconds,
        voice=voice.name,
        language=voice.language,
        engine=identity.name,
        weights=identity.weights,
        threads=speaker.threads,
        chunks=chunks,
        lost=tuple(LostWord(token.text, token.start) for token in lost),
    )


def _speak_into(
    sinks: list[Sink], recorder: Recorder | None, speaker: Speaker, request: SpeechRequest, *, quiet: bool
) -> tuple[float, int, list[Token]]:
    """Write the speech to all sinks and to the recorder.

    Returns its duration in seconds, its number of chunks, and its lost words.
    """
    seconds, chunks = 0.0, 0
    lost: list[Token] = []
    with output.progress(wanted=not quiet and len(request.text) > LONG) as report:
        for segment in speaker.segments(request):
            warn(segment.warnings)
            for sink in sinks:
                sink.write(segment.audio)
            if recorder:
                recorder.add(segment)
            seconds += segment.audio.duration
            chunks += 1
            lost += segment.chunk.lost
            report(f"speaking with {request.engine}", segment.chunk.tokens[-1].start, len(request.text))
    warn(tuple(synthesize.lost_word(token, request.voice or speaker.voice.name) for token in lost))
    return seconds, chunks, lost
