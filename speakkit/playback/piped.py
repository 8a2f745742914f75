"""Sinks that play through a program: samples are written to the standard input of `pacat` or `aplay`."""

import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from speakkit.errors import NoAudioDevice
from speakkit.playback import environment, pcm
from speakkit.playback.portaudio import INSTEAD

STALLED = 2.0
"""Seconds without reading a sample after which a program counts as hung."""

SOON = 0.05
"""Timeout in seconds for a program to end after it closed its pipe."""

PIPE = 4096
"""Size of the pipe in bytes, the minimum. Its content, 43 ms of audio, adds to the latency."""

LEAST_LATENCY = 0.1
"""Lowest latency in seconds, without the pipe. With four busy processes on two cores, 0.06 had gaps, 0.08 had none."""

APLAY = (
    *("aplay", "--quiet", "--file-type=raw"),
    *("--format=FLOAT_LE", "--channels=1", f"--rate={pcm.RATE}"),
)
"""Command line of `aplay` for samples in the format of `pcm`."""


class Program:
    """Sink that plays through a program. When its pipe is closed, the program plays the pipe's content to the end.

    name: the program
    latency: seconds between writing a sample and hearing it, the pipe included
    underruns: always 0, because the programs do not report them; see `Output`
    """

    underruns = 0

    def __init__(self, command: Sequence[str], latency: float) -> None:
        """Raises NoAudioDevice if the program cannot be started.

        command: command line of a program that reads samples from its standard input
        latency: seconds between writing a sample and hearing it, the pipe included
        """
        self.name = command[0]
        self.latency = latency
        self._last_words = tempfile.TemporaryFile()  # noqa: SIM115  closed in `_end`
        try:
            self._process = subprocess.Popen(
                command,
                env=environment.inherited() | {"LC_ALL": "C"},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._last_words,
                pipesize=PIPE,
                process_group=0,  # a Ctrl-C in the terminal must not reach it
            )
        except OSError as error:
            self._last_words.close()
            raise NoAudioDevice(f"no sound: {self.name} cannot be started; install it, or {INSTEAD}") from error
        assert self._process.stdin
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        self._room = select.poll()
        self._room.register(self._pipe, select.POLLOUT)

    def write(self, sound: bytes) -> None:
        rest = memoryview(sound)
        while rest:
            if not self._room.poll(STALLED * 1000):
                raise self._lost("does not accept audio any more")
            try:
                rest = rest[os.write(self._pipe, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._lost("ended") from None

    def abort(self) -> None:
        self._process.kill()
        self._end()

    def close(self) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self.latency + STALLED)
        self.abort()

    def _end(self) -> None:
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STALLED)
        self._last_words.close()

    def _lost(self, what: str) -> NoAudioDevice:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SOON)
        self._last_words.seek(0)
        lines = self._last_words.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"{self.name} {what}"
        return NoAudioDevice(f"no sound: {reason}; start PulseAudio or PipeWire, or {INSTEAD}")


def pacat(latency: float) -> Program:
    """Sink for PulseAudio, PipeWire and WSLg, through pacat. Raises NoAudioDevice if that is not installed."""
    _require("pacat", "pulseaudio-utils")
    server = max(latency, LEAST_LATENCY)
    form = (f"--rate={pcm.RATE}", "--channels=1", "--format=float32le", "--raw")
    names = ("--client-name=speakkit", "--stream-name=speech")
    command = ["pacat", "--playback", *form, *names, f"--latency-msec={server * 1e3:.0f}"]
    return Program(command, server + pcm.duration(PIPE))


def aplay(latency: float) -> Program:
    """Sink for ALSA, through aplay. Raises NoAudioDevice if that is not installed."""
    _require("aplay", "alsa-utils")
    server = max(latency, LEAST_LATENCY)
    return Program([*APLAY, f"--buffer-time={server * 1e6:.0f}"], server + pcm.duration(PIPE))


def pacat_device() -> str:
    """The name of the sound server's default sink. Raises NoAudioDevice without pacat or a server."""
    _require("pacat", "pulseaudio-utils")
    said = _said(["pactl", "info"])
    sinks = [line.partition(": ")[2] for line in said.splitlines() if line.startswith("Default Sink: ")]
    return f"{sinks[0] if sinks else 'default'}, through pacat"


def aplay_device() -> str:
    """A name for ALSA's default device, which cannot be queried. Raises NoAudioDevice if it cannot be opened."""
    _require("aplay", "alsa-utils")
    _said([*APLAY, os.devnull])
    return "default, through aplay"


def _said(command: Sequence[str]) -> str:
    try:
        return subprocess.run(
            command,
            env=environment.inherited() | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=STALLED,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise NoAudioDevice(
            f"no sound: {command[0]} finds no device to play on; start PulseAudio or PipeWire, or {INSTEAD}"
        ) from error


def _require(program: str, package: str) -> None:
    if not shutil.which(program):
        raise NoAudioDevice(
            f"no sound: {program} is not installed; install it (Debian: apt install {package}), or {INSTEAD}"
        )
