"""The recognizer of the daemon, which stays loaded between commands, as a recognizer of this process."""

import re
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from speakkit.audio import Audio
from speakkit.daemon.wire import client, transcription
from speakkit.daemon.wire.client import Client
from speakkit.daemon.wire.messages import AGENT, Transcribed
from speakkit.daemon.wire.protocol import PCM
from speakkit.daemon.wire.transcription import LONGEST, MOST, RATE, SHARED, Recognition
from speakkit.errors import DaemonError, SpeakkitError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.transcript import Transcript, joined
from speakkit.workers.frames import Frame

SINCE = (1, 2)
"""Version of the protocol that has `transcribe`."""


class DaemonRecognizer:
    """An `engines.base.Recognizer` that has clips recognized by the daemon. Use it as a context manager, or close it.

    identity, device: those of the daemon's recognizer, once it has recognized a clip; before that, those requested
    """

    def __init__(self, daemon: Client, name: str = "", device: str = "auto") -> None:
        """name: of the recognizer; "" for the default of the device."""
        self.identity, self.device = Identity(name), device
        self._daemon, self._name, self._requested = daemon, name, device

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, which cancels a transcription that has not ended."""
        self._daemon.close()

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """See `engines.base.Recognizer`. The clips may have any length: longer ones than LONGEST are cut at pauses.

        An error is RequestRefused, or `client.Gone` if the daemon ends.
        """
        for clip in clips:
            try:
                yield Outcome(clip, self._transcript(clip, language))
            except SpeakkitError as error:
                yield Outcome(clip, error=error)

    def _transcript(self, clip: Audio, language: str | None) -> Transcript:
        """The transcript of one clip of any length. Raises as `Client.events`."""
        if len(clip.samples) > LONGEST * clip.sample_rate:
            from speakkit.engines import pauses  # noqa: PLC0415  it loads a network, which short clips do not need

            return joined(list(pauses.transcribe([clip], self, language)))
        samples = clip.resampled(RATE).samples[:MOST]  # the resampler may round up
        found = self._recognized(samples.astype("<f4").tobytes(), language)
        self.identity, self.device = found.identity, found.device
        return found.transcript

    def _recognized(self, sound: bytes, language: str | None) -> Recognition:
        """What the daemon recognizes in float32 samples at RATE. Raises as `Client.events`."""
        samples = len(sound) // transcription.SAMPLE
        name = self._daemon.ask(
            "transcribe", recognizer=self._name, device=self._requested, language=language, samples=samples
        )
        for at in range(0, len(sound), PCM):
            self._daemon.send(Frame({"op": "pcm", "id": name}, sound[at : at + PCM]))
        for event in self._daemon.events(name):
            if isinstance(event, Transcribed):
                return transcription.decoded(event.payload)
        raise DaemonError("the daemon sent no transcript; try again")


def running(name: str = "", device: str = "auto", agent: str = AGENT) -> DaemonRecognizer | None:
    """The recognizer `name` of the daemon; "" for the default of the device.

    None if no daemon runs, if it is of an older version that is in use, or if recognizers of that name are not shared,
    since they are opened by a path or a command. It starts no daemon. Raises DaemonError as `client.connect` does.
    """
    if not re.fullmatch(SHARED, name):
        return None
    found = client.running(agent, "transcribe")
    if found is None:
        return None
    if _numbers(found.greeting.proto) < SINCE:
        found.close()
        return None
    return DaemonRecognizer(found, name, device)


def _numbers(proto: str) -> tuple[int, ...]:
    """The numbers of a protocol version."""
    return tuple(map(int, re.findall(r"\d+", proto)))
