"""Generate the manual pages and completions of `speak` and `speakkit` from their Typer apps.

python scripts/documents.py            # writes man/ and completions/
python scripts/documents.py --check    # if files are stale, prints their names and exits with code 1
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # use this tree's speakkit, not an installed one

from completion import completions
from manual import manual

from speakkit.cli import app, speak

REPOSITORY = Path(__file__).parent.parent
APPS = {"speak": speak.app, "speakkit": app.app}


def documents(repository: Path) -> dict[Path, str]:
    """The expected content of each file in man/ and completions/."""
    found: dict[Path, str] = {}
    for program, typer_app in APPS.items():
        page = repository / "man" / f"{program}.1"
        found[page] = manual(program, typer_app, _date(page))
        for name, script in completions(program).items():
            found[repository / "completions" / name] = script
    return found


def stale(repository: Path) -> list[Path]:
    """The files whose content differs from the expected one, missing files, and files that are no longer generated."""
    wanted = documents(repository)
    there = {file for folder in ("man", "completions") for file in (repository / folder).glob("*")}
    differ = {file for file, text in wanted.items() if file in there and file.read_text() != text}
    return sorted((there ^ wanted.keys()) | differ)


def write(repository: Path) -> None:
    """Update every stale file, and print its name. A page's date is the day of its last change."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    texts = documents(repository)
    for file in stale(repository):
        file.parent.mkdir(exist_ok=True)
        if file in texts:
            file.write_text(texts[file].replace(f'"{_date(file)}"', f'"{today}"', 1))
        else:
            file.unlink()
        print(file.relative_to(repository))


def _date(page: Path) -> str:
    """The date in the title line of `page`; 1970-01-01 if it has none."""
    found = re.search(r'^\.TH \S+ 1 "(.*?)"', page.read_text(), re.MULTILINE) if page.exists() else None
    return found[1] if found else "1970-01-01"


def main(arguments: list[str]) -> int:
    """Run the program, and return its exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments:
        names = [str(file.relative_to(REPOSITORY)) for file in stale(REPOSITORY)]
        print("\n".join([*names, "run: python scripts/documents.py"] if names else ["nothing is stale"]))
        return int(bool(names))
    write(REPOSITORY)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
