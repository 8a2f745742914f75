"""Tests of the player with recording sinks: order, silence, stops, pauses and faults."""

import random
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from speakkit.errors import NoAudioDevice
from speakkit.playback import pcm
from speakkit.playback import player as player_module
from speakkit.playback.events import BurstBegan, BurstEnded, Lost, PlaybackFinished, PlaybackStarted, Progress, Stopped
from speakkit.playback.feed import Feed
from waiting import wait_until

RATE = pcm.RATE
WAIT = 30
FADE = 192
"""Length of the fade in samples."""


def fed(*sounds, room=None):
    """A feed with one chunk per sound, which has ended."""
    feed = Feed(room)
    for sound in sounds:
        feed.put(sound)
    feed.end()
    return feed


def runs(samples):
    """The lengths of silence and sound in turn, in samples: [silence, sound, silence, ...]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], samples != 0, [0]])))
    return np.diff(np.concatenate([[0], edges, [len(samples)]])).tolist()


def test_utterances_are_played_in_order_with_silence_around_them(stage):
    """Utterances are played unchanged, with exactly 60 ms of silence before, 150 ms between and 1 s after them."""
    player = stage.player()
    player.play("a", fed(stage.ramp(1, 5000)))
    player.play("b", fed(stage.ramp(5001, 5007), stage.ramp(5008, 9999)))
    stage.wait(BurstEnded)
    assert np.array_equal(stage.numbers(stage.written), np.arange(1, 10_000))
    *middle, end = runs(stage.written)
    assert middle == [1440, 5000, 3600, 4999]
    assert RATE <= end <= RATE + 480
    assert stage.names == [
        "BurstBegan",
        "PlaybackStarted a",
        "PlaybackFinished a",
        "PlaybackStarted b",
        "PlaybackFinished b",
        "BurstEnded",
    ]
    assert stage.end("a").seconds == 5000 / RATE
    assert stage.asked == ["open", "close"]


def test_an_utterance_is_heard_before_it_is_finished(stage):
    """PlaybackStarted, Progress and PlaybackFinished are sent when the audio is heard, not when it is written."""
    player = stage.player(latency=0.3, linger=0.1)
    began = time.monotonic()
    player.play("a", fed(stage.ramp(1, RATE // 2)))
    started = stage.wait(PlaybackStarted)
    assert began <= started.at
    stage.end("a")
    assert time.monotonic() - started.at >= 0.48
    heard = [event.seconds for event in stage.events if isinstance(event, Progress)]
    assert heard == sorted(heard)
    assert all(seconds <= 0.5 - 0.3 + 0.001 for seconds in heard)


def test_the_device_is_opened_only_for_sound(stage):
    """The device is not opened for a feed without audio, whether it has ended or not."""
    player = stage.player(linger=0.1)
    player.play("empty", fed())
    late = Feed()
    player.play("late", late)
    assert stage.end("empty") == PlaybackFinished("empty", 0)
    time.sleep(0.1)
    assert (stage.log, stage.names) == ([("event", PlaybackFinished("empty", 0))], ["PlaybackFinished empty"])
    late.put(stage.ramp(1, 100))
    late.end()
    stage.wait(BurstEnded)
    assert stage.names[1:] == ["BurstBegan", "PlaybackStarted late", "PlaybackFinished late", "BurstEnded"]


def test_a_beep_comes_just_before(stage):
    """The beep is played directly before the utterance, without silence in between, and is not part of its seconds."""
    player = stage.player()
    player.play("a", fed(stage.ramp(2001, 4000)), before=stage.ramp(1, 2000))
    assert stage.end("a") == PlaybackFinished("a", 2000 / RATE)
    assert runs(stage.written)[:2] == [1440, 4000]
    assert np.array_equal(stage.numbers(stage.written), np.arange(1, 4001))


def test_silence_stands_in_for_late_sound(stage):
    """If audio is late, silence is played and counted as starved time, and no sample is lost."""
    player = stage.player(linger=0.1)
    feed = Feed()
    feed.put(stage.ramp(1, 1000))
    player.play("a", feed)
    stage.wait(PlaybackStarted)
    wait_until(lambda: runs(stage.written)[-1] > 0.25 * RATE)
    feed.put(stage.ramp(1001, 1500))
    feed.end()
    assert stage.end("a") == PlaybackFinished("a", 1500 / RATE)
    silence = runs(stage.written)[2] / RATE
    assert silence > 0.2
    assert np.array_equal(stage.numbers(stage.written), np.arange(1, 1501))
    assert player.status.starved == pytest.approx(silence, abs=0.001)


def test_a_failed_utterance_is_played_as_far_as_it_goes(stage):
    """A failed utterance is played up to its last sample, and then lost with the given reason."""
    player = stage.player(linger=0.1)
    feed = Feed()
    feed.put(stage.ramp(1, 1000))
    feed.fail("engine_failed", "the engine died")
    player.play("a", feed)
    player.play("b", fed(stage.ramp(1001, 1100)))
    assert stage.end("a") == Lost("a", "engine_failed", "the engine died")
    stage.wait(BurstEnded)
    assert np.array_equal(stage.numbers(stage.written), np.arange(1, 1101))


def test_room_is_told(stage):
    """The feed's callback reports free space once."""
    rooms = []
    player = stage.player()
    player.play("a", fed(bytes(pcm.size(10.1)), room=lambda: rooms.append(time.monotonic())))
    wait_until(lambda: rooms)
    player.stop("a")
    stage.end("a")
    assert len(rooms) == 1


