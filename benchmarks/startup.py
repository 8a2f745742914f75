"""Measure the time of `--help` compared with an idle interpreter, and the time and peak memory of one `speak`.

python benchmarks/startup.py [RUNS]       # 20 by default; the commands alternate
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent


def seconds(*command: str) -> float:
    """Wall time in seconds of one run of `command`."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main(runs: int) -> None:
    """Print the table."""
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "speakkit --help": (str(BIN / "speakkit"), "--help"),
        "speak --help": (str(BIN / "speak"), "--help"),
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            took[name].append(seconds(*command))
    base = statistics.median(took["python -c pass"])
    print("| command | median ms | over python ms |\n|---|---|---|")
    for name, times in took.items():
        print(f"| {name} | {1000 * statistics.median(times):.0f} | {1000 * (statistics.median(times) - base):.0f} |")
    with tempfile.TemporaryDirectory() as folder:
        wall = seconds(str(BIN / "speak"), "-q", "-o", f"{folder}/hello.wav", "Hello from speakkit.")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f'\nspeak -o hello.wav "Hello from speakkit.": {wall:.1f} s, peak {peak:.2f} GiB')


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
