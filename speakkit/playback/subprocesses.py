"""Ending subprocesses of an event loop."""

import asyncio
from contextlib import suppress


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill the process if it is running, and close its pipes."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    try:
        await process.wait()
    finally:
        # Nothing else closes pipes that were not read to their end.
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
