"""Programs that are asked something, in an event loop."""

import asyncio
from contextlib import suppress


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill it, if it runs, and close its pipes."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    try:
        await process.wait()
    finally:
        # Nothing else closes pipes that nobody reads to their end.
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
