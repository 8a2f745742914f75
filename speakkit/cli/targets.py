"""The output files of `speak`: checked before synthesis, and written whole or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from speakkit import audiofile
from speakkit.audio import Audio
from speakkit.audiofile import Sink
from speakkit.cli import output
from speakkit.cli.request import SpeakOutput, check_terminal
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.wire.messages import AudioChunk, Event, Finished, SpokenWord
from speakkit.errors import BadValue, DaemonError
from speakkit.playback import pcm
from speakkit.speech import captions
from speakkit.speech.captions import Captions
from speakkit.speech.timestamps import TimedWord


def check(out: SpeakOutput) -> str:
    """Check that the files of `out` can be written. Returns the audio format, or "" if there is no audio file.

    Raises BadValue or StorageError if a file could not be written later.
    """
    audio_format = ""
    if out.target is not None:
        audio_format = audiofile.format_of(out.target, out.audio_format)
        check_terminal(out.target)
        if out.target != audiofile.STDOUT:
            audiofile.check_target(out.target, force=out.force)
    if out.captions is not None:
        captions.check_target(out.captions, force=out.force)
        if out.target is not None and os.path.realpath(out.target) == os.path.realpath(out.captions):
            raise BadValue(f"the speech and its captions cannot both be written to {out.target}")
    return audio_format


def record(events: Iterable[Event], out: SpeakOutput, audio_format: str = "", told: str = "") -> Finished:
    """Write the samples of the daemon's `events` to `out.target`, if it is set, and return the final event.

    told: description for the progress bar; "" for no bar
    If the speech failed, nothing is written.
    Raises DaemonError if there is no final event, and StorageError if the file cannot be written.
    """
    try:
        with _sink(out, audio_format) as sink, output.progress(wanted=bool(told)) as report:
            for event in events:
                if isinstance(event, AudioChunk):
                    sink.write(Audio(np.frombuffer(event.payload, "<f4"), event.rate))
                    report(told, event.seq, None)
                elif isinstance(event, Finished):
                    _require_speech(event)
                    return event
    except _Failed as failed:
        return failed.event
    raise DaemonError("the daemon sent no result; try again")


def _require_speech(event: Finished) -> None:
    if event.result is Result.failed:
        raise _Failed(event)


def write_captions(out: SpeakOutput, text: str, end: Finished) -> None:
    """Write the word timestamps of the final event `end` to the caption file of `out`, if it has one.

    text: the source text
    Raises the errors of `captions.write`.
    """
    if out.captions is not None:
        words = tuple(_timed(word, text) for word in end.words)
        captions.write(out.captions, Captions(text, words, end.audio_ms / 1000), force=out.force)


class _Failed(Exception):
    """Carries the final event of failed speech out of the `with` block, so that the file is discarded."""

    def __init__(self, event: Finished) -> None:
        self.event = event


class _Nothing:
    """A sink that discards all audio."""

    def write(self, audio: Audio) -> None:
        """Discard a piece of audio."""


@contextmanager
def _sink(out: SpeakOutput, audio_format: str) -> Iterator[Sink]:
    if out.target is None:
        yield _Nothing()
        return
    with audiofile.sink(out.target, audio_format, pcm.RATE, force=out.force) as sink:
        yield sink


def _timed(word: SpokenWord, text: str) -> TimedWord:
    shown = text[word.start : word.end] if word.text is None else word.text
    return TimedWord(shown, word.begins, word.ends, word.start, word.spaced)
