"""Messages between the daemon and the process that recognizes speech. The reply is a `Recognition`."""

import msgspec

from speakkit.daemon.wire.transcription import RATE, SAMPLE, Transcribe


class Order(msgspec.Struct, frozen=True):
    """Order to recognize a clip. sound: float32 samples at RATE."""

    wish: Transcribe
    sound: bytes

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return len(self.sound) / SAMPLE / RATE
