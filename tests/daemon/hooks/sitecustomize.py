"""Test hooks, loaded by each Python process that the tests of the daemon start.

SPEAKKIT_TEST_VOICE=fake_voice:load replaces the voice that the daemon's worker loads, and
SPEAKKIT_TEST_RECOGNIZER=fake_recognizer:load its recognizers.
SPEAKKIT_TEST_DELAY=before_unlink:500,before_bind:100 delays these failpoints, in milliseconds.
A daemon that such a process starts inherits these variables, which a daemon of speakkit itself does not.
"""

import os
import sys
import time


def delay(point):
    for part in os.environ["SPEAKKIT_TEST_DELAY"].split(","):
        name, _, milliseconds = part.partition(":")
        if name == point:
            time.sleep(int(milliseconds) / 1000)


hooks = {name for name in os.environ if name.startswith(("SPEAKKIT_TEST_", "FAKE_"))}
if hooks and not {"speakkit.daemon", "speakkit.workers.child"} & set(sys.orig_argv):
    from speakkit.daemon.process import spawn

    spawn.KEPT |= hooks
if "SPEAKKIT_TEST_DELAY" in os.environ:
    from speakkit.daemon.process import failpoints

    failpoints.hook = delay
if "SPEAKKIT_TEST_VOICE" in os.environ and "speakkit.daemon" in sys.orig_argv:
    from speakkit.daemon.speaking import scheduler

    scheduler.PLACE = os.environ["SPEAKKIT_TEST_VOICE"]
if "SPEAKKIT_TEST_RECOGNIZER" in os.environ and "speakkit.daemon" in sys.orig_argv:
    from speakkit.daemon.transcription import recognizer

    recognizer.PLACE = os.environ["SPEAKKIT_TEST_RECOGNIZER"]
