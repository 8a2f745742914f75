"""Print the SHA-256 of what `speak -o` writes for texts of every language, markup, blends, speeds, seeds and lengths.

    python benchmarks/golden_samples.py > before.json
    python benchmarks/golden_samples.py before.json    # prints the texts whose samples differ now

A refactoring must not change any sample. Hashes are comparable only for the same machine, number of threads, release
of torch and weights. Both runs need all voices (`speakkit voices fetch`).
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

from speakkit import voices
from speakkit.cli import error_handler
from speakkit.cli import speak as speak_command

ALICE = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"
VOICES = {
    "es": "s1",
    "fr-fr": "ff_siwis",
    "hi": "hf_alpha",
    "it": "if_sara",
    "ja": "jf_alpha",
    "pt-br": "pf_dora",
    "zh": "zf_xiaoxiao",
}

ENGLISH = (
    "Hello from speakkit.",
    "The meeting is on 3/4 at 5:30 pm, and it costs $5.20 a head.",
    "I read the lead story; it wasn't about lead pipes.",
    "Zyrgblat quonned the blimvastic frobnitz.",
    "**Bold** words, `code_names` and [a link](https://example.com/a/b?c=d).",
    "# A heading\n\n- one item\n- another item\n\nAnd a paragraph.",
    "Wait [pause:0.5s] for it. [Kokoro](/k\u02c8Ok\u0259\u027eO/) speaks.",
    "Hello \u4f60\u597d there.",
    "wow!",
    "Version 2.13.0 of https://example.com runs at 127.0.0.1:8080 with 4 GiB.",
)


def orders() -> list[tuple[str, ...]]:
    """Arguments of `speak` for each text."""
    alice = ALICE.read_text("utf-8").split("\n\n")
    long = [part for part in alice if 300 < len(part) < 900][:2]
    found: list[tuple[str, ...]] = [(text,) for text in (*ENGLISH, *long)]
    found += [("-v", name, voices.SAMPLES["en-us"]) for name in ("f2", "m1", "m4", "f2(2)+f3")]
    found += [("-s", speed, "A line that is spoken at another speed.") for speed in ("0.5", "1.25", "2.0")]
    found += [("--seed", seed, "A line with a seed of its own.") for seed in ("1", "2")]
    found += [("--raw", ENGLISH[4]), ("--lang", "en-gb", ENGLISH[2])]
    for language, name in VOICES.items():
        found += [("-v", name, voices.SAMPLES[language]), ("-v", name, "12:30, 1.234,5 km, 2024.")]
    return found


def sha256(order: tuple[str, ...], folder: Path) -> str:
    """The SHA-256 of the file that `speak` writes, and its exit code; only the exit code if it wrote none."""
    file = folder / "spoken.wav"
    file.unlink(missing_ok=True)
    code = error_handler.run(speak_command.app, "speak", ["--quiet", "--device", "cpu", "-o", str(file), *order])
    return f"{hashlib.sha256(file.read_bytes()).hexdigest()} {code}" if file.exists() else f"exit {code}"


def main() -> None:
    """Print the hashes, or the texts whose hashes differ from those of a file."""
    os.environ["SPEAKKIT_DAEMON"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        hashes = {" ".join(order): sha256(order, Path(folder)) for order in orders()}
    if len(sys.argv) == 1:
        print(json.dumps(hashes, ensure_ascii=False, indent=1))
        return
    before = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    changed = [order for order, found in hashes.items() if before.get(order) != found]
    print(f"{len(hashes)} texts, {len(hashes) - len(changed)} equal")
    for order in changed:
        print(f"differs: {order}")
    sys.exit(bool(changed))


if __name__ == "__main__":
    main()
