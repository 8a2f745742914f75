"""Tests of the network's own modules against the original's."""

import pytest
import torch

from speakkit.engines import voice_packs
from speakkit.engines.kokoro_config import settings
from speakkit.engines.styletts2.adain import AdaINBlock
from speakkit.engines.styletts2.network import StyleTTS2
from speakkit.engines.styletts2.padding import Lengths


@torch.inference_mode()
def test_text_is_encoded_as_the_original_does(network, kmodel, tokens, alone):
    """The text encoder equals the original's bit for bit."""
    lengths, mask = torch.tensor([tokens.shape[1]]), torch.zeros(tokens.shape, dtype=torch.bool)
    assert torch.equal(network.text_encoder(tokens, alone(tokens.shape[1])), kmodel.text_encoder(tokens, lengths, mask))


def test_every_weight_of_the_original_has_its_place(kmodel):
    """Every weight of the original has the same name and shape in speakkit's network.

    Exceptions: the two tensors of weight norm are merged into one, and the pooler and the norms of scale one are not
    used.
    """
    with torch.device("meta"):
        ours = {name: tensor.shape for name, tensor in StyleTTS2(settings()).state_dict().items()}
    theirs = {
        name.removesuffix("_v"): tensor.shape
        for name, tensor in kmodel.state_dict().items()
        if not name.endswith("_g") and ".norm." not in name and not name.startswith("bert.pooler")
    }
    assert ours == theirs


@torch.inference_mode()
def test_every_block_of_the_decoder_is_the_originals(network, kmodel, prosody, alone):
    """Each decoder block equals the original's bit for bit, with or without a change of channels or frame count."""
    decoder, original = network.decoder, kmodel.decoder
    pairs = [(decoder.encode, original.encode), *zip(decoder.decode, original.decode, strict=True)]
    for ours, theirs in pairs:
        assert isinstance(ours, AdaINBlock)
        x = torch.randn(1, ours.norm1.fc.out_features // 2, 60, generator=torch.Generator().manual_seed(1))
        assert torch.equal(ours(x, prosody, alone(60)), theirs(x, prosody))


@torch.inference_mode()
@pytest.mark.parametrize("line", ["fˈɪkst ðə tˈɛst.", "ɐ ʤˈɑb fˈAld."])
def test_the_voice_is_there_when_the_first_phoneme_begins(network, line):
    """At higher speeds, the energy rises as early before the first phoneme as at 1.0, within half a frame.

    If the silence before it is shorter than at 1.0, the energy is still low there, and "Fixed" becomes "ixed".
    """
    packs = [voice_packs.pack(name) for name in ("af_heart", "af_aoede", "bm_george")]
    prosody = torch.cat([torch.from_numpy(pack[len(line) - 1]) for pack in packs])[:, network.style_dim :]
    ids = [0, *(settings()["vocab"][symbol] for symbol in line), 0]

    def earliness(speed):
        """Half frames by which the energy is positive before the first phoneme begins, for each voice."""
        batch = torch.tensor([ids] * len(packs))
        lengths = Lengths([len(ids)] * len(packs), batch.device)
        score = network.score(batch, lengths, prosody, torch.full([len(packs)], speed))
        return 2 * score.durations[:, 0] - (score.energy[:, 0] > 0).int().argmax(1)

    own = earliness(1.0)
    for speed in (1.25, 2.0):
        assert (earliness(speed) >= own - 1).all()
