"""Why a request that was accepted has no result, or only a part of one."""

from dataclasses import dataclass

from speakkit.daemon.wire.protocol import Code
from speakkit.errors import BadValue, ExitCode, SpeakkitError, WorkerBug, WorkerHung


@dataclass(frozen=True)
class Fault:
    """Why a request failed. message: one line for the client; exit: of its command."""

    code: Code
    message: str
    exit: ExitCode


def of(error: SpeakkitError | WorkerBug, worker: str) -> Fault:
    """The fault of a request that failed in a worker process. worker: what the process does, such as "the voice"."""
    if isinstance(error, WorkerBug):
        return Fault(Code.bug, f"a bug in {worker}; see: speakkit daemon logs", ExitCode.BUG)
    if isinstance(error, BadValue):
        code = Code.bad_request
    elif isinstance(error, WorkerHung):
        code = Code.engine_timeout
    else:
        code = Code.engine_failed
    return Fault(code, str(error), error.exit_code)
