"""Fit data/hama_phonemes.tsv, what hama writes for each phoneme to Kokoro's speech of known times.

    python benchmarks/fit_aligner.py FOLDER [COUNT]   # FOLDER keeps the speech; COUNT: utterances, 64

Prints the table. The weight of a token for a phoneme is its share of hama's probability where the phoneme is known to
be; from FULL on it is 1, below LEAST 0. How late hama is goes to standard error (LAG and BETWEEN of hama_times).
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from known_times import FITTED, Timed, corpus, use_home

from speakkit.engines import ctc
from speakkit.engines.hama import Hama
from speakkit.engines.hama_phonemes import BLANK, BOUNDARY, Phonemes, split
from speakkit.engines.hama_times import AROUND, FRAME, LAG, PAUSE, Spikes

FULL, LEAST = 0.3, 0.02

AFTER = (0.0, 0.06)
"""Seconds after the beginning of a phoneme, and after its end, between which hama first looks for it."""


@dataclass(frozen=True, eq=False)
class Heard:
    """An utterance.

    words: its words, as speakkit spoke them
    begins: the seconds at which the words begin; empty if they are not those of the text
    symbols, starts: its phonemes, and the seconds at which they begin
    logs: natural logarithms of the probabilities of hama's tokens, [frames, tokens]
    """

    words: tuple[str, ...]
    begins: tuple[float, ...]
    symbols: tuple[str, ...]
    starts: npt.NDArray[np.float64]
    logs: npt.NDArray[np.float32]

    def spikes(self, phonemes: Phonemes) -> Spikes:
        """Return where hama hears the phonemes."""
        return Spikes.of(ctc.align(phonemes.observed(self.logs).scores, [[phonemes.columns(w)] for w in self.words]))


Shares = dict[str, npt.NDArray[np.float64]]
"""Phoneme -> the part of hama's probability that each token has, 1 in sum."""


def heard(timed: Iterable[Timed], aligner: Hama) -> Iterator[Heard]:
    """Yield the utterances whose words have the phonemes that were spoken."""
    for one in timed:
        said = tuple(word.pronunciations[0] for word in one.known if word.pronunciations)
        symbols, starts = zip(*one.phonemes, strict=True)
        if tuple(unit for way in said for unit in split(way) if unit[0].isalpha()) == symbols:
            begins = tuple(word.start for word in one.words) if len(one.words) == len(said) else ()
            yield Heard(said, begins, symbols, np.array(starts), np.concatenate(list(aligner.logs(one.audio))))


def by_time(corpus: Iterable[Heard]) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield each phoneme with the frames in which it should be heard, by its known time."""
    for one in corpus:
        ends = np.append(one.starts[1:], one.starts[-1] + 0.1)
        for symbol, start, end in zip(one.symbols, one.starts, ends, strict=True):
            first, last = (round((at + late + AROUND) / FRAME) for at, late in zip((start, end), AFTER, strict=True))
            yield symbol, one.logs[first:last]


def by_path(corpus: Iterable[Heard], phonemes: Phonemes) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield each phoneme with the frames in which hama hears it."""
    for one in corpus:
        spikes = one.spikes(phonemes)
        for column, first, last in zip(spikes.column, spikes.first, spikes.last, strict=True):
            yield phonemes.symbol(int(column)), one.logs[first : last + 1]


def shares(found: Iterable[tuple[str, npt.NDArray[np.float32]]], silent: Sequence[int]) -> Shares:
    """Return the shares of the tokens in the frames of each phoneme. silent: tokens that are none."""
    total: Shares = {}
    for symbol, logs in found:
        probable = np.exp(logs.astype(float)).sum(0)
        probable[silent] = 0.0
        if probable.sum() > LEAST:
            total[symbol] = total.get(symbol, 0.0) + probable / probable.sum()
    return {symbol: some / some.sum() for symbol, some in total.items()}


def rows(found: Shares, tokens: Sequence[str]) -> list[list[str]]:
    """Return the rows of the table."""
    made = []
    for symbol, some in found.items():
        order = [i for i in np.argsort(-some) if some[i] > LEAST]
        made.append([symbol, " ".join(f"{tokens[i]}:{min(1.0, some[i] / FULL):.2g}" for i in order)])
    return made


def lags(utterances: Iterable[Heard], phonemes: Phonemes) -> dict[str, list[float]]:
    """Return what begins -> the seconds from its known beginning to hama's first frame of it."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in utterances:
        spikes = one.spikes(phonemes)
        late = spikes.first.astype(np.float64) * FRAME - AROUND
        if len(spikes.first) == len(one.symbols):
            found["phonemes"] += list(late - one.starts)
        if len(one.begins) == len(set(spikes.word)):
            firsts = np.flatnonzero(np.diff(spikes.word, prepend=-1))
            pauses = np.diff(late, prepend=-1.0)[firsts] > PAUSE + LAG
            for begin, at, is_after_pause in zip(one.begins, late[firsts], pauses, strict=True):
                found["words after a pause" if is_after_pause else "words in running speech"].append(float(at - begin))
    return found


def main(folder: Path, count: int) -> None:
    """Print the table, and the lags to standard error."""
    aligner = Hama([])
    tokens = aligner.tokens
    silent = [tokens.index(BLANK), tokens.index(BOUNDARY)]
    utterances = list(heard(corpus(folder, FITTED, count, is_fit=True), aligner))
    counts = Counter(symbol for one in utterances for symbol in one.symbols)
    found = shares(by_time(utterances), silent)
    for _ in range(2):
        found = shares(by_path(utterances, Phonemes(tokens, rows(found, tokens))), silent)
    table = rows({symbol: found[symbol] for symbol, _ in counts.most_common() if symbol in found}, tokens)
    print("# phoneme\thama's tokens, with weights")
    for row in table:
        print("\t".join(row))
    for what, some in lags(utterances, Phonemes(tokens, table)).items():
        late = np.array(some)
        lag = np.median(late)
        spread = np.percentile(np.abs(late - lag), [50, 95])
        print(f"{len(late)} {what}: {1000 * lag:.0f} ms late, differing by {(1000 * spread).round()}", file=sys.stderr)


if __name__ == "__main__":
    use_home()
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 64)