def test_stopping_fades(stage):
    """A stopped utterance fades out in 8 ms over its next samples, and then the waiting utterance is played."""
    player = stage.player(linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE * 10)))
    player.play("b", fed(stage.ramp(RATE * 20 + 1, RATE * 20 + 500)))
    stage.wait(Progress)
    player.stop("a")
    stopped = stage.end("a")
    assert type(stopped) is Stopped
    stage.wait(BurstEnded)
    _, sound, gap, following, _ = runs(stage.written)
    assert (sound, gap, following) == (round(stopped.seconds * RATE) + FADE, 3600, 500)
    first = 1440 + sound - FADE
    fade = stage.written[first : first + FADE] * 2**20
    whole = np.arange(sound - FADE + 1, sound + 1)
    assert np.all(np.diff(fade / whole) < 0)
    assert np.abs(np.diff(fade)).max() < whole[-1] / FADE * 1.1
    assert stage.asked == ["open", "close"]


@pytest.mark.parametrize("latency", [0.06, 0.3])
def test_stopping_without_a_fade_drops_what_is_in_the_buffers(stage, latency):
    """Stopping without a fade discards the buffered audio; the next utterance gets a new stream.

    With a long latency this is always done, because a fade would be heard too late.
    """
    player = stage.player(latency=latency, linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE * 10)))
    player.play("b", fed(stage.ramp(1, 500)))
    stage.wait(Progress)
    player.stop("a", fade=latency > 0.1)
    stopped = stage.end("a")
    stage.wait(BurstEnded)
    assert stage.asked == ["open", "abort", "open", "close"]
    written = runs(stage.written)[1] / RATE
    assert stopped.seconds == pytest.approx(written - latency, abs=0.03)
    assert stage.names == [
        "BurstBegan",
        "PlaybackStarted a",
        "Stopped a",
        "PlaybackStarted b",
        "PlaybackFinished b",
        "BurstEnded",
    ]


