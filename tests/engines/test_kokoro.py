"""Tests of the Kokoro engine, against upstream and for the chunks it is given."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from speakkit.engines import hub, registry
from speakkit.engines.kokoro import Kokoro, load_model
from speakkit.engines.kokoro_config import MOST
from speakkit.engines.styletts2.prosody import ProsodyPredictor
from speakkit.errors import EngineError, ModelError
from speakkit.text.chunks import Chunk
from speakkit.voices import find

PHONEMES = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps."


def chunk(phonemes=PHONEMES, **changes):
    first = Chunk(0, phonemes, (), (), find("f1"), "en-us", 1.0, 7, 0.0)
    return dataclasses.replace(first, **changes)


def syntheses(engine, *chunks):
    """The engine's syntheses of the chunks; raises the first failure."""
    return [outcome.result() for outcome in engine.synthesize(chunks)]


def spoken(engine, *chunks):
    return [synthesis.audio.samples for synthesis in syntheses(engine, *chunks)]


@pytest.fixture
def same_noise(monkeypatch):
    """Makes upstream draw the noise that speakkit's generator draws for seed 7."""

    def noise_like(tensor):
        generator = torch.Generator().manual_seed(7)
        frequencies_last = tensor.shape[2] == 9
        shape = tensor.transpose(1, 2).shape if frequencies_last else tensor.shape
        drawn = torch.empty(shape).normal_(generator=generator)
        return drawn.transpose(1, 2) if frequencies_last else drawn

    monkeypatch.setattr(torch, "randn_like", noise_like)


def assert_same(ours, theirs):
    """Asserts that two syntheses have the same durations, and samples that differ only by rounding."""
    assert ours.durations == theirs.durations
    assert np.corrcoef(ours.audio.samples, theirs.audio.samples)[0, 1] > 0.9999
    # F0 is multiplied by thousands in the phase: one unit in its last place moves upstream's own samples by 2.6e-2.
    assert np.abs(ours.audio.samples - theirs.audio.samples).max() < 2.6e-2


def test_speaks_as_upstream_does(exact, upstream, same_noise):
    """With the same noise, durations equal upstream's, and samples differ only by rounding."""
    (ours,), (theirs,) = (syntheses(engine, chunk()) for engine in (exact, upstream))
    assert_same(ours, theirs)


def test_another_speed_differs_from_upstream_only_by_the_start(exact, upstream, same_noise, monkeypatch):
    """At another speed, durations equal upstream's except the start token's, which upstream divides by the speed.

    With upstream's durations, the samples differ only by rounding.
    """
    fast = chunk("həlˈO.", speed=1.25, voice=find("bm_george"))
    (ours,), (theirs,) = (syntheses(engine, fast) for engine in (exact, upstream))
    (slower,) = syntheses(exact, dataclasses.replace(fast, speed=1.0))
    assert ours.durations[0] == slower.durations[0] > theirs.durations[0]
    assert ours.durations[1:] == theirs.durations[1:]
    monkeypatch.setattr(ProsodyPredictor, "durations", lambda *_: torch.tensor([theirs.durations]))
    (given,) = syntheses(exact, fast)
    assert_same(given, theirs)


@pytest.mark.slow
def test_longest_chunk_is_spoken_as_upstream_does(exact, upstream, same_noise):
    """The longest chunk has upstream's durations, and samples that correlate over 0.99.

    The rounding of F0's sum grows with the length: the correlation over a minute is 0.9989 to 0.9995.
    """
    longest = chunk(("lˈa " * MOST)[:MOST], voice=find("m2"))
    (ours,), (theirs,) = (syntheses(engine, longest) for engine in (exact, upstream))
    assert ours.durations == theirs.durations
    assert np.corrcoef(ours.audio.samples, theirs.audio.samples)[0, 1] > 0.99


def test_duration_is_the_sum_of_frames(kokoro):
    """The audio is as long as its frames of 25 ms: one for the start, one or more per phoneme, one for the end."""
    (synthesis,) = syntheses(kokoro, chunk())
    assert len(synthesis.durations) == len(PHONEMES) + 2
    assert synthesis.audio.duration == pytest.approx(sum(synthesis.durations) * kokoro.frame)


def test_same_seed_gives_the_same_bytes_whatever_was_spoken_before(kokoro):
    """The samples depend on the chunk's own seed, not on earlier chunks or on torch's global seed."""
    alone = spoken(kokoro, chunk())[0]
    _, after = spoken(kokoro, chunk("wˈʌn."), chunk())
    assert alone.tobytes() == after.tobytes()
    torch.manual_seed(1)
    assert spoken(kokoro, chunk())[0].tobytes() == alone.tobytes()


