"""Tests of connections that watch the queue."""

import pytest

from speakkit.daemon.wire.messages import ErrorReply, Watched
from waiting import wait_until


@pytest.fixture
def watcher(fake_voice, caller):
    """A client of agent "eyes" that watches, with `seen()` for the events that it received."""
    eyes = caller("eyes")
    name = eyes.ask("watch")

    def seen():
        return [(event.event, event.agent, event.result) for _, event in eyes.all(name, Watched)]

    eyes.seen, eyes.name = seen, name
    return eyes


def test_what_was_there_before_is_told_first(fake_voice, caller):
    """A new watcher first gets the current utterance and the waiting ones, in order."""
    one = caller("one")
    first = one.speak("seconds=5")
    one.speak("seconds=0.1 bit=2")
    eyes = caller("eyes")
    name = eyes.ask("watch")
    wait_until(lambda: len(eyes.all(name, Watched)) >= 2)
    events = [event for _, event in eyes.all(name, Watched)][:2]
    assert [(event.event, event.position) for event in events] == [("started", 0), ("queued", 1)]
    assert [event.text for event in events] == [None, None]
    one.ask("cancel", id=first)


def test_each_end_is_told(watcher, caller):
    """The end of each utterance is sent, also of one that never began."""
    one = caller("one")
    playing, waiting = one.speak("seconds=5"), one.speak("seconds=0.1 bit=2")
    one.ask("cancel", id=waiting)
    one.ask("cancel", id=playing)
    wait_until(lambda: [event for event, *_ in watcher.seen()].count("ended") == 2)
    assert [result for event, _, result in watcher.seen() if event == "ended"] == ["skipped", "skipped"]


def test_a_watcher_that_cancels_sees_no_more(watcher, caller):
    """A watcher that cancels gets a last event and nothing after it."""
    watcher.send("cancel", id=watcher.name)
    watcher.end(watcher.name)
    one = caller("one")
    assert one.result(one.speak("seconds=0.1")) == "played"
    assert watcher.seen() == []


def test_a_watcher_that_reads_nothing_is_closed(fake_voice, caller, place):
    """A watcher that reads nothing is disconnected, and others are served meanwhile.

    The daemon buffers at most 2 MiB for it.
    """
    import socket

    from speakkit.daemon.wire import protocol
    from speakkit.workers.frames import Frame

    one = caller("same")
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(str(place.socket))
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for fields in ({"op": "hello", "proto": "1.0", "agent": "same"}, {"op": "watch", "id": "w"}):
            channel.sendall(protocol.packed(Frame(fields)))
        wait_until(lambda: one.do("status").connections == 2)
        text = "x" * 1000
        for number in range(3000):
            refused = one.ask("speak", f"{text} {number}".encode(), voice="f1", replace="r")
            if number % 50 == 0:
                one.end(one.ask("status"))
                if one.do("status").connections == 1:
                    break
            assert not one.all(refused, ErrorReply)
        assert one.do("status").connections == 1
    one.ask("clear", scope="all")
