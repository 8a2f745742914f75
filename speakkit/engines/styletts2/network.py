"""Kokoro's network: phonemes and a style -> samples. StyleTTS 2 (arXiv:2306.07691), its style read from a voice pack.

The same function as kokoro.KModel, and parameters of the same names, so that the published checkpoint fits. But it
imports torch alone, where KModel takes transformers, spaCy and misaki along; and it speaks any number of texts at once,
each of which sounds as it would alone.
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
    """How texts are to be said: what the decoder plays.

    text: [batch, channels, T] encoded phonemes, each held for its duration
    f0, energy: [batch, 1, 2 T], F0 in hertz; zeros past the end of each
    durations: [batch, tokens], in frames
    frames: how many of the T frames, of 25 ms, are each text's own
    """

    text: Tensor
    f0: Tensor
    energy: Tensor
    durations: Tensor
    frames: Lengths


class StyleTTS2(nn.Module):
    """Texts -> how they are to be said (`score`) -> samples (`decoder`), each text as it would be alone."""

    def __init__(self, config: dict[str, Any]) -> None:
        """`config` is Kokoro's config.json."""
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
        """Speak texts: [batch, 600 T] samples at 24 kHz, of which each text's own frames have 600 each; and the score.

        tokens: [batch, tokens] ids, whose `lengths` are each text's own
        style: [batch, 256]; the first half is the voice's sound, the second its prosody
        speeds: [batch]
        noise: what each text's noise is drawn from
        """
        sound, prosody = style[:, : self.style_dim], style[:, self.style_dim :]
        score = self.score(tokens, lengths, prosody, speeds)
        return self.decoder(score.text, score.f0, score.energy, sound, score.frames, noise), score

    def score(self, tokens: Tensor, lengths: Lengths, prosody: Tensor, speeds: Tensor) -> Score:
        """How texts are to be said. The arguments are those of `forward`."""
        hidden = self.predictor.text_encoder(self.bert_encoder(self.bert(tokens, lengths)), prosody, lengths)
        durations = self.predictor.durations(hidden, speeds, lengths)
        ends = durations.cumsum(1)
        own = ends[:, -1].tolist()  # the one time that a GPU is waited for
        frames = Lengths(own, tokens.device, roomy(max(own), tokens.device))
        each = torch.arange(frames.width, device=tokens.device).expand(len(tokens), -1).contiguous()
        # The frames of the padding hold the last token: any would do.
        token = torch.searchsorted(ends, each, right=True).clamp_(max=lengths.width - 1)[..., None]
        held = hidden.gather(1, token.expand(-1, -1, hidden.shape[2]))
        f0, energy = self.predictor.curves(held, prosody, frames)
        text = self.text_encoder(tokens, lengths)
        text = text.gather(2, token.transpose(1, 2).expand(-1, text.shape[1], -1))
        return Score(text, f0, energy, durations, frames)


class TextEncoder(nn.Module):
    """[batch, tokens] ids -> [batch, channels, tokens]: what is said, without how."""

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