def test_other_seed_gives_other_noise_and_the_same_speech(kokoro):
    """Another seed changes only the noise; the samples correlate over 0.95."""
    first, second = spoken(kokoro, chunk(), chunk(seed=8))
    assert first.tobytes() != second.tobytes()
    assert np.corrcoef(first, second)[0, 1] > 0.95


def test_the_hosts_random_numbers_are_left_alone(kokoro):
    """Synthesis does not change the state of torch's global random generator."""
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    spoken(kokoro, chunk())
    assert torch.equal(torch.rand(4), expected)


def halves(line=PHONEMES, word=3, **changes):
    """The two parts of a line, split before its word number `word`."""
    at = len(" ".join(line.split(" ")[:word])) + 1
    return [chunk(part, line=line, at=start, **changes) for part, start in ((line[: at - 1], 0), (line[at:], at))]


def test_a_line_is_spoken_in_two_parts(exact):
    """The parts of a line have the durations of the whole line; the space between them is divided."""
    parts, (whole,) = syntheses(exact, *halves()), syntheses(exact, chunk())
    first, second = (part.durations for part in parts)
    space = len(first) - 1
    assert [len(first) - 2, len(second) - 2] == [len(part.phonemes) for part in halves()]
    assert (*first[:-1], first[-1] + second[0], *second[1:]) == whole.durations
    assert whole.durations[space] == first[-1] + second[0]
    assert [part.audio.duration for part in parts] == pytest.approx(
        [sum(durations) * exact.frame for durations in (first, second)]
    )


def test_the_second_part_is_the_same_in_a_process_that_did_not_speak_the_first(exact):
    """Its samples do not depend on whether the first part, or other lines, were spoken before."""
    _, expected = spoken(exact, *halves())
    assert not exact._lines
    others = [part for seed in range(10) for part in halves(seed=seed)[:1]]
    spoken(exact, *others[:9])
    assert len(exact._lines) == 8
    exact._lines.clear()
    assert spoken(exact, halves()[1])[0].tobytes() == expected.tobytes()


def test_lines_are_split_only_where_it_is_fast_and_nothing_changes_with_the_batch(exact):
    """Engines with other blocks, or with larger batches, speak whole lines."""
    assert exact.limits.splits > 0
    assert Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.bfloat16).limits.splits == 0


def test_speed_changes_the_length(kokoro):
    """At twice the speed, the audio is half as long, within 25 %."""
    slow, fast = spoken(kokoro, chunk(speed=0.8), chunk(speed=1.6))
    assert len(slow) / len(fast) == pytest.approx(2.0, rel=0.25)


@pytest.mark.slow
def test_most_phonemes_are_spoken(kokoro):
    """A chunk of MOST phonemes, Kokoro's own limit, is synthesized."""
    (synthesis,) = syntheses(kokoro, chunk(("lˈa " * MOST)[:MOST]))
    assert len(synthesis.durations) == MOST + 2


def test_more_phonemes_than_the_most_are_refused(kokoro):
    """A chunk of MOST + 1 phonemes raises an EngineError.

    Tests of the network's parts show that the network accepts MOST phonemes.
    """
    with pytest.raises(EngineError, match="1 to 510"):
        syntheses(kokoro, chunk("a" * (MOST + 1)))


def test_chunk_without_phonemes_is_silence(kokoro, upstream):
    """A chunk without phonemes, all of whose words were lost, has no samples and keeps its place."""
    for engine in (kokoro, upstream):
        first, nothing, last = syntheses(engine, chunk("wˈʌn."), chunk(""), chunk("tˈu."))
        assert (len(nothing.audio.samples), nothing.durations) == (0, ())
        assert min(first.audio.duration, last.audio.duration) > 0.2


def test_an_engine_says_who_it_is(kokoro, upstream):
    """An engine's identity has its name, the source of its weights and their hash as in the cache's manifest."""
    assert (kokoro.identity.name, upstream.identity.name) == ("kokoro", "upstream")
    for engine in (kokoro, upstream):
        assert engine.identity.weights == hub.ensure("kokoro").source
        assert re.fullmatch("[0-9a-f]{64}", engine.identity.weights_sha256)
        assert (engine.identity.licence, engine.identity.commercial) == ("Apache-2.0", True)
        assert (engine.identity.sample_rate, engine.identity.deterministic) == (24_000, True)


