"""Tests of PL-BERT against the ALBERT of transformers."""

import torch


@torch.inference_mode()
def test_reads_as_transformers_does(network, kmodel, tokens, alone):
    """The output equals that of transformers bit for bit.

    Exact equality matters because a duration is a rounded sum, and F0 is multiplied by thousands.
    """
    theirs = kmodel.bert(tokens, attention_mask=torch.ones_like(tokens).int())
    assert torch.equal(network.bert(tokens, alone(tokens.shape[1])), theirs)
