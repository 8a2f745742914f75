"""Tests of how freed memory is used again."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from speakkit.engines import memory

if sys.argv[1] == "kept":
    memory.keep_freed()
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.zeros(5 << 20) for _ in range(4)]
    del tensors
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kept):
    """How many pages were mapped again for tensors of 80 MB that were freed before."""
    run = subprocess.run([sys.executable, "-c", FAULTS, kept], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's memory is kept")
def test_freed_memory_is_used_again():
    """The second time, tensors need no new pages from the system, which by default they do."""
    assert faults("kept") < 100
    assert faults("by default") > 10_000
