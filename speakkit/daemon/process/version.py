"""Which speakkit a process runs, so that a client can tell that the daemon runs an older one."""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import speakkit


@dataclass(frozen=True)
class Version:
    """A speakkit.

    version: as it is published
    build: when the newest of its modules was written, in nanoseconds since 1970; editable installs differ in it alone
    """

    version: str
    build: int

    def is_older_than(self, other: "Version") -> bool:
        """By version, and for the same version by build."""
        return (self.release, self.build) < (other.release, other.build)

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version: none of the zeros at their end, which change nothing."""
        found = re.match(r"\d{1,9}(\.\d{1,9}){0,9}", self.version)
        numbers = tuple(map(int, found.group().split("."))) if found else ()
        while numbers and numbers[-1] == 0:
            numbers = numbers[:-1]
        return numbers


@cache
def mine() -> Version:
    """The one that this process runs: asked for early, it is what was imported."""
    package = Path(speakkit.__file__).parent
    modules = (os.path.join(folder, name) for folder, _, names in os.walk(package) for name in names)  # noqa: PTH118
    build = max(os.stat(module).st_mtime_ns for module in modules if module.endswith(".py"))  # noqa: PTH116
    return Version(speakkit.__version__, build)


def same_major(ours: str, theirs: str) -> bool:
    """Whether two versions of the protocol are near enough to be spoken with."""
    return ours.partition(".")[0] == theirs.partition(".")[0]
