"""Kokoro's network: phonemes and a style -> samples. StyleTTS 2 (arXiv:2306.07691), its style read from a voice pack.

The same function as kokoro.KModel for one text at a time, and parameters of the same names, so that the published
checkpoint fits; but it imports torch alone, where KModel takes transformers, spaCy and misaki along.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speakkit.engines.styletts2.adain import EPS, SLOPE
from speakkit.engines.styletts2.albert import Albert
from speakkit.engines.styletts2.istftnet import Decoder
from speakkit.engines.styletts2.prosody import ProsodyPredictor, bilstm


class StyleTTS2(nn.Module):
    """[1, tokens] ids, [1, 256] style, a speed and a source of noise -> [600 T] samples and [tokens] durations.

    T frames of 25 ms are the sum of the durations. The first half of the style is the voice's sound, the second its
    prosody.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        """`config` is Kokoro's config.json."""
        super().__init__()
        symbols, channels, layers = config["n_token"], config["hidden_dim"], config["n_layer"]
        self.style_dim: int = config["style_dim"]
        self.bert = Albert(symbols, **config["plbert"])
        self.bert_encoder = nn.Linear(config["plbert"]["hidden_size"], channels)
        self.predictor = ProsodyPredictor(channels, self.style_dim, layers, config["max_dur"])
        self.text_encoder = TextEncoder(symbols, channels, config["text_encoder_kernel_size"], layers)
        self.decoder: nn.Module = Decoder(channels, self.style_dim, **config["istftnet"])

    def forward(self, tokens: Tensor, style: Tensor, speed: float, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """See the class."""
        sound, prosody = style[:, : self.style_dim], style[:, self.style_dim :]
        hidden = self.predictor.text_encoder(self.bert_encoder(self.bert(tokens)), prosody)
        (durations,) = self.predictor.durations(hidden, speed)
        f0, energy = self.predictor.curves(hidden.repeat_interleave(durations, 1), prosody)
        text = self.text_encoder(tokens).repeat_interleave(durations, 2)
        return self.decoder(text, f0, energy, sound, noise)[0], durations


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

    def forward(self, tokens: Tensor) -> Tensor:
        """See the class."""
        x = self.embedding(tokens).transpose(1, 2)
        for layer in self.cnn:
            x = layer(x)
        encoded: Tensor = self.lstm(x.transpose(1, 2))[0].transpose(1, 2)
        return encoded


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of [batch, channels, length]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(channels))
        self.beta = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, EPS).transpose(1, 2)
