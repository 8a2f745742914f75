"""Fit data/hama_phonemes.tsv, what hama writes for speakkit's phonemes and how late, to speech with known times.

    python benchmarks/fit_aligner.py FOLDER [EACH]   # prints the table; FOLDER keeps the speech; EACH: 12 utterances a voice

The weights are the shares of hama's probability that its tokens have where a phoneme is known to be; shares from FULL
on count fully. The lags are medians.
"""
