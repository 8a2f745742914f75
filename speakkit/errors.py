"""Every error that speakkit raises on purpose, and the exit code that each one ends with.

SpeakkitError                   1  an expected failure; its message is the one line that a person reads
├── BadValue (ValueError)       2  a value that no run could accept: unknown voice, speed, format
├── ConfigError                 1  a setting, or a file of settings or keys, that cannot be used
├── TextError                   1  text that cannot be read, or that holds nothing to speak
├── ModelError                  1  weights that are missing, damaged, or cannot be made here
├── EngineError                 1  an engine that is unavailable, or that failed on its input
├── StorageError (OSError)      1  a file or folder that cannot be read or written
├── DaemonError                 1  a daemon that cannot be started or reached; what it refuses has a code of its own
└── NoAudioDevice               6  nothing to play on

WorkerBug is what nobody foresaw in such a process: it ends like any bug, with 3.

Speech with lost words is no error, since the rest was spoken: the command ends with `ExitCode.LOST_WORDS`.
"""

from enum import IntEnum
from typing import Self

MEMORY_ERRORS = ("MemoryError", "OutOfMemoryError")
"""Names of classes: Python's, and torch's, which is not imported for this."""

MEMORY_TEXTS = ("out of memory", "allocate memory", "cublas_status_alloc_failed")
"""Messages of a RuntimeError: CTranslate2 and CUDA; torch on a CPU, ONNX Runtime; cuBLAS."""


class ExitCode(IntEnum):
    """What the exit status of every command means. `about` says it to people, in README, manual and --help."""

    about: str

    DONE = 0, "done"
    FAILED = 1, "failed, as the one line on standard error says"
    USAGE = 2, "usage: a value that no run could accept"
    BUG = 3, "a bug: the line names the log that holds its traceback (and none of your text)"
    CHECK_FAILED = 4, "a check ran, and what it checked is at fault"
    LOST_WORDS = 5, "spoken, but words were lost: each is named"
    NO_AUDIO_DEVICE = 6, "there is no device to play on"
    NETWORK = 7, "network, quota or busy"
    INTERRUPTED = 130, "interrupted"

    def __new__(cls, code: int, about: str) -> Self:
        """A member that is its code."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.about = about
        return member


class SpeakkitError(Exception):
    """An expected failure. The message says what happened, to which input, and how to mend it."""

    exit_code: ExitCode = ExitCode.FAILED


class BadValue(SpeakkitError, ValueError):
    """A value that no run could accept, whatever the machine."""

    exit_code = ExitCode.USAGE


class ConfigError(SpeakkitError):
    """A setting, or a file of settings or keys, that cannot be used. The message names the file, line and key."""


class TextError(SpeakkitError):
    """Text that cannot be read, or that holds nothing to speak."""


class ModelError(SpeakkitError):
    """Weights that are missing, damaged, or cannot be made on this machine."""


class EngineError(SpeakkitError):
    """An engine that is unavailable, or that failed on its input."""


class WorkerDied(EngineError):
    """A process that held an engine ended before its answer did."""


class WorkerHung(WorkerDied):
    """A process that held an engine said nothing for too long, and was ended."""


class WorkerOutOfMemory(WorkerDied):
    """There was too little memory for what an engine was asked."""


class WorkerGivenUp(EngineError):
    """A process that held an engine died too often to be started once more."""


class StorageError(SpeakkitError, OSError):
    """A file or folder that cannot be read or written."""


class DaemonError(SpeakkitError):
    """A daemon that cannot be started or reached, or that refused what it was asked."""


class NoAudioDevice(SpeakkitError):
    """There is nothing to play on."""

    exit_code = ExitCode.NO_AUDIO_DEVICE


class WorkerBug(Exception):
    """A bug that showed itself in another process.

    kind: the name of its class
    frames: where it was raised, as in a traceback; none of the user's text is in it
    """

    def __init__(self, kind: str, message: str, frames: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.frames = frames


def storage_error(error: OSError, what: str) -> StorageError:
    """`error` in one line for people: `what` names the deed and the file, such as "write hello.wav"."""
    return StorageError(f"cannot {what}: {(error.strerror or str(error)).lower()}")


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether `error`, or an error that it was raised from, means that an allocation failed."""
    if error is None:
        return False
    name, text = type(error).__name__, str(error).lower()
    is_runtime = isinstance(error, RuntimeError) or name == "RuntimeException"  # ONNX Runtime's is no RuntimeError
    told = is_runtime and any(part in text for part in MEMORY_TEXTS)
    return told or name in MEMORY_ERRORS or is_out_of_memory(error.__cause__)
