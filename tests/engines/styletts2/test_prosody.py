"""Tests of the durations and of the F0 and energy curves against the original's."""

import pytest
import torch


def hidden(kmodel, tokens, prosody):
    """The original's encoded tokens and its prosody text encoding of them, [1, n, 640]."""
    read = kmodel.bert_encoder(kmodel.bert(tokens, attention_mask=torch.ones_like(tokens).int()))
    lengths, mask = torch.tensor([tokens.shape[1]]), torch.zeros(tokens.shape, dtype=torch.bool)
    return read, kmodel.predictor.text_encoder(read.transpose(1, 2), prosody, lengths, mask)


@torch.inference_mode()
def test_encodes_as_the_original_does(network, kmodel, tokens, prosody, alone):
    """The prosody text encoder equals the original's bit for bit."""
    read, theirs = hidden(kmodel, tokens, prosody)
    assert torch.equal(network.predictor.text_encoder(read, prosody, alone(tokens.shape[1])), theirs)


@torch.inference_mode()
@pytest.mark.parametrize("speed", [0.5, 1.0, 1.25, 2.0])
def test_durations_are_the_originals(network, kmodel, tokens, prosody, speed, alone):
    """Durations equal the original's at every speed, at least one frame, except the start token's.

    The start token is silence, and is as long as the original's at speed 1.0.
    """
    _, encoded = hidden(kmodel, tokens, prosody)
    sums = torch.sigmoid(kmodel.predictor.duration_proj(kmodel.predictor.lstm(encoded)[0])).sum(-1)
    ours = network.predictor.durations(encoded, torch.tensor([speed]), alone(tokens.shape[1]))
    theirs = (sums / speed).round().clamp(min=1).long()
    assert torch.equal(ours[:, 1:], theirs[:, 1:])
    assert torch.equal(ours[:, 0], sums[:, 0].round().clamp(min=1).long())
    assert (ours[:, 0] == theirs[:, 0]) == (speed == 1.0)


@torch.inference_mode()
def test_curves_are_the_originals(network, kmodel, tokens, prosody, alone):
    """The F0 and energy curves equal the original's bit for bit, with two values per frame."""
    _, encoded = hidden(kmodel, tokens, prosody)
    by_frame = encoded.repeat_interleave(2, 1)
    f0, energy = network.predictor.curves(by_frame, prosody, alone(by_frame.shape[1]))
    their_f0, their_energy = kmodel.predictor.F0Ntrain(by_frame.transpose(1, 2), prosody)
    assert f0.shape == (1, 1, 4 * tokens.shape[1])
    assert torch.equal(f0[0], their_f0)
    assert torch.equal(energy[0], their_energy)
