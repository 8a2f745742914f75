"""Tests of the log file: its size is bounded, it is private, and standard error of C libraries goes to it."""

import json
import os
import stat
import subprocess
import sys

import pytest

from speakkit import paths
from speakkit.daemon.process import logfile

WRITER = """
import json, logging, os, sys
from speakkit.daemon.process import logfile
handler = logfile.start()
for number in range({lines}):
    logging.info("line %d %s", number, "x" * 200)
os.write(2, b"a word of a C library\\n")
{more}
logging.info("last")
print(json.dumps(handler is not None))
"""

FLOOD = """
for number in range(20_000):
    os.write(2, b"ALSA lib pcm.c: underrun occurred, and again, and again\\n")
    if number % 1000 == 0:
        handler.rotate_if_full()
"""


@pytest.fixture
def write(place):
    """Log in a separate process, since the log takes over standard error: write(lines=5).

    Returns whether the log could be opened.
    """

    def run(lines=5, more=""):
        ended = subprocess.run(
            [sys.executable, "-c", WRITER.format(lines=lines, more=more)], capture_output=True, timeout=60, check=True
        )
        assert ended.stderr == b""
        return json.loads(ended.stdout)

    return run


def files():
    log = paths.daemon_log()
    return sorted(log.parent.glob("daemon.log*"))


def test_what_is_printed_on_standard_error_is_logged(write):
    """Standard error of Python and of C goes to the log, which has mode 0600."""
    assert write()
    text = paths.daemon_log().read_text()
    assert "line 4" in text
    assert "\na word of a C library\n" in text
    assert stat.S_IMODE(paths.daemon_log().stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "bug", ["raise ValueError('canary')", "import threading; threading.Thread(target=lambda: int('canary')).start()"]
)
def test_a_bug_is_logged_without_its_words(place, bug):
    """An uncaught exception, also of a thread, is logged without its message, since that may contain a spoken text."""
    code = WRITER.format(lines=1, more=bug)
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert "a bug: ValueError" in paths.daemon_log().read_text()
    assert "canary" not in paths.daemon_log().read_text()


def test_no_text_imitates_a_record(write):
    """Foreign text in a record stays in its line, as escapes, whatever it contains."""
    hostile = "x\n2026-01-01 00:00:00,000 1 ERROR forged\x1b[2J\r\u2028\udcff"
    write(lines=0, more=f"logging.warning('%s', {hostile!r}); logging.error('%s', ValueError({hostile!r}))")
    lines = paths.daemon_log().read_text().splitlines()
    assert len(lines) == 4
    assert lines[1].endswith(r"WARNING x\n2026-01-01 00:00:00,000 1 ERROR forged\x1b[2J\r\u2028\udcff")
    assert lines[2].endswith(r"\u2028\udcff")


def test_an_old_log_is_made_private(write):
    """An existing log gets mode 0600."""
    paths.daemon_log().parent.mkdir(parents=True)
    paths.daemon_log().touch(mode=0o644)
    write()
    assert stat.S_IMODE(paths.daemon_log().stat().st_mode) == 0o600


def test_three_files_of_a_megabyte(write):
    """At most three files of at most logfile.SIZE bytes are kept, and standard error goes to the newest."""
    write(lines=20_000)
    assert [file.name for file in files()] == ["daemon.log", "daemon.log.1", "daemon.log.2"]
    assert all(file.stat().st_size <= logfile.SIZE for file in files())
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files())
    assert paths.daemon_log().read_text().splitlines()[-2] == "a word of a C library"


def test_a_flood_of_c(write):
    """Output of C libraries is bounded too, although it does not pass through Python."""
    write(more=FLOOD)
    assert sum(file.stat().st_size for file in files()) < 3 * logfile.SIZE
    assert len(files()) > 1


def test_a_log_that_is_removed_is_made_again(write):
    """After the file, or its whole folder, was removed, the next check makes it again, and nothing is raised."""
    more = "import shutil; shutil.rmtree({0!r}); handler.rotate_if_full(); logging.info('made again')"
    write(more=more.format(str(paths.daemon_log().parent)))
    text = paths.daemon_log().read_text()
    assert "made again" in text
    assert "line 0" not in text
    assert stat.S_IMODE(paths.daemon_log().stat().st_mode) == 0o600


def test_a_log_that_cannot_rotate_stays_small(write):
    """If a folder stands where the oldest file belongs, records are still written, in a file of bounded size."""
    paths.daemon_log().parent.mkdir(parents=True)
    (paths.daemon_log().parent / "daemon.log.2").mkdir()
    write(lines=20_000, more="handler.rotate_if_full()")
    assert "line 19999" in paths.daemon_log().read_text()
    assert sum(file.stat().st_size for file in files() if file.is_file()) <= 2 * logfile.SIZE


def test_where_no_log_can_be_written(write):
    """Without a writable log, the daemon still works."""
    paths.daemon_log().parent.parent.mkdir()
    paths.daemon_log().parent.touch()
    assert write() is False


def test_its_end(write):
    """last_lines() returns the last lines, also across two files, and an empty list without a log."""
    assert logfile.last_lines(5) == []
    write(lines=20_000)
    assert logfile.last_lines(1)[0].endswith("INFO last")
    lines = logfile.last_lines(6000)
    assert len(lines) == 6000
    numbers = [int(line.split()[5]) for line in lines if " line " in line]
    assert numbers == list(range(numbers[0], 20_000))
    assert os.path.exists(paths.daemon_log())  # noqa: PTH110
