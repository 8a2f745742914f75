"""Kokoro's network: phonemes and a style -> samples. StyleTTS 2 (arXiv:2306.07691), with the style from a voice pack.

It computes the same function as kokoro.KModel, with parameters of the same names, so that the published checkpoint
loads. Unlike KModel, which imports transformers, spaCy and misaki, it imports torch alone. It also synthesizes any
number of texts in a batch, each of which sounds as it would alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speakkit.engines.styletts2.adain import SLOPE
from speakkit.engines.styletts2.albert import Albert
from speakkit.engines.styletts2.istftnet import Decoder
from speakkit.engines.styletts2.padding import EPS, Lengths, roomy
from speakkit.engines.styletts2.prosody import ProsodyPredictor, bilstm


@dataclass(frozen=True, eq=False)
class Score:
    """The decoder's input: encoded text, prosody and durations of a batch.

    text: [batch, channels, T] encoded phonemes, each repeated for its duration
    f0, energy: [batch, 1, 2 T], F0 in hertz; zeros in the padding of each text
    durations: [batch, tokens], in frames
    frames: each text's own number of frames, of 25 ms, out of T
    """

    text: Tensor
    f0: Tensor
    energy: Tensor
    durations: Tensor
    frames: Lengths


class StyleTTS2(nn.Module):
    """The whole network: texts -> prosody (`score`) -> samples (`decoder`).

    The result for each text is the same as if it were alone in the batch.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        """Create the network. `config` is Kokoro's config.json."""
        super().__init__()
        symbols, channels, layers = config["n_token"], config["hidden_dim"], config["n_layer"]
        self.style_dim: int = config["style_dim"]
        self.bert = Albert(symbols, **config["plbert"])
        self.bert_encoder = nn.Linear(config["plbert"]["hidden_size"], channels)
        self.predictor = ProsodyPredictor(channels, self.style_dim, layers, config["max_dur"])
        self.text_encoder = TextEncoder(symbols, channels, config["text_encoder_kernel_size"], layers)
        self.decoder = Decoder(channels, self.style_dim, **config["istftnet"])

    def forward(
        self, tokens: Tensor, lengths: Lengths, style: Tensor, speeds: Tensor, noise: Sequence[torch.Generator]
    ) -> tuple[Tensor, Score]:
        """Synthesize texts: return [batch, 600 T] samples at 24 kHz, and the score.

        Each of a text's own frames has 600 samples.

        tokens: [batch, tokens] ids
        lengths: each text's own number of tokens
        style: [batch, 256]; the first half is the decoder's style, the second the prosody's
        speeds: [batch], 1.0 is the voice's own speed
        noise: one random generator per text
        """
        sound, prosody = style[:, : self.style_dim], style[:, self.style_dim :]
        score = self.score(tokens, lengths, prosody, speeds)
        return self.decoder(score.text, score.f0, score.energy, sound, score.frames, noise), score

    def score(self, tokens: Tensor, lengths: Lengths, prosody: Tensor, speeds: Tensor) -> Score:
        """Return the prosody of texts. The arguments are those of `forward`."""
        hidden = self.predictor.text_encoder(self.bert_encoder(self.bert(tokens, lengths)), prosody, lengths)
        durations = self.predictor.durations(hidden, speeds, lengths)
        ends = durations.cumsum(1)
        own = ends[:, -1].tolist()  # the only synchronization with the GPU
        frames = Lengths(own, tokens.device, roomy(max(own), tokens.device))
        each = torch.arange(frames.width, device=tokens.device).expand(len(tokens), -1).contiguous()
        # Frames in the padding repeat the last token. Any token would do.
        token = torch.searchsorted(ends, each, right=True).clamp_(max=lengths.width - 1)[..., None]
        held = hidden.gather(1, token.expand(-1, -1, hidden.shape[2]))
        f0, energy = self.predictor.curves(held, prosody, frames)
        text = self.text_encoder(tokens, lengths)
        text = text.gather(2, token.transpose(1, 2).expand(-1, text.shape[1], -1))
        return Score(text, f0, energy, durations, frames)


class TextEncoder(nn.Module):
    """[batch, tokens] ids -> [batch, channels, tokens]: the phonemes, independent of the style."""

    def __init__(self, symbols: int, channels: int, kernel: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, channels)
        self.cnn = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(channels, channels, kernel, padding=kernel // 2), _ChannelNorm(channels), nn.LeakyReLU(SLOPE)
            )
            for _ in range(layers)
        )
        self.lstm = bilstm(channels, channels)

    def forward(self, tokens: Tensor, lengths: Lengths) -> Tensor:
        """See the class."""
        x = self.embedding(tokens).transpose(1, 2)
        for layer in self.cnn:
            x = layer(lengths.trimmed_(x))
        return lengths.through(self.lstm, x.transpose(1, 2)).transpose(1, 2)


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of [batch, channels, length]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(channels))
        self.beta = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, EPS).transpose(1, 2)
