"""Tests of the generator against the original, with the same F0 and the same noise."""

import torch

from speakkit.engines import voice_packs

SEED = 7


def noise(tensor):
    """Replaces torch.randn_like in the original, and draws the noise in the order of speakkit's network.

    The original draws [1, 600 T, 9], then [1, 600 T, 1].
    """
    drawn = torch.empty(tensor.transpose(1, 2).shape).normal_(generator=torch.Generator().manual_seed(SEED))
    return drawn.transpose(1, 2)


def f0_curve(frames):
    """An F0 curve that rises and falls and has a pause, [1, frames] hertz."""
    f0 = 180 + 60 * torch.sin(torch.arange(frames) / 20)
    f0[frames // 3 : frames // 2] = 0.0
    return f0[None]


@torch.inference_mode()
def test_source_is_the_originals(network, kmodel, alone, monkeypatch):
    """The harmonic source equals the original's, although it is summed at the rate of F0.

    The original resamples to 300 times that rate and back.
    """
    monkeypatch.setattr(torch, "randn_like", noise)
    f0 = f0_curve(200)
    source, generator = network.decoder.generator.m_source, kmodel.decoder.generator
    theirs, _, _ = generator.m_source(generator.f0_upsamp(f0[:, None]).transpose(1, 2))
    ours = source(f0, alone(200), [torch.Generator().manual_seed(SEED)])
    assert (ours - theirs[..., 0]).abs().max() < 1e-3


@torch.inference_mode()
def test_generator_is_the_originals(network, kmodel, alone, monkeypatch):
    """For the features of real speech, the samples differ from the original's only by rounding."""
    monkeypatch.setattr(torch, "randn_like", noise)
    given = []
    with kmodel.decoder.generator.register_forward_pre_hook(lambda _, arguments: given.extend(arguments)):
        theirs = kmodel("həlˈO fɹʌm spˈikɪt.", torch.from_numpy(voice_packs.pack("af_heart")[18]))
    lengths = alone(given[0].shape[2])
    ours = network.decoder.generator(*given, lengths, [torch.Generator().manual_seed(SEED)])[0]
    assert ours.shape == theirs.shape
    assert torch.corrcoef(torch.stack([ours, theirs]))[0, 1] > 0.9999
    assert (ours - theirs).abs().max() < 0.026
