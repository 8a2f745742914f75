"""Measure where a cold `speak -o x.wav` of ten words spends its time, and its peak memory.

    python benchmarks/coldstart.py [RUNS] [CHECKOUT ...]      # 5 by default, of this checkout

Every run is a new process that executes the command. The runs of several checkouts alternate, so that all are measured
on the same machine at about the same time. Prints the medians as a Markdown table, one row per checkout:
imports: importing all packages, at any point of the run; the start of the interpreter is part of the rest
model, G2P: loading them, without their imports
synthesis: from the text to samples, and writing these to the file
CPU: seconds of CPU time of all cores together, which other programs on the machine affect less
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEXT = "The quick brown fox jumps over the lazy sleeping dog."
PHASES = ("imports", "model", "G2P", "synthesis", "rest", "wall")


class Stopwatch:
    """Seconds of the main thread by phase.

    Each second counts for the innermost phase, but everything during an import counts as imports. If something is
    loaded in another thread, only the time that the main thread waits for it counts.

    seconds: phase -> seconds so far
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._phases = ["rest"]
        self._since = time.perf_counter()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the `with` block for phase `name`."""
        if threading.current_thread() is not threading.main_thread() or self._phases[-1] == "imports":
            yield
            return
        self._turn()
        self._phases.append(name)
        try:
            yield
        finally:
            self._turn()
            self._phases.pop()

    def around(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """`function`, wrapped so that its time counts for phase `name`."""

        def counted(*arguments: Any, **options: Any) -> Any:
            with self.phase(name):
                return function(*arguments, **options)

        return counted

    def _turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self._phases[-1]] += now - self._since
        self._since = now


def speak(receipt: Path) -> None:
    """Run the command `speak` with this process's arguments, and write the seconds by phase to `receipt`."""
    watch = Stopwatch()
    machinery = sys.modules["_frozen_importlib"]
    # `import` and importlib call this function for every module that is not loaded yet.
    machinery._find_and_load = watch.around(machinery._find_and_load, "imports")  # type: ignore[attr-defined]  # noqa: SLF001
    import speakkit.__main__  # noqa: F401, PLC0415  late, so that its imports are counted
    from speakkit.cli import in_process  # noqa: PLC0415
    from speakkit.cli import speak as command  # noqa: PLC0415
    from speakkit.engines import registry  # noqa: PLC0415

    load = registry.lender._load  # noqa: SLF001  the only place that loads engines

    def timed(loading: Any) -> Any:
        with watch.phase("G2P" if "phonemizer" in loading.name else "model"):
            return load(loading)

    registry.lender._load = timed  # type: ignore[method-assign]  # noqa: SLF001
    in_process._speak_into = watch.around(in_process._speak_into, "synthesis")  # noqa: SLF001
    with watch.phase("rest"):
        code = command.main()
    receipt.write_text(json.dumps(watch.seconds))
    sys.exit(code)


def run(checkout: Path, folder: Path) -> dict[str, float]:
    """Measurements of one cold `speak`: seconds by phase and of "CPU", and peak resident memory as "GiB"."""
    receipt = folder / "phases.json"
    command = [sys.executable, __file__, "--speak", str(receipt), "-q", "-o", str(folder / "x.wav"), TEXT]
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(checkout)})
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"speak of {checkout} ended with {process.returncode}")
    phases: dict[str, float] = json.loads(receipt.read_text())
    phases["rest"] = wall - sum(phases[name] for name in PHASES if name not in ("rest", "wall"))
    return {**phases, "wall": wall, "CPU": usage.ru_utime + usage.ru_stime, "GiB": usage.ru_maxrss / 1024**2}


def main(runs: int, checkouts: list[Path]) -> None:
    """Print the table."""
    took: dict[Path, list[dict[str, float]]] = {checkout: [] for checkout in checkouts}
    with tempfile.TemporaryDirectory() as folder:
        for checkout in checkouts:
            run(checkout, Path(folder))  # to fill the page cache and write the .pyc files
        for _ in range(runs):
            for checkout in checkouts:
                took[checkout].append(run(checkout, Path(folder)))
    print(f"medians of {runs} fresh processes each, seconds\n")
    columns = (*PHASES, "CPU", "GiB")
    print(f"| checkout | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for checkout, each in took.items():
        medians = [f"{statistics.median(one[name] for one in each):.2f}" for name in columns]
        print(f"| {checkout.name} | {' | '.join(medians)} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--speak"]:
        target = Path(sys.argv[2])
        sys.argv[1:] = sys.argv[3:]
        speak(target)
    else:
        here = Path(__file__).parent.parent
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, [Path(name).resolve() for name in sys.argv[2:]] or [here])
