"""The weights that are kept in the form in which Kokoro computes with them."""

import logging
import os

import pytest
import torch

from speakkit.engines import hub, kokoro, prepared
from speakkit.engines.kokoro import Kokoro, checkpoint, load_tiled
from speakkit.text.chunks import Chunk
from speakkit.voices import find


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the prepared weights, which does not exist yet."""
    monkeypatch.setattr(prepared, "_folder", lambda _: tmp_path / "prepared")
    return tmp_path / "prepared"


@pytest.fixture
def weights():
    return hub.ensure("kokoro")


@pytest.fixture
def loads(monkeypatch):
    """The loads of the checkpoint so far."""
    seen, plain = [], kokoro.load_model

    def counted(*arguments):
        seen.append(arguments)
        return plain(*arguments)

    monkeypatch.setattr(kokoro, "load_model", counted)
    return seen


@pytest.fixture
def told(monkeypatch, caplog):
    """The log, whatever a program has set that ran in this process."""
    monkeypatch.setattr(logging.getLogger("speakkit"), "propagate", True)
    with caplog.at_level(logging.INFO, "speakkit"):
        yield caplog


def are_equal(one, other):
    """Whether two networks have equal weights in the same memory layout."""
    others = other.state_dict()
    return one.state_dict().keys() == others.keys() and all(
        torch.equal(tensor, others[name]) and tensor.stride() == others[name].stride()
        for name, tensor in one.state_dict().items()
    )


def test_the_second_start_reads_no_checkpoint_and_speaks_the_same(folder, weights, loads):
    chunk = Chunk(0, "həlˈO wˈɜɹld.", (), (), find("f1"), "en-us", 1.0, 7, 0.0)
    said = []
    for starts in (1, 1):
        engine = Kokoro(weights, torch.device("cpu"), torch.float32)
        said.append(next(engine.synthesize([chunk])).result().audio.samples)
        assert (len(loads), len(list(folder.iterdir()))) == (starts, 1)
    assert len(said[0]) > 10_000
    assert (said[0] == said[1]).all()


def test_prepared_weights_equal_those_of_the_checkpoint(folder, weights, loads):
    made, mapped = load_tiled(weights), load_tiled(weights)
    assert len(loads) == 1
    assert are_equal(made, mapped)
    assert not mapped.training
    assert not any(parameter.requires_grad for parameter in mapped.parameters())
    assert not any(tensor.is_meta for tensor in (*mapped.parameters(), *mapped.buffers()))


def cut(file):
    os.truncate(file, 1000)


def garbled(file):
    file.write_bytes(b"no weights" * 1000)


def emptied(file):
    file.write_bytes(b"")


def of_something_else(file):
    torch.save({"bias": torch.zeros(3)}, file)


@pytest.mark.parametrize("damage", [cut, garbled, emptied, of_something_else])
def test_a_damaged_file_is_made_again(damage, folder, weights, loads, told):
    name = kokoro._prepared(weights)
    folder.mkdir()
    torch.save({}, folder / name)
    damage(folder / name)
    made = load_tiled(weights)
    assert "made again" in told.text
    assert len(loads) == 1
    assert are_equal(made, load_tiled(weights))
    assert len(loads) == 1


def test_weights_that_cannot_be_kept_are_no_failure(folder, weights, loads, told):
    folder.write_text("a file, where the folder should be")
    for _ in range(2):
        load_tiled(weights)
    assert len(loads) == 2
    assert "are not kept" in told.text


def test_a_write_that_fails_leaves_nothing(folder, monkeypatch):
    def full(_, file):
        file.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    prepared.keep("kokoro", "name", {"a": torch.zeros(3)})
    assert list(folder.iterdir()) == []


def test_the_key_changes_with_the_checkpoint_and_the_code(tmp_path, weights):
    code, other = tmp_path / "code.py", tmp_path / "weights.pth"
    code.write_text("a = 1")
    other.write_bytes(b"weights")
    keys = [prepared.key(checkpoint(weights), [code]), prepared.key(other, [code])]
    assert keys[1] == prepared.key(other, [code])
    os.utime(other, ns=(1, 1))
    keys.append(prepared.key(other, [code]))
    code.write_text("a = 2")
    keys.append(prepared.key(other, [code]))
    assert len(set(keys)) == len(keys)


def test_few_files_are_kept(folder):
    for i in range(prepared.MOST + 2):
        prepared.keep("kokoro", f"key{i}", {"a": torch.full((3,), i)})
        os.utime(folder / f"key{i}", ns=(i, i))
    assert {file.name for file in folder.iterdir()} == {f"key{i}" for i in range(2, prepared.MOST + 2)}
    assert prepared.load("kokoro", "key0") is None
    assert prepared.load("kokoro", "key4")["a"].tolist() == [4, 4, 4]
