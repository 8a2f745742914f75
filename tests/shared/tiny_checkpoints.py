"""Small checkpoints of the recognizers' real classes, saved as the published ones are, which recognize what is planted.

Parakeet hears a word wherever the sound is loud. Qwen3-ASR says SCRIPT, whatever it hears.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    GenerationConfig,
    ParakeetCTCConfig,
    ParakeetEncoderConfig,
    ParakeetFeatureExtractor,
    ParakeetForCTC,
    ParakeetForTDT,
    ParakeetProcessor,
    ParakeetTDTConfig,
    ParakeetTokenizer,
    Qwen2Tokenizer,
    Qwen3ASRConfig,
    Qwen3ASRFeatureExtractor,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
    Qwen3ASRProcessor,
)

PIECES = ("<unk>", "▁boom", "▁bang", "s", ",", "▁", "x", "é", "<pad>")
"""Vocabulary of Parakeet; that of TDT ends with <blank>."""

BOOM, PAD = PIECES.index("▁boom"), PIECES.index("<pad>")

ENCODER = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "subsampling_conv_channels": 4,
}

SCRIPT = ("language", "ĠEnglish", "<asr_text>", "Hello", ",", "Ġwor", "ld", "Ġ-", "ĠnaÃ¯", "ve", "!", "<|im_end|>")
"""What Qwen3-ASR says, token by token, in the letters that stand for bytes."""

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_pad|>", "<|audio_end|>")

RECOGNIZER_TEMPLATE = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message.role + '\n' }}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'audio' -%}{{ '<|audio_start|><|audio_pad|><|audio_end|>' }}"
    "{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{{ '<|im_end|>\n' }}{%- endfor -%}"
)

ALIGNER_TEMPLATE = (
    "{%- for message in messages -%}{%- for part in message.content -%}"
    "{%- if part.type == 'audio' -%}{{ '<|audio_start|><|audio_pad|><|audio_end|>' }}"
    "{%- else -%}{{ part.text + '<timestamp><timestamp>' }}{%- endif -%}"
    "{%- endfor -%}{%- endfor -%}"
)


def parakeet_ctc(folder: Path) -> None:
    """Save a network that emits "boom" in each loud frame, with a probability under 1, and blank in the others."""
    config = ParakeetCTCConfig(
        vocab_size=len(PIECES), pad_token_id=PAD, encoder_config=ParakeetEncoderConfig(**ENCODER).to_dict()
    )
    torch.manual_seed(0)
    network = ParakeetForCTC(config)
    _plant_loudness(network.encoder)
    with torch.no_grad():
        network.ctc_head.weight.zero_()
        network.ctc_head.bias.zero_()
        network.ctc_head.weight[BOOM, 0, 0] = 2.0
        network.ctc_head.weight[PAD, 1, 0] = 2.0
    network.save_pretrained(folder)
    _parakeet_processor((*PIECES,), "ctc").save_pretrained(folder)


def parakeet_tdt(folder: Path, seed: int = 0) -> None:
    """Save a random network whose outputs change with the sound."""
    blank = len(PIECES)
    config = ParakeetTDTConfig(
        vocab_size=blank + 1,
        decoder_hidden_size=16,
        num_decoder_layers=1,
        pad_token_id=PAD,
        blank_token_id=blank,
        durations=[0, 1, 2, 3, 4],
        encoder_config=ParakeetEncoderConfig(**ENCODER).to_dict(),
    )
    torch.manual_seed(seed)
    network = ParakeetForTDT(config)
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn_like(weights) * 0.5)
        network.joint.head.bias[blank + 1] = -2.0  # few steps without progress
    network.generation_config.decoder_start_token_id = blank
    network.generation_config.suppress_tokens = list(range(blank + 1, blank + 6))  # those of durations
    network.save_pretrained(folder)
    _parakeet_processor((*PIECES, "<blank>"), "tdt").save_pretrained(folder)


def qwen_recognizer(folder: Path) -> None:
    """Save a network whose next token depends on the last one alone, so that it says SCRIPT."""
    tokenizer = _qwen_tokenizer()
    size = len(tokenizer)
    torch.manual_seed(0)
    network = Qwen3ASRForConditionalGeneration(_qwen_config(tokenizer, hidden_size=size, tie_word_embeddings=False))
    layer = network.model.language_model.layers[0]
    said = ["Ċ", *SCRIPT]  # after the line that begins the answer
    with torch.no_grad():
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
        network.model.language_model.embed_tokens.weight.copy_(torch.eye(size))
        network.lm_head.weight.zero_()
        for k, (last, following) in enumerate(pairwise(said)):
            last_id, next_id = tokenizer.convert_tokens_to_ids([last, following])
            network.lm_head.weight[next_id, last_id] = 0.4 + 0.05 * k
    end, pad = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    network.generation_config = GenerationConfig(eos_token_id=[pad, end], pad_token_id=end, do_sample=False)
    network.save_pretrained(folder)
    _qwen_processor(tokenizer, RECOGNIZER_TEMPLATE).save_pretrained(folder)


def qwen_aligner(folder: Path) -> None:
    """Save a random network for times."""
    tokenizer = _qwen_tokenizer()
    torch.manual_seed(0)
    network = Qwen3ASRForTokenClassification(_qwen_config(tokenizer, hidden_size=32, num_labels=20))
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn_like(weights) * 0.5)
    network.save_pretrained(folder)
    _qwen_processor(tokenizer, ALIGNER_TEMPLATE).save_pretrained(folder)


def _plant_loudness(encoder: Any) -> None:
    """Plant an encoder whose first channel is high and second one low in loud frames, and the reverse in quiet ones."""
    with torch.no_grad():
        for layer in encoder.subsampling.layers:
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.fill_(1.0 / layer.weight[0].numel())
                layer.get_parameter("bias").zero_()
        linear = encoder.subsampling.linear
        linear.weight.zero_()
        linear.weight[0], linear.weight[1] = 1.0, -1.0
        linear.bias.zero_()
        linear.bias[0], linear.bias[1] = -30.0, 30.0  # between the sums of quiet and of loud frames
        block = encoder.layers[0]
        for last in (
            *(block.feed_forward1.linear2, block.feed_forward2.linear2),
            *(block.self_attn.o_proj, block.conv.pointwise_conv2),
        ):
            last.weight.zero_()
            last.bias.zero_()


def _parakeet_processor(pieces: tuple[str, ...], decoder: str) -> ParakeetProcessor:
    """The processor of a vocabulary."""
    model = BPE({piece: k for k, piece in enumerate(pieces)}, [], unk_token="<unk>", ignore_merges=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_tokens([AddedToken(piece, normalized=False, special=True) for piece in pieces if piece[0] == "<"])
    return ParakeetProcessor(
        ParakeetFeatureExtractor(),
        ParakeetTokenizer(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"),
        decoder_type=decoder,
    )


def _qwen_tokenizer() -> Qwen2Tokenizer:
    """A tokenizer of bytes, and of the tokens of SCRIPT."""
    own = [token for token in SCRIPT if token[0] != "<" and len(token) > 1]
    pieces = sorted(pre_tokenizers.ByteLevel.alphabet()) + own
    tokenizer = Qwen2Tokenizer(
        {piece: k for k, piece in enumerate(pieces)},
        [],
        extra_special_tokens={
            "audio_token": "<|audio_pad|>",
            "audio_bos_token": "<|audio_start|>",
            "audio_eos_token": "<|audio_end|>",
        },
    )
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in (*SPECIAL, "<timestamp>")])
    tokenizer.add_tokens([AddedToken("<asr_text>", special=False, normalized=False)])
    return tokenizer


def _qwen_config(tokenizer: Qwen2Tokenizer, **options: int) -> Qwen3ASRConfig:
    """A small configuration. options: of the text's network, and `num_labels`."""
    labels = {"num_labels": options.pop("num_labels")} if "num_labels" in options else {}
    text = {
        "vocab_size": len(tokenizer),
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 8,
        **options,
    }
    audio = {
        "d_model": 16,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 16,
        "downsample_hidden_size": 4,
        "output_dim": options["hidden_size"],
    }
    return Qwen3ASRConfig(
        audio_config=audio,
        text_config=text,
        audio_token_id=tokenizer.convert_tokens_to_ids("<|audio_pad|>"),
        timestamp_token_id=tokenizer.convert_tokens_to_ids("<timestamp>"),
        pad_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        tie_word_embeddings=False,
        **labels,
    )


def _qwen_processor(tokenizer: Qwen2Tokenizer, template: str) -> Qwen3ASRProcessor:
    return Qwen3ASRProcessor(Qwen3ASRFeatureExtractor(), tokenizer, chat_template=template)