def test_a_closed_engine_fails_what_it_had_not_begun():
    """After an engine is closed, each remaining chunk fails with an error of its own."""
    engine = Kokoro.load("cpu")
    outcomes = engine.synthesize([chunk("wˈʌn."), chunk("tˈu."), chunk("θɹˈi.")])
    assert next(outcomes).result().durations
    engine.close()
    for outcome in (*outcomes, *engine.synthesize([chunk()])):
        assert isinstance(outcome.error, EngineError)
        assert "kokoro was closed" in str(outcome.error)


def test_unknown_phoneme_is_named(kokoro):
    """A phoneme that Kokoro does not have is named in an error.

    Upstream drops it, and shifts every later duration.
    """
    with pytest.raises(EngineError, match="7"):
        syntheses(kokoro, chunk("hə7lˈO"))


def test_bfloat16_says_the_same(exact, whisper):
    """With the decoder in bfloat16, the durations and the recognized text stay the same."""
    rounded = Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.bfloat16)
    (reference,), (other,) = (syntheses(engine, chunk()) for engine in (exact, rounded))
    assert reference.durations == other.durations
    said, rounded_said = whisper.transcribe([reference.audio, other.audio])
    assert said.text == rounded_said.text


def test_source_of_silence_is_noise_alone(network, alone):
    """The harmonic source of unvoiced frames is noise only, and that of voiced frames repeats with the period of F0."""
    source = network.decoder.generator.m_source
    with torch.inference_mode():
        voiced, unvoiced = (
            source(torch.full((1, 80), hertz), alone(80), [torch.Generator().manual_seed(0)])[0]
            for hertz in (240.0, 0.0)
        )
    period = 24_000 // 240
    assert voiced.shape == (80 * 300,)
    assert np.corrcoef(voiced[:-period], voiced[period:])[0, 1] > 0.95
    assert abs(np.corrcoef(unvoiced[:-period], unvoiced[period:])[0, 1]) < 0.1


def test_device_that_is_not_there_is_refused():
    """If there is no CUDA device, the error names the option --device cpu."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(EngineError, match="--device cpu"):
        registry.synthesizer("kokoro", "cuda").__enter__()


def test_checkpoint_without_a_weight_is_refused(tmp_path):
    """A checkpoint without one of the weights raises a ModelError; upstream would use random numbers in its place."""
    whole = torch.load(hub.ensure("kokoro").folder / hub.KOKORO_WEIGHTS, weights_only=True)
    del whole["predictor"]["module.duration_proj.linear_layer.weight"]
    torch.save(whole, tmp_path / hub.KOKORO_WEIGHTS)
    with pytest.raises(ModelError, match=r"predictor\.duration_proj"):
        load_model(hub.Installed(tmp_path, "test"))


def test_published_order_of_weights_is_read(tmp_path, kmodel, network):
    """A checkpoint is read in either order of the two tensors of weight norm.

    The published checkpoint has a weight's length before its direction, the rebuilt one after it.
    """
    parts = {
        name: {f"module.{key}": tensor.clone() for key, tensor in part.state_dict().items()}
        for name, part in kmodel.named_children()
    }
    keys = list(parts["text_encoder"])
    assert keys.index("module.cnn.0.0.weight_g") < keys.index("module.cnn.0.0.weight_v")
    torch.save(parts, tmp_path / hub.KOKORO_WEIGHTS)
    loaded = load_model(hub.Installed(tmp_path, "official"))
    same = dict(network.named_parameters())
    assert all(torch.equal(tensor, same[name]) for name, tensor in loaded.named_parameters())


def test_file_that_is_no_checkpoint_is_refused(tmp_path):
    """An empty file, or one that is no checkpoint, raises a ModelError."""
    for raw in (b"", b"not a checkpoint", b"PK\x03\x04" + bytes(100)):
        (tmp_path / hub.KOKORO_WEIGHTS).write_bytes(raw)
        with pytest.raises(ModelError, match="is not a Kokoro checkpoint"):
            load_model(hub.Installed(tmp_path, "test"))


def test_network_is_loaded_without_those_of_others():
    """Loading the engine in a new interpreter imports no heavy library.

    transformers alone would take two seconds, spaCy half a second.
    """
    code = (
        "import sys; from speakkit import config; from speakkit.engines import locations, registry;"
        "locations.use(config.locations); registry.synthesizer('kokoro', 'cpu').__enter__();"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert "speakkit.engines.kokoro" in loaded
    assert {"transformers", "kokoro", "misaki", "spacy", "huggingface_hub", "loguru", "sympy"}.isdisjoint(loaded)
