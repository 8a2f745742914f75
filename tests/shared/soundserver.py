"""A sound server for a test, and a recorder of what it plays."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speakkit.playback import pcm
from waiting import PATIENCE, wait_until

Samples = NDArray[np.float32]
"""Float32 samples at pcm.RATE, of shape [n]."""


class Ear:
    """A recording in progress; a call returns the float32 samples so far, of shape [n]."""

    def __init__(self, capture: Path) -> None:
        self.capture = capture

    def __call__(self) -> Samples:
        raw = self.capture.read_bytes()
        return np.frombuffer(raw[: len(raw) // 4 * 4], "<f4")

    def born(self) -> float:
        """Return the time of the first recorded sample in seconds of time.monotonic(), at most a few ms late.

        Watches the growing recording for 0.3 s.
        """
        begun, born = time.monotonic(), float("inf")
        while (now := time.monotonic()) < begun + 0.3:
            born = min(born, now - pcm.duration(self.capture.stat().st_size))
            time.sleep(0.001)
        return born

    def settled(self, seconds: float = 0.3) -> Samples:
        """Return the recording once it is `seconds` longer, so that it contains all sound played before the call."""
        end = self.capture.stat().st_size + pcm.size(seconds)
        wait_until(lambda: self.capture.stat().st_size >= end)
        return self()


class SoundServer:
    """PulseAudio whose default sink records float32 at the player's sample rate, so that the samples stay bit-exact."""

    @staticmethod
    def numbers(samples: ArrayLike) -> Samples:
        """Return the sample numbers of the nonzero samples of a ramp, in which sample n has the value n / 2**20."""
        found = np.asarray(samples)
        numbers: Samples = found[found != 0] * 2**20
        return numbers

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o700)
        (folder / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        (folder / "sink.pa").write_text(
            f"load-module module-null-sink sink_name=ear rate={pcm.RATE} channels=1 format=float32le\n"
            "load-module module-native-protocol-unix\nset-default-sink ear\n"
        )
        places = {"HOME": folder, "XDG_RUNTIME_DIR": folder, "PULSE_RUNTIME_PATH": folder}
        self.environment = os.environ | {name: str(place) for name, place in places.items()}
        self.start()

    def start(self) -> None:
        (self.folder / "native").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                # The kernel kills a real-time thread that a busy machine delays by 0.2 s, and the server with it.
                *("--realtime=no", "--high-priority=no", "--no-cpu-limit"),
                # With shared memory the server may abort after a client disconnects (PulseAudio issue 824).
                *("--disable-shm=yes", "-F", str(self.folder / "sink.pa")),
            ],
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: (self.folder / "native").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, "no sound server"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    @contextmanager
    def listening(self, tmp_path: Path) -> Iterator[Ear]:
        """Record the sink; yields an `Ear`."""
        capture = tmp_path / f"capture{len(list(tmp_path.iterdir()))}.raw"
        with capture.open("wb") as out:
            ear = subprocess.Popen(
                [
                    *("parec", "--device=ear.monitor", "--format=float32le", f"--rate={pcm.RATE}"),
                    *("--channels=1", "--latency-msec=20"),
                ],
                env=self.environment,
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
            try:
                wait_until(lambda: capture.stat().st_size or ear.poll() is not None)
                assert ear.poll() is None, f"parec ended with {ear.poll()}"
                yield Ear(capture)
            finally:
                ear.terminate()
                ear.wait(PATIENCE)

    def recorded(
        self, command: Sequence[str | Path], tmp_path: Path, **more: str
    ) -> tuple[Samples, subprocess.CompletedProcess[str]]:
        """Run a command that plays; returns the samples that it played and the finished process."""
        with self.listening(tmp_path) as heard:
            ended = subprocess.run(
                command,
                env=self.environment | more,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            return heard.settled(), ended