def test_an_utterance_that_was_stopped_goes_on_at_its_sentence(stage):
    """If a stopped feed is played again, it starts with the chunk that was played last."""
    player = stage.player(linger=0.1)
    feed = fed(stage.ramp(1, RATE // 2), stage.ramp(RATE // 2 + 1, RATE * 2))
    player.play("a", feed)
    while stage.wait(Progress, "a", len([e for e in stage.events if isinstance(e, Progress)]) + 1).seconds < 0.7:
        pass
    player.stop("a", fade=False)
    assert stage.end("a").seconds >= 0.7
    player.play("a again", feed)
    assert stage.end("a again") == PlaybackFinished("a again", 2)
    heard = stage.numbers(stage.written)
    again = int(np.flatnonzero(heard == RATE // 2 + 1)[1])
    assert np.array_equal(heard[again:], np.arange(RATE // 2 + 1, RATE * 2 + 1))


def test_stopping_what_waits_or_has_gone(stage):
    """A stopped utterance that is still waiting is not played; stopping a finished or an unknown one has no effect."""
    player = stage.player(linger=0.1)
    player.play("a", fed(stage.ramp(1, 5000)))
    player.play("b", fed(stage.ramp(5001, 6000)))
    player.stop("b")
    player.stop("nobody")
    assert stage.end("b") == Stopped("b", 0)
    assert stage.end("a") == PlaybackFinished("a", 5000 / RATE)
    player.stop("a")
    stage.wait(BurstEnded)
    assert np.array_equal(stage.numbers(stage.written), np.arange(1, 5001))


def test_a_pause_loses_nothing(stage):
    """A pause fades out and resuming fades in, both with copies, so that every sample is played once in full."""
    player = stage.player()
    player.play("a", fed(stage.ramp(1, RATE)))
    stage.wait(Progress)
    player.pause()
    wait_until(lambda: runs(stage.written)[-1] > 0.25 * RATE)
    player.resume()
    assert stage.end("a") == PlaybackFinished("a", 1)
    _, before, silence, after, *_ = runs(stage.written)
    before, after = stage.written[1440 : 1440 + before], stage.written[1440 + before + silence :][:after]
    told = [*stage.numbers(before[:-FADE]), *stage.numbers(after[FADE:])]
    assert np.array_equal(told, np.arange(1, RATE + 1))
    assert silence > 0.15 * RATE
    assert stage.names.count("PlaybackStarted a") == 1


def test_a_long_pause_closes_the_device(stage):
    """During a long pause the device is closed, and an utterance with `through_pause` is still played."""
    player = stage.player(linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE)))
    player.play("c", fed(stage.ramp(RATE + 1, RATE + 100)))
    stage.wait(Progress)
    player.pause()
    stage.wait(BurstEnded)
    player.play("b", fed(stage.ramp(RATE * 3, RATE * 3 + 99)), through_pause=True)
    stage.wait(BurstEnded, count=2)
    assert stage.names[3:] == ["BurstBegan", "PlaybackStarted b", "PlaybackFinished b", "BurstEnded"]
    player.resume()
    assert stage.end("a") == PlaybackFinished("a", 1)
    stage.end("c")
    heard = stage.numbers(stage.written)
    assert np.isin(np.arange(1, RATE + 101), heard).all()


def test_stopped_in_a_pause(stage):
    """An utterance that is stopped during a pause is not played after it."""
    player = stage.player(linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE * 10)))
    stage.wait(Progress)
    player.pause()
    stage.wait(BurstEnded)
    player.stop("a")
    assert 0 < stage.end("a").seconds < 9
    player.resume()
    player.play("b", fed(stage.ramp(1, 10)))
    assert stage.end("b") == PlaybackFinished("b", 10 / RATE)


def test_closing_stops_everything(stage):
    """Closing the player stops every utterance with an event each, and later calls of `play` raise ValueError."""
    player = stage.player()
    for key in "abc":
        player.play(key, fed(stage.ramp(1, RATE)))
    stage.wait(PlaybackStarted)
    player.close()
    assert player.wait_closed(WAIT)
    assert sorted(stage.names[2:-1]) == ["Stopped a", "Stopped b", "Stopped c"]
    assert (stage.names[-1], stage.asked) == ("BurstEnded", ["open", "close"])
    with pytest.raises(ValueError, match="closed"):
        player.play("d", Feed())


class Lossy:
    """Opens tapes that fail after the given numbers of writes, in order; later tapes never fail.

    A number of 0 makes opening fail.
    """

    def __init__(self, stage, *writes):
        self.stage, self.writes = stage, list(writes)

    def __call__(self, latency):
        left = self.writes.pop(0) if self.writes else 10**9
        if left == 0:
            raise NoAudioDevice("no sound: gone")
        tape = self.stage.Tape(latency, self.stage.log)
        write = tape.write

        def counted(sound):
            nonlocal left
            left -= 1
            if left < 0:
                raise NoAudioDevice("no sound: gone")
            write(sound)

        tape.write = counted
        return tape


def test_a_lost_device_is_opened_again(stage, monkeypatch):
    """If the device is lost, it is reopened after some failures, and the current chunk is played from its start."""
    monkeypatch.setattr(player_module, "TRIES", (0.01, 0.02, 0.03))
    player = stage.player(Lossy(stage, 120, 0, 0), linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE // 2), stage.ramp(RATE // 2 + 1, RATE * 2)))
    assert stage.end("a") == PlaybackFinished("a", 2)
    heard = stage.numbers(stage.written)
    (again,) = np.flatnonzero(np.diff(heard) != 1) + 1
    assert heard[again] == RATE // 2 + 1
    assert np.array_equal(heard[again:], np.arange(RATE // 2 + 1, RATE * 2 + 1))
    stage.wait(BurstEnded)
    assert stage.names == ["BurstBegan", "PlaybackStarted a", "PlaybackFinished a", "BurstEnded"]


def test_without_a_device_everything_that_waits_is_lost(stage, monkeypatch):
    """If no device can be opened after some retries, all waiting utterances are lost; a later device is used again."""
    monkeypatch.setattr(player_module, "TRIES", (0.01, 0.02))
    monkeypatch.setattr(player_module, "FIRST_TRIES", (0.01,))
    player = stage.player(Lossy(stage, 0, 0, 120, 0, 0), linger=0.1)
    player.play("a", fed(stage.ramp(1, 100)))
    assert stage.end("a") == Lost("a", "audio_unavailable", "no sound: gone")
    stage.wait(BurstEnded)
    player.play("b", fed(stage.ramp(1, RATE * 2)))
    player.play("c", fed(stage.ramp(1, 100)))
    assert (type(stage.end("b")), type(stage.end("c"))) == (Lost, Lost)
    player.play("d", fed(stage.ramp(1, 100)))
    assert stage.end("d") == PlaybackFinished("d", 100 / RATE)


def test_a_device_that_is_lost_at_the_same_place_is_given_up(stage, monkeypatch):
    """A device that is lost at the same position again and again is given up, even if it can be opened each time."""
    monkeypatch.setattr(player_module, "TRIES", (0.01, 0.02, 0.03))
    player = stage.player(Lossy(stage, *[100] * 20), linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE * 2)))
    assert stage.end("a").reason == "audio_unavailable"
    assert stage.asked.count("open") == 4


def test_a_device_can_be_lost_while_something_is_stopped(stage, monkeypatch):
    """An utterance that is stopped while the device is lost ends as stopped, and the next one waits for the device."""
    monkeypatch.setattr(player_module, "TRIES", (0.3, 0.3))
    player = stage.player(Lossy(stage, 40), linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE * 2)))
    stage.wait(PlaybackStarted)
    wait_until(lambda: "abort" in stage.asked)
    player.stop("a")
    assert type(stage.end("a")) is Stopped
    player.play("b", fed(stage.ramp(1, 100)))
    assert stage.end("b") == PlaybackFinished("b", 100 / RATE)


def test_underruns_make_the_latency_longer(stage):
    """After three underruns in a burst, a new stream with twice the latency is opened, and no sample is lost."""
    opened: list[float] = []

    def open_sink(latency):
        tape = stage.Tape(latency, stage.log)
        if not opened:
            tape.write = lambda sound: (stage.Tape.write(tape, sound), setattr(tape, "underruns", tape.underruns + 1))
        opened.append(latency)
        return tape

    player = stage.player(open_sink, linger=0.1)
    player.play("a", fed(stage.ramp(1, RATE)))
    assert stage.end("a") == PlaybackFinished("a", 1)
    assert opened == [0.06, 0.12]
    assert np.isin(np.arange(1, RATE + 1), stage.numbers(stage.written)).all()
    assert stage.asked[:3] == ["open", "close", "open"]
    assert (player.status.latency, player.status.underruns >= 3) == (0.12, True)


def test_a_device_that_hangs_is_left_behind(stage, monkeypatch):
    """If the device hangs, another thread continues with a new sink, and the old sink is aborted when it returns."""
    monkeypatch.setattr(player_module, "TRIES", (0.01, 0.02))
    hung: list[object] = []
    answers = threading.Event()

    def open_sink(latency):
        tape = stage.Tape(latency, stage.log)
        if not hung:
            left = [30]
            hung.append(tape)

            def write(sound):
                left[0] -= 1
                if left[0] < 0:
                    assert answers.wait(WAIT)
                stage.Tape.write(tape, sound)

            tape.write = write
        return tape

    player = stage.player(open_sink, linger=0.1, stall=0.3)
    player.play("a", fed(stage.ramp(1, RATE)))
    player.play("b", fed(stage.ramp(1, 10)))
    assert stage.end("a") == PlaybackFinished("a", 1)
    assert "abort" not in stage.asked
    answers.set()
    wait_until(lambda: "abort" in stage.asked)
    assert stage.end("b") == PlaybackFinished("b", 10 / RATE)


def test_a_device_that_always_hangs_is_given_up(stage, monkeypatch):
    """If the device always hangs, the utterance is lost, and the player can still be closed."""
    monkeypatch.setattr(player_module, "FIRST_TRIES", (0.01,))
    never = threading.Event()

    def open_sink(latency):
        never.wait(WAIT)
        return stage.Tape(latency, stage.log)

    player = stage.player(open_sink, stall=0.2)
    player.play("a", fed(stage.ramp(1, 100)))
    lost = stage.end("a")
    assert (lost.reason, "does not answer" in lost.about) == ("audio_unavailable", True)
    player.close()
    assert player.wait_closed(WAIT)
    never.set()


class Instant:
    """A sink without a clock that records the distinct sample values it gets, and fails at random."""

    name, underruns = "instant", 0

    def __init__(self, latency, heard, dice):
        self.latency, self.heard, self.dice = latency, heard, dice

    def write(self, sound):
        if self.dice.random() < 0.0005:
            raise NoAudioDevice("no sound: gone")
        samples = np.frombuffer(sound, "<f4")
        self.heard.extend(np.unique(samples).tolist())

    def abort(self):
        pass

    close = abort


def test_every_utterance_ends_once_whatever_happens(stage, monkeypatch):
    """Each of 400 utterances gets exactly one final event, despite concurrent stops and pauses, and lost devices."""
    monkeypatch.setattr(player_module, "TRIES", (0.0, 0.001))
    monkeypatch.setattr(player_module, "FIRST_TRIES", (0.0, 0.001))
    dice = random.Random(7)
    heard: list[float] = []
    player = stage.player(lambda latency: Instant(latency, heard, dice), linger=0.1)
    keys = [str(number) for number in range(400)]

    def meddle():
        own = random.Random(threading.get_ident())
        for _ in range(300):
            act = own.choice(
                [player.pause, player.resume, lambda: player.stop(own.choice(keys), fade=own.random() < 0.5)]
            )
            act()
            time.sleep(0.001)

    meddlers = [threading.Thread(target=meddle) for _ in range(3)]
    for meddler in meddlers:
        meddler.start()
    for key in keys:
        feed = Feed()
        player.play(key, feed, through_pause=dice.random() < 0.1)
        for _ in range(dice.randrange(4)):
            feed.put(np.full(dice.randrange(1, 2000), 1 + int(key), "<f4").tobytes())
        feed.fail("broken") if dice.random() < 0.1 else feed.end()
    for meddler in meddlers:
        meddler.join(WAIT)
    player.resume()
    ends = [stage.end(key) for key in keys]
    assert len([e for e in stage.events if isinstance(e, PlaybackFinished | Stopped | Lost)]) == len(ends)
    bursts = [e for e in stage.events if isinstance(e, BurstBegan | BurstEnded)]
    assert all(type(event) is (BurstBegan, BurstEnded)[i % 2] for i, event in enumerate(bursts))


def test_the_player_needs_no_numpy():
    """The player imports no numpy, and sounddevice only when it opens that sink, because the daemon must stay small."""
    code = (
        "import sys; from speakkit.playback import player, sinks, feed, events;"
        "print({'numpy', 'sounddevice', 'torch'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "set()\n"
