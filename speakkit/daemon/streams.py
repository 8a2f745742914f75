"""Sounds that are sent to clients as they are made, in place of being played: each gets a piece in turn."""

from collections import deque
from collections.abc import Iterator

from speakkit.daemon import messages
from speakkit.daemon.connection import HIGH_WATER, Connection
from speakkit.daemon.effects import Result
from speakkit.daemon.protocol import PCM, Code
from speakkit.daemon.sound import Sound
from speakkit.playback import pcm


class Streams:
    """All that are under way. A client that leaves too much of it is passed over until it has taken some."""

    def __init__(self) -> None:
        self._all: deque[tuple[Sound, Connection]] = deque()

    def __len__(self) -> int:
        return len(self._all)

    def of(self, connection: Connection) -> Iterator[Sound]:
        """Those of a client."""
        return (sound for sound, client in self._all if client is connection)

    def add(self, sound: Sound, connection: Connection) -> None:
        """Send a sound from its beginning; what is made already is sent at once."""
        sent = 0

        def take(piece: bytes) -> None:
            nonlocal sent
            for at in range(0, len(piece), PCM):
                connection.post(messages.Audio(sound.name, sent, pcm.RATE, piece[at : at + PCM], "f32le"))
                sent += 1

        sound.take, sound.wants = take, lambda: connection.backlog < HIGH_WATER
        if sound.is_over:
            for piece in sound.pieces or ():
                take(piece)
            connection.post(sound.finished(Result.played))
        else:
            self._all.append((sound, connection))

    def next(self) -> Sound | None:
        """Whose turn it is, of those who want another piece."""
        for _ in range(len(self._all)):
            self._all.rotate(-1)
            if self._all[-1][0].wants():
                return self._all[-1][0]
        return None

    def made(self, sound: Sound) -> None:
        """It has come to its end."""
        for found, client in tuple(self._all):
            if found is sound:
                self._all.remove((found, client))
                client.post(sound.finished(Result.failed if sound.fault else Result.played))

    def cancel(self, name: str, connection: Connection) -> bool:
        """End one of a client. Returns whether there was one."""
        for sound in tuple(self.of(connection)):
            if sound.name == name:
                self._all.remove((sound, connection))
                connection.post(sound.finished(Result.skipped))
                return True
        return False

    def leave(self, connection: Connection) -> None:
        """A client has gone."""
        self._all = deque(stream for stream in self._all if stream[1] is not connection)

    def fail(self) -> None:
        """End all: the daemon does."""
        for sound, client in self._all:
            client.fail(sound.name, Code.shutting_down, "the daemon ends")
        self._all.clear()
