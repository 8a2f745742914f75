"""Tests of lending engines: an engine is loaded once, shared, and closed when another one needs its memory."""

import threading
from contextlib import ExitStack

import pytest

from speakkit.audio import silence
from speakkit.engines import registry
from speakkit.engines.base import Footprint
from speakkit.engines.fake import FakeJudge, FakeRecognizer, counted
from speakkit.engines.lending import Lender, Loading
from speakkit.errors import BadValue, EngineError, ModelError

GIB = 1 << 30


class Device:
    """A device with `size` bytes of memory. `told` is the log of loaded ("+name") and closed ("-name") engines."""

    def __init__(self, size):
        self.left = size
        self.told = []
        self.lender = Lender(lambda _device: self.left)

    def loading(self, name, size, *, really=None):
        """A loading of an engine that declares `size` bytes and takes `really` bytes, by default the same."""
        device, taken = self, size if really is None else really

        class Sized(FakeRecognizer):
            def close(self):
                super().close()
                device.left += taken
                device.told.append(f"-{name}")

        def load():
            if taken > self.left:
                raise MemoryError
            self.left -= taken
            self.told.append(f"+{name}")
            return Sized(name=name)

        return Loading(name, name, lambda: Footprint("cpu", size), load)


def test_an_engine_is_loaded_once_and_kept_for_the_next_borrower():
    """Borrowers get the same engine, at the same time or one after the other."""
    device = Device(8 * GIB)
    ear = device.loading("ear", GIB)
    with device.lender.lend(ear) as first, device.lender.lend(ear) as second:
        assert first is second
        assert device.lender.lent == ("ear",)
    assert device.lender.lent == ()
    with device.lender.lend(ear) as third:
        assert third is first
    assert device.told == ["+ear"]


def test_two_engines_take_turns_on_a_device_that_holds_one():
    """On a device that holds one engine, an unused engine is closed when another one is borrowed."""
    device = Device(GIB)
    ear, judge = device.loading("ear", GIB), device.loading("judge", GIB)
    for one in (ear, judge, judge, ear):
        with device.lender.lend(one) as engine:
            (outcome,) = engine.transcribe([silence(2.0, 16_000)], "en")
            assert outcome.result().text == "word word"
            assert device.lender.lent == (one.name,)
    assert device.told == ["+ear", "-ear", "+judge", "-judge", "+ear"]


def test_the_least_recently_used_leaves_first():
    """The least recently used engine is closed first, and no more engines than necessary."""
    device = Device(3 * GIB)
    for name in ("one", "two", "three", "one", "four"):
        with device.lender.lend(device.loading(name, GIB)):
            pass
    assert device.told == ["+one", "+two", "+three", "-two", "+four"]
    assert device.lender.loaded == ("three", "one", "four")


def test_memory_too_short_for_two_engines_that_are_both_in_use():
    """A lent engine is never closed; if a second one does not fit, the error names the lent one, which stays usable."""
    device = Device(GIB)
    with device.lender.lend(device.loading("ear", GIB)) as ear:
        with (
            pytest.raises(EngineError, match="not enough memory to load judge beside ear"),
            device.lender.lend(device.loading("judge", GIB)),
        ):
            pass
        assert next(ear.transcribe([silence(1.0, 16_000)], "en")).result().text == "word"
    assert device.told == ["+ear"]


def test_an_estimate_that_is_too_high_refuses_nothing():
    """An engine is loaded if it fits, even if its estimated size is too large."""
    device = Device(GIB)
    with device.lender.lend(device.loading("ear", 100 * GIB, really=GIB)):
        assert device.told == ["+ear"]


def test_an_engine_that_cannot_be_loaded_is_tried_again_by_the_next_borrower():
    """If an engine fails to load, its error is raised, and the next borrower tries again."""
    faults = iter([ModelError("no weights"), None])

    def load():
        fault = next(faults)
        if fault:
            raise fault
        return FakeJudge()

    loading = Loading("judge", "judge", lambda: Footprint("cpu", 1), load)
    lender = Lender(lambda _device: GIB)
    with pytest.raises(ModelError, match="no weights"), lender.lend(loading):
        pass
    assert lender.loaded == ()
    with lender.lend(loading):
        assert lender.loaded == ("judge",)


def test_an_error_in_the_block_gives_the_engine_back():
    """If the `with` block raises, the engine is returned; it stays loaded and can be closed."""
    device = Device(GIB)
    with pytest.raises(ZeroDivisionError), device.lender.lend(device.loading("ear", GIB)):
        raise ZeroDivisionError
    assert device.lender.lent == ()
    device.lender.close()
    assert device.told == ["+ear", "-ear"]


def test_many_threads_share_what_is_loaded_once():
    """Forty concurrent borrowers of two engines that both fit load each engine once."""
    device = Device(2 * GIB)
    loadings = [device.loading("ear", GIB), device.loading("judge", GIB)]
    heard = []

    def borrow(i):
        with device.lender.lend(loadings[i % 2]) as engine:
            heard.append(next(engine.transcribe([silence(1.0, 16_000)], "en")).result().text)

    threads = [threading.Thread(target=borrow, args=(i,)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert heard == ["word"] * 40
    assert sorted(device.told) == ["+ear", "+judge"]


def test_an_engine_that_is_closed_while_it_works_fails_the_rest():
    """If an engine is closed while it works, each remaining item's outcome is an error."""
    engine = FakeRecognizer(counted)
    outcomes = engine.transcribe([silence(1.0, 16_000) for _ in range(5)], "en")
    assert next(outcomes).result().text == "word"
    engine.close()
    assert [str(outcome.error) for outcome in outcomes] == ["fake-recognizer was closed before this was done"] * 4


def test_the_registry_lends_by_name(monkeypatch):
    """The registry lends engines by name; an unknown name raises BadValue before anything is imported."""
    monkeypatch.setitem(registry.JUDGES, "fake", "fake.FakeJudge")
    monkeypatch.setitem(registry.ALIGNERS, "fake", "fake.FakeAligner")
    monkeypatch.setitem(registry.EMBEDDERS, "fake", "fake.FakeEmbedder")
    monkeypatch.setitem(registry.TEXT_SYNTHESIZERS, "fake", "fake.FakeTextSynthesizer")
    with ExitStack() as lent:
        engines = [
            lent.enter_context(lend("fake"))
            for lend in (registry.judge, registry.aligner, registry.embedder, registry.text_synthesizer)
        ]
        assert len({engine.identity.name for engine in engines}) == 4
    for lend in (registry.judge, registry.aligner, registry.recognizer, registry.embedder, registry.synthesizer):
        with pytest.raises(BadValue, match="nosuch"):
            lend("nosuch")
