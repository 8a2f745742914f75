"""The files that `speak` writes: checked before anything is spoken, and written whole or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from speakkit import audiofile
from speakkit.audio import Audio
from speakkit.audiofile import Sink
from speakkit.cli import output
from speakkit.cli.request import Output, check_terminal
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.wire.messages import AudioChunk, Event, Finished, SpokenWord
from speakkit.errors import BadValue, DaemonError
from speakkit.playback import pcm
from speakkit.speech import captions
from speakkit.speech.captions import Captions
from speakkit.speech.timestamps import TimedWord


def check(out: Output) -> str:
    """The format of the audio file, or "". Raises BadValue or StorageError for what could not be written later."""
    audio_format = ""
    if out.target is not None:
        audio_format = audiofile.format_of(out.target, out.audio_format)
        check_terminal(out.target)
        if out.target != audiofile.STDOUT:
            audiofile.check_target(out.target, force=out.force)
    if out.captions is not None:
        captions.check_target(out.captions, force=out.force)
        if out.target is not None and Path(out.target).resolve() == Path(out.captions).resolve():
            raise BadValue(f"the speech and its captions cannot both be written to {out.target}")
    return audio_format


def record(events: Iterable[Event], target: str | None, audio_format: str = "", told: str = "") -> Finished:
    """Write the samples among the daemon's `events` to `target`, and return the last event.

    target: None to drop the samples; told: what the progress bar says, "" for no bar
    Nothing is written if the speech failed. Raises DaemonError if there is no last event, StorageError.
    """
    try:
        with _sink(target, audio_format) as out, output.progress(wanted=bool(told)) as report:
            for event in events:
                if isinstance(event, AudioChunk):
                    out.write(Audio(np.frombuffer(event.payload, "<f4"), event.rate))
                    report(told, event.seq, None)
                elif isinstance(event, Finished):
                    _require_speech(event)
                    return event
    except _Failed as failed:
        return failed.event
    raise DaemonError("the daemon did not say how it ended")


def _require_speech(event: Finished) -> None:
    if event.result is Result.failed:
        raise _Failed(event)


def write_captions(target: str, text: str, end: Finished) -> None:
    """Write the words of `text`, as they were spoken, to a caption file. Raises BadValue; StorageError."""
    words = tuple(_timed(word, text) for word in end.words)
    captions.write(target, Captions(text, words, end.audio_ms / 1000))


class _Failed(Exception):
    """Takes a failed end out of the block that would else put the file in its place."""

    def __init__(self, event: Finished) -> None:
        self.event = event


class _Nothing:
    """Sink that drops what it is given."""

    def write(self, audio: Audio) -> None:
        """See `audiofile.Sink`."""


@contextmanager
def _sink(target: str | None, audio_format: str) -> Iterator[Sink]:
    if target is None:
        yield _Nothing()
        return
    with audiofile.sink(target, audio_format, pcm.RATE) as sink:
        yield sink


def _timed(word: SpokenWord, text: str) -> TimedWord:
    shown = text[word.start : word.end] if word.text is None else word.text
    return TimedWord(shown, word.begins, word.ends, word.start, word.spaced)
