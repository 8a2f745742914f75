"""Tests of the table of Whisper's sizes."""

import pytest
from faster_whisper.utils import _MODELS

from speakkit.engines import catalog, hub, registry, whisper_sizes
from speakkit.errors import BadValue


def test_every_size_of_faster_whisper_is_known():
    """Each name of faster-whisper is a recognizer and a model, from the repository that faster-whisper takes."""
    for size, repository in _MODELS.items():
        name = whisper_sizes.ALIASES.get(f"whisper-{size}", f"whisper-{size}")
        assert registry.RECOGNIZERS[name] == "whisper.Whisper"
        assert catalog.MODELS[name].sources[0].repository == repository
        assert hub.state(f"whisper-{size}").model is catalog.MODELS[name]
    assert len(whisper_sizes.SIZES) == len(set(_MODELS.values()))


def test_weights_are_pinned():
    """The weight file of each size but one has a known hash and size, near the size on disk that is told."""
    for size, told in whisper_sizes.SIZES.items():
        published = whisper_sizes.published(size)
        if size == "distil-large-v2":
            assert (published.files, published.label) == ({}, "official, not pinned")
            continue
        assert len(published.files["model.bin"].sha256) == 64
        total = sum(pinned.size for pinned in published.files.values()) / 1e6
        assert abs(total - told.size_mb) < 0.03 * told.size_mb


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_default_on_a_processor_is_base(device, monkeypatch):
    """On a CPU, base is the default; on a GPU it depends on the language."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert registry.default_recognizer(device) == "whisper-base"


def test_the_default_on_a_gpu_depends_on_the_language(monkeypatch):
    """On a GPU, English is left to the distilled large-v3, which knows no other language."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert registry.default_recognizer("cuda", "en") == "whisper-distil-large-v3"
    assert registry.default_recognizer("cuda", "es") == "whisper-large-v3-turbo"
    assert registry.default_recognizer("cuda", None) == "whisper-large-v3-turbo"
    for language in ("en", "es", None):
        assert registry.default_recognizer("cuda", language) in registry.RECOGNIZERS


def test_an_unknown_size_is_named_with_those_that_there_are():
    """An unknown recognizer raises a BadValue that lists the known ones."""
    with pytest.raises(BadValue, match=r"no recognizer 'whisper-huge'; try one of whisper-base, whisper-tiny\.en"):
        registry.recognizer("whisper-huge")
