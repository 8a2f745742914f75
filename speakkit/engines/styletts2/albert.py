"""PL-BERT, a language model over phonemes (Li et al. 2023, arXiv:2301.08810).

It is an ALBERT (Lan et al. 2020, arXiv:1909.11942): one layer, applied repeatedly, with token embeddings that are
narrower than the layer.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speakkit.engines.styletts2.padding import Lengths

EMBEDDING = 128
"""Width of a token embedding."""

EPS = 1e-12
"""Epsilon of the layer norms."""


class Albert(nn.Module):
    """[batch, tokens] ids -> [batch, tokens, hidden_size].

    The arguments are those of "plbert" in config.json.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        hidden_size: int,
        num_attention_heads: int,
        intermediate_size: int,
        max_position_embeddings: int,
        num_hidden_layers: int,
        dropout: float,  # noqa: ARG002  only used in training
    ) -> None:
        super().__init__()
        self.embeddings = _Embeddings(vocab_size, max_position_embeddings)
        layer = _Layer(hidden_size, num_attention_heads, intermediate_size)
        self.encoder = _Encoder(layer, hidden_size, num_hidden_layers)

    def forward(self, tokens: Tensor, lengths: Lengths) -> Tensor:
        """See the class. Output at padded positions is undefined."""
        # No mask without padding, so that the same attention kernel runs as for a single text.
        seen = ~lengths.padding[:, None] if lengths.is_ragged else None
        encoded: Tensor = self.encoder(self.embeddings(tokens), seen)
        return encoded


class _Embeddings(nn.Module):
    """Token embeddings: the sum of word, position and type embeddings, normalized."""

    def __init__(self, vocab_size: int, positions: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, EMBEDDING)
        self.position_embeddings = nn.Embedding(positions, EMBEDDING)
        self.token_type_embeddings = nn.Embedding(2, EMBEDDING)
        self.LayerNorm = nn.LayerNorm(EMBEDDING, EPS)

    def forward(self, tokens: Tensor) -> Tensor:
        """[batch, tokens] -> [batch, tokens, EMBEDDING]."""
        positions = self.position_embeddings.weight[: tokens.shape[1]]
        # Every token has the first type, because the input is never a sentence pair.
        summed = self.word_embeddings(tokens) + self.token_type_embeddings.weight[0] + positions
        normed: Tensor = self.LayerNorm(summed)
        return normed


class _Encoder(nn.Module):
    """One layer, applied `depth` times.

    The checkpoint stores it as a list of one group with a list of one layer.
    """

    def __init__(self, layer: nn.Module, hidden_size: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.embedding_hidden_mapping_in = nn.Linear(EMBEDDING, hidden_size)
        self.albert_layer_groups = nn.ModuleList([nn.ModuleDict({"albert_layers": nn.ModuleList([layer])})])

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """[batch, tokens, EMBEDDING] -> [batch, tokens, hidden_size].

        seen: attention mask [batch, 1, 1, tokens], True for tokens that are attended to; None for all
        """
        x = self.embedding_hidden_mapping_in(x)
        (layer,) = (module for module in self.modules() if isinstance(module, _Layer))
        for _ in range(self.depth):
            x = layer(x, seen)
        return x


class _Layer(nn.Module):
    """One transformer layer: attention, then a feed-forward network, each with a residual connection and a norm."""

    def __init__(self, hidden_size: int, heads: int, intermediate_size: int) -> None:
        super().__init__()
        self.attention = _Attention(hidden_size, heads)
        self.ffn = nn.Linear(hidden_size, intermediate_size)
        self.ffn_output = nn.Linear(intermediate_size, hidden_size)
        self.full_layer_layer_norm = nn.LayerNorm(hidden_size, EPS)

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """[batch, tokens, hidden_size] -> the same shape."""
        x = self.attention(x, seen)
        normed: Tensor = self.full_layer_layer_norm(self.ffn_output(_gelu(self.ffn(x))) + x)
        return normed


class _Attention(nn.Module):
    """Multi-head self-attention, with a residual connection and a norm."""

    def __init__(self, hidden_size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.LayerNorm = nn.LayerNorm(hidden_size, EPS)

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        """[batch, tokens, hidden_size] -> the same shape."""
        query, key, value = (self._by_head(linear(x)) for linear in (self.query, self.key, self.value))
        heard = F.scaled_dot_product_attention(query, key, value, seen).transpose(1, 2).flatten(2)
        normed: Tensor = self.LayerNorm(x + self.dense(heard))
        return normed

    def _by_head(self, x: Tensor) -> Tensor:
        """[batch, tokens, hidden_size] -> [batch, heads, tokens, hidden_size / heads]."""
        return torch.unflatten(x, 2, (self.heads, -1)).transpose(1, 2)


def _gelu(x: Tensor) -> Tensor:
    """Return Transformers' gelu_new of `x`, equal to the bit.

    F.gelu(approximate="tanh") rounds differently, and F0 would differ because of that.
    """
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x.pow(3))))
