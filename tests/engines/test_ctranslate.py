"""Tests of how the threads of CTranslate2 wait."""

import os
import subprocess
import sys

import pytest

LOAD = """
import os
import speakkit.engines.ctranslate
print(os.environ.get("OMP_WAIT_POLICY"))
"""


def loaded(**chosen):
    """What OpenMP says when CTranslate2 is loaded, and the setting after that."""
    free = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    run = subprocess.run(
        [sys.executable, "-c", LOAD],
        env={**free, "OMP_DISPLAY_ENV": "true", **chosen},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stderr, run.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="only libgomp was asked")
def test_threads_that_wait_sleep():
    """CTranslate2's threads sleep, and the setting of other libraries is as before."""
    said, after = loaded()
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in said
    assert after == "None"


@pytest.mark.skipif(sys.platform != "linux", reason="only libgomp was asked")
def test_a_choice_of_the_user_is_kept():
    """If the user has set how threads wait, they wait so."""
    said, after = loaded(OMP_WAIT_POLICY="active")
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in said
    assert "PASSIVE" not in said
    assert after == "active"
