"""PL-BERT against transformers' ALBERT."""

import torch


@torch.inference_mode()
def test_reads_as_transformers_does(network, kmodel, tokens, alone):
    """To the bit: a duration is a sum that is rounded, and F0 is multiplied by thousands."""
    theirs = kmodel.bert(tokens, attention_mask=torch.ones_like(tokens).int())
    assert torch.equal(network.bert(tokens, alone(tokens.shape[1])), theirs)
