"""The errors that speakkit raises on purpose, and the exit code of each one.

SpeakkitError                   1  an expected failure; its message is one line for the user
├── BadValue (ValueError)       2  an invalid value: unknown voice, speed, format
├── ConfigError                 1  a setting, or a file of settings or keys, that cannot be used
├── TextError                   1  text that cannot be read, or that has nothing to speak
├── ModelError                  1  weights that are missing, damaged, or cannot be made here
├── EngineError                 1  an engine that is unavailable, or that failed on its input
├── StorageError (OSError)      1  a file or folder that cannot be read or written
├── DaemonError                 1  a daemon that cannot be started or reached; refused requests have other codes
├── NetworkError                7  a server that cannot be reached, or that does not answer
└── NoAudioDevice               6  no device to play on

WorkerBug is an unexpected exception in a worker process: like any bug, it exits with 3.

Speech with lost words is not an error, because the rest was spoken: the command exits with `ExitCode.LOST_WORDS`.
"""

from enum import IntEnum
from typing import Self

MEMORY_ERRORS = ("MemoryError", "OutOfMemoryError")
"""Class names of out-of-memory errors: Python's, and torch's, compared by name so that torch is not imported."""

MEMORY_TEXTS = ("out of memory", "allocate memory", "cublas_status_alloc_failed")
"""Parts of RuntimeError messages: of CTranslate2 and CUDA; of torch on a CPU and ONNX Runtime; of cuBLAS."""


class ExitCode(IntEnum):
    """Exit status of every command. `about`: its meaning, as printed in README, manual and --help."""

    about: str

    DONE = 0, "done"
    FAILED = 1, "failed: the line on standard error says why"
    USAGE = 2, "usage: invalid option or value"
    BUG = 3, "a bug: the line names the log that holds its traceback (and none of your text)"
    CHECK_FAILED = 4, "a check ran and found a fault"
    LOST_WORDS = 5, "spoken, but words were lost: each is named"
    NO_AUDIO_DEVICE = 6, "there is no device to play on"
    NETWORK = 7, "network, quota or busy"
    INTERRUPTED = 130, "interrupted"

    def __new__(cls, code: int, about: str) -> Self:
        """A member whose value is its code."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.about = about
        return member


class SpeakkitError(Exception):
    """An expected failure. The message says what happened, to which input, and how to mend it."""

    exit_code: ExitCode = ExitCode.FAILED


class BadValue(SpeakkitError, ValueError):
    """A value that is invalid on every machine."""

    exit_code = ExitCode.USAGE


class ConfigError(SpeakkitError):
    """A setting, or a file of settings or keys, that cannot be used. The message names the file, line and key."""


class TextError(SpeakkitError):
    """Text that cannot be read, or that has nothing to speak."""


class ModelError(SpeakkitError):
    """Weights that are missing, damaged, or cannot be made on this machine."""


class EngineError(SpeakkitError):
    """An engine that is unavailable, or that failed on its input."""


class WorkerDied(EngineError):
    """A worker process exited before it had sent its whole response."""


class WorkerHung(WorkerDied):
    """A worker process sent nothing until its timeout, and was killed."""


class WorkerOutOfMemory(WorkerDied):
    """A worker process had too little memory for its request."""


class WorkerGivenUp(EngineError):
    """A worker process died too often to be restarted."""


class StorageError(SpeakkitError, OSError):
    """A file or folder that cannot be read or written."""


class DaemonError(SpeakkitError):
    """A daemon that cannot be started or reached, or that refused a request."""


class NetworkError(SpeakkitError):
    """A server that cannot be reached, or that does not answer."""

    exit_code = ExitCode.NETWORK


class NoAudioDevice(SpeakkitError):
    """There is no device to play on."""

    exit_code = ExitCode.NO_AUDIO_DEVICE


class WorkerBug(Exception):
    """An unexpected exception in a worker process.

    kind: the name of the exception's class
    frames: the stack frames, formatted as in a traceback, without any of the user's text
    """

    def __init__(self, kind: str, message: str, frames: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.frames = frames


def storage_error(error: OSError, what: str) -> StorageError:
    """`error` as a StorageError with a one-line message. `what`: action and file, such as "write hello.wav"."""
    return StorageError(f"cannot {what}: {(error.strerror or str(error)).lower()}")


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether `error`, or an error that it was raised from, reports a failed memory allocation."""
    if error is None:
        return False
    name, text = type(error).__name__, str(error).lower()
    is_runtime = isinstance(error, RuntimeError) or name == "RuntimeException"  # ONNX Runtime's own class
    told = is_runtime and any(part in text for part in MEMORY_TEXTS)
    return told or name in MEMORY_ERRORS or is_out_of_memory(error.__cause__)
