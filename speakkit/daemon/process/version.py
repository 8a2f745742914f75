"""The speakkit version of a process; a client compares it with the daemon's to detect an older daemon."""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import speakkit


@dataclass(frozen=True)
class Version:
    """A version of speakkit.

    version: the published version
    build: time at which the newest module was modified, in ns since 1970; editable installs differ only in this
    """

    version: str
    build: int

    def is_older_than(self, other: "Version") -> bool:
        """Whether this version is older; for equal versions, whether the build is."""
        return (self.release, self.build) < (other.release, other.build)

    @property
    def release(self) -> tuple[int, ...]:
        """Numbers of the version, without trailing zeros, which do not change its meaning."""
        found = re.match(r"\d{1,9}(\.\d{1,9}){0,9}", self.version)
        numbers = tuple(map(int, found.group().split("."))) if found else ()
        while numbers and numbers[-1] == 0:
            numbers = numbers[:-1]
        return numbers


@cache
def mine() -> Version:
    """Version of this process. Call it early: the files may be replaced after they were imported."""
    package = Path(speakkit.__file__).parent
    modules = (os.path.join(folder, name) for folder, _, names in os.walk(package) for name in names)  # noqa: PTH118
    build = max(os.stat(module).st_mtime_ns for module in modules if module.endswith(".py"))  # noqa: PTH116
    return Version(speakkit.__version__, build)


def same_major(ours: str, theirs: str) -> bool:
    """Whether two protocol versions have the same major number, and so are compatible."""
    return ours.partition(".")[0] == theirs.partition(".")[0]
