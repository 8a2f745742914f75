"""`speakkit voices preview`: play or write a sample sentence of each voice."""

from collections.abc import Iterator
from contextlib import ExitStack

from speakkit import audiofile, config
from speakkit import voices as table
from speakkit.audio import silence
from speakkit.audiofile import Sink
from speakkit.cli import output, weights
from speakkit.errors import ExitCode
from speakkit.playback import pcm
from speakkit.playback.blocking_sink import BlockingSink
from speakkit.speech import synthesize
from speakkit.speech.synthesize import Utterance, lost_word
from speakkit.speech_request import Markup, SpeechRequest
from speakkit.text.chunks import Token
from speakkit.voices import Voice

PAUSE = 0.5
"""Seconds of silence after each voice."""


def preview(names: list[str], text: str | None, target: str | None, *, force: bool) -> ExitCode:
    """Play a sample of each voice, one after another, or write them to the file `target`. Returns the exit code.

    text: the text of all samples; None for a sentence of each voice's language
    force: overwrite an existing file that is not audio
    Raises SpeakkitError.
    """
    found = [synthesize.find_voice(name) for name in names]
    if target is not None:
        audio_format = audiofile.format_of(target, None)
        audiofile.check_target(target, force=force)
    with ExitStack() as stack:
        sink: Sink
        if target is not None:
            sink = stack.enter_context(audiofile.sink(target, audio_format, pcm.RATE, force=force))
        else:
            sink = stack.enter_context(BlockingSink(config.load().sink))
        lost = [token for spoken in _utterances(found, text) for token in _written(spoken, sink)]
    return ExitCode.LOST_WORDS if lost else ExitCode.DONE


def _utterances(found: list[Voice], text: str | None) -> Iterator[Utterance]:
    weights.fetch(found)
    settings = config.load()
    for voice in found:
        request = SpeechRequest(
            text=table.SAMPLES[voice.language] if text is None else text,
            voice=voice.name,
            device=settings.device.value,
            threads=settings.threads,
            markup=Markup.PLAIN,
        )
        with synthesize.speaker(request) as speaker:
            yield speaker.utterance(request)


def _written(spoken: Utterance, sink: Sink) -> tuple[Token, ...]:
    """Write an utterance, print its duration and its lost words, and return the lost words."""
    sink.write(spoken.audio)
    sink.write(silence(PAUSE, spoken.audio.sample_rate))
    output.say(f"{spoken.voice}: {spoken.audio.duration:.1f} s of {spoken.segments[0].chunk.language}")
    for token in spoken.lost:
        output.say(lost_word(token, spoken.voice))
    return spoken.lost
