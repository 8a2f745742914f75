"""Tests of chunking: no word is lost, no chunk is too long, and chunks end at natural breaks in speech."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakkit.engines.kokoro_config import AIM, MOST, WEAK, limits
from speakkit.text.chunking import (
    CLAUSE_GAP,
    PARAGRAPH_GAP,
    SENTENCE_GAP,
    WORD_GAP,
    chunk_seed,
    chunks,
    placed,
)
from speakkit.text.chunks import Delivery, Token
from speakkit.text.sentences import Sentence, sentences
from speakkit.voices import find

SYMBOLS = frozenset("abcde ,.!?;“”")
LIMITS = replace(limits(), symbols=SYMBOLS)
DELIVERY = Delivery(find("f1"), seed=3)


def plan(*token_lists, ends_paragraph=False):
    return list(chunks(((Sentence("x", 0, ends_paragraph), tokens) for tokens in token_lists), DELIVERY, LIMITS))


def word(phonemes, text="word", *, spaced=True):
    return Token(text, 0, phonemes, spaced)


def words(count, phonemes="abcd"):
    return [word(phonemes) for _ in range(count)]


def pause(seconds):
    return Token("", 0, "", spaced=True, pause=seconds)


tokens = st.builds(
    Token,
    st.sampled_from(["word", ".", "", "7"]),
    st.just(0),
    st.text("abcde,.7\u02a1 “”", max_size=30)
    | st.integers(0, 1200).map("ab".__mul__)
    | st.integers(0, 400).map("ab ".__mul__),
    st.booleans(),
    pause=st.sampled_from([0.0, 0.0, 0.0, 0.5]),
)


@given(st.lists(st.tuples(st.lists(tokens, max_size=20), st.booleans()), max_size=4), st.booleans())
def test_every_token_is_in_one_chunk_in_order(read, starts_early):
    """The chunks hold the texts and phonemes of any tokens in order, and no chunk has more than MOST phonemes."""
    delivery = replace(DELIVERY, starts_early=starts_early)
    known = replace(LIMITS, splits=8)
    made = list(chunks(((Sentence("x", 0, ends), part) for part, ends in read), delivery, known))
    given_tokens = [token for part, _ in read for token in part]
    told = [t for chunk in made for t in chunk.tokens if (t.text, t.phonemes) != ("", ".")]
    plain = [t for t in given_tokens if (t.text, t.phonemes) != ("", ".")]
    assert "".join(t.text for t in told) == "".join(t.text for t in plain)
    assert "".join(t.phonemes for t in told).replace(" ", "") == "".join(t.phonemes for t in plain).replace(" ", "")
    assert sum(t.pause for t in told) == sum(t.pause for t in plain)
    assert all(chunk.tokens for chunk in made)
    assert all(len(chunk.phonemes) <= MOST for chunk in made)
    assert all((chunk.phonemes, chunk.spans) == placed(chunk.tokens, SYMBOLS) for chunk in made)
    assert [chunk.index for chunk in made] == list(range(len(made)))
    for first, second in pairwise(made):
        if first.is_continued:
            assert f"{first.phonemes} {second.phonemes}" == first.line == second.line
            assert second.at == len(first.phonemes) + 1


@given(st.lists(tokens, max_size=60))
def test_each_token_has_its_range_of_the_phonemes(token_list):
    """Spans are in order with at most single spaces between them, and each holds its token's known phonemes."""
    spoken, spans = placed(token_list, SYMBOLS)
    assert spoken == " ".join(
        "".join(s for s in "".join(t.phonemes + " " * t.spaced for t in token_list) if s in SYMBOLS).split()
    )
    assert len(spans) == len(token_list)
    for token, (start, stop) in zip(token_list, spans, strict=True):
        assert spoken[start:stop] == " ".join("".join(s for s in token.phonemes if s in SYMBOLS).split())
    between = [spoken[stop:start] for (_, stop), (start, _) in pairwise([(0, 0), *spans, (len(spoken), 0)])]
    assert set(between) <= {"", " "}


ALPHABETS = st.sampled_from(["é", "ß", "你", "я", "あ", "ह", "ع"]).flatmap(
    lambda letter: st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from([letter, *"aeT ,.'-17\n“”"]), max_size=120
    )
)


@pytest.mark.parametrize("kind", [st.text(max_size=80), ALPHABETS], ids=["any", "alphabets"])
def test_any_text_is_said_or_named(kind, english):
    """With the real phonemizer, a word without phonemes, or with one that Kokoro lacks, is listed as lost."""

    @settings(deadline=None, max_examples=60)
    @given(kind)
    def check(text):
        found = list(sentences(text))
        read = zip(found, english.phonemize(found), strict=True)
        made = list(chunks(read, DELIVERY, limits()))
        assert all(len(chunk.phonemes) <= MOST and set(chunk.phonemes) <= limits().symbols for chunk in made)
        covered = {i for chunk in made for token in chunk.tokens for i in range(token.start, token.end)}
        assert {i for i, character in enumerate(text) if character.isalnum()} <= covered
        for chunk in made:
            for token, (start, stop) in zip(chunk.tokens, chunk.spans, strict=True):
                heard = any(symbol.isalpha() for symbol in chunk.phonemes[start:stop])
                assert heard or not token.is_word or token in chunk.lost

    check()


def test_endless_token_is_cut():
    """A word of 2,000 phonemes is cut into four chunks."""
    made = plan([word("ab" * 1000)])
    assert "".join(chunk.phonemes for chunk in made) == "ab" * 1000
    assert max(len(chunk.phonemes) for chunk in made) <= MOST


def test_many_digits_are_cut_between_their_words():
    """One token of 100,000 digits is cut between its words; the first part keeps the text, the others have none."""
    made = plan([Token("1" * 100_000, 0, " ".join(["abcde"] * 100_000), spaced=True, spoken="one", rule="digits")])
    assert {len(said) for chunk in made for said in chunk.phonemes.split()} == {5}
    assert sum(len(chunk.phonemes.split()) for chunk in made) == 100_000
    assert max(len(chunk.phonemes) for chunk in made) <= AIM[-1]
    assert [token.text for chunk in made for token in chunk.tokens if token.text] == ["1" * 100_000]
    assert sum(token.is_word for chunk in made for token in chunk.tokens) == 1


def test_short_sentences_are_bundled():
    """Short sentences are joined into chunks whose length is within AIM."""
    made = plan(*[[word("abcd"), word("abcde.")] for _ in range(40)])
    assert all(AIM[0] <= len(chunk.phonemes) <= AIM[-1] for chunk in made[:-1])


def test_long_sentence_is_cut_after_a_clause():
    """A long sentence is cut after a clause: into parts of similar size, at the stronger mark, outside quotations."""
    assert [c.phonemes[-1] for c in plan([*words(30), word("abc,"), *words(30)])] == [",", "d"]
    commas = [word("abcd,") for _ in range(50)]
    assert [len(chunk.phonemes) for chunk in plan(commas)] == [149, 149]
    better = plan([*commas[:20], word("abcd;"), *commas[:29]])
    assert [chunk.phonemes[-1] for chunk in better] == [";", ","]
    quoted = plan([*words(20), word("ab,"), word("“", spaced=False), *words(3), word("ab."), *words(5), word("”")])
    assert len(quoted) == 1
    quoted = plan([*words(22), word("ab,"), word("“", spaced=False), *words(8), word("ab."), *words(8), word("”")])
    assert [chunk.phonemes[-1] for chunk in quoted] == [",", "”"]


def test_no_cut_in_a_number_or_behind_a_title():
    """A mark inside a number or after a title such as "Sra." is not a place to cut."""
    mark = Token(",", 0, ",", spaced=False)
    number = [word("ab", "1", spaced=False), mark, word("ab", "000")]
    assert plan([*words(22), *number, *words(22)])[0].phonemes == plan([*words(22), *number, *words(22)])[0].phonemes
    assert len(plan([*words(22), *number, *words(22)])) == 1
    title = [word("abc", "Sra", spaced=False), Token(".", 0, ".", spaced=True)]
    assert len(plan([*words(22), *title, *words(22)])) == 1


def test_marks_without_spaces_end_clauses_too():
    """A mark ends a clause without a space after it, as in Chinese; a closing quote stays with its mark."""
    clause = [*[word("abcd", "你", spaced=False) for _ in range(30)], Token("，", 0, ",", spaced=False)]
    assert [chunk.phonemes[-1] for chunk in plan([*clause, *clause])] == [",", ","]
    closing = [Token("”", 0, "”", spaced=False)]
    assert [chunk.phonemes[-2:] for chunk in plan([*clause, *closing, *clause])] == [",”", "d,"]


def test_sentence_without_clauses_is_kept_whole_up_to_the_limit():
    """A sentence without clauses stays whole up to the limit, because a cut between words is audible."""
    assert len(plan(words(90))) == 1
    assert [len(chunk.phonemes) for chunk in plan(words(120))] == [299, 299]


def test_words_that_will_not_be_heard_are_named():
    """A word without phonemes or with a symbol that the engine lacks is lost; a stray bracket is not."""
    silent, foreign, bracketed = word(""), word("ab\u02a1"), word("[abc")
    mark = Token("\u2014", 0, "", spaced=True)
    (chunk,) = plan([silent, foreign, bracketed, mark, word("abc")])
    assert chunk.lost == (silent, foreign)
    assert chunk.phonemes == "ab abc abc"


def test_gap_is_that_of_what_ends():
    """The gap depends on what ends: a paragraph, sentence, clause or word; the last chunk has no gap."""
    ended = [*words(28), word("abcd.")]
    assert [c.gap for c in plan(ended, ended, ends_paragraph=True)] == [PARAGRAPH_GAP, 0.0]
    assert [c.gap for c in plan(ended, ended)] == [SENTENCE_GAP, 0.0]
    assert [c.gap for c in plan([*words(28), word("abcd,"), *ended])] == [CLAUSE_GAP, 0.0]
    assert [c.gap for c in plan(words(120))] == [WORD_GAP, 0.0]
    assert PARAGRAPH_GAP > SENTENCE_GAP > CLAUSE_GAP >= WORD_GAP


def test_pauses_are_the_users():
    """Pauses set by the user become gaps: inside a sentence, before or after it, several in a row, and alone."""
    assert [(c.phonemes, c.gap) for c in plan([word("ab"), pause(0.5), word("cd.")])] == [("ab", 0.5), ("cd.", 0.0)]
    assert [(c.phonemes, c.gap) for c in plan([pause(2.0), word("ab.")])] == [("", 2.0), ("ab.", 0.0)]
    assert [c.gap for c in plan([word("ab"), pause(0.5), pause(0.25), word("cd.")])] == [0.75, 0.0]
    assert [c.gap for c in plan([word("ab."), pause(0.5)], ends_paragraph=True)] == [0.5]
    assert [(c.phonemes, c.gap) for c in plan([pause(0.5), pause(0.5)])] == [("", 1.0)]


def test_headings_are_heard_apart():
    """A full stop without source text separates a paragraph that has no end mark from the next one in its chunk."""
    (chunk,) = plan(words(2), words(3), [word("abcd!")], [word("abcd.")], ends_paragraph=True)
    assert chunk.phonemes == "abcd abcd. abcd abcd abcd. abcd! abcd."
    assert [token.text for token in chunk.tokens].count("") == 2
    (chunk,) = plan(words(2), words(3))
    assert "." not in chunk.phonemes
    stars = [word("", "*"), word("", "*")]
    for first in ([word("abcd.")], words(1)):
        (chunk,) = plan(first, stars, words(1), ends_paragraph=True)
        assert chunk.phonemes == "abcd. abcd"


def test_few_words_are_not_left_alone():
    """A few words at the end of a paragraph, or a heading, join a neighbour even if the chunk slightly exceeds AIM."""
    few, many = [word("abcd.")], [*words(36), word("abc.")]
    read = [(Sentence("x", 0), many), (Sentence("x", 0, ends_paragraph=True), few * 3), (Sentence("x", 0), many)]
    made = list(chunks(read, DELIVERY, LIMITS))
    assert [len(chunk.phonemes) for chunk in made] == [202, 184]
    assert made[0].gap == PARAGRAPH_GAP
    for pair in ((few, many), (many, few)):
        (chunk,) = plan(*pair, ends_paragraph=True)
        assert AIM[-1] - WEAK < len(chunk.phonemes) <= AIM[-1] + WEAK
    assert len(plan(many, few, many, ends_paragraph=True)) == 2


def test_seconds_are_predicted():
    """The predicted duration is that of the linear fit to Alice in Wonderland, divided by the requested speed."""
    (chunk,) = chunks([(Sentence("x", 0), words(20))], Delivery(find("f1"), speed=2.0), LIMITS)
    assert chunk.predicted == pytest.approx((99 * 0.0550 + 0.744) / 2)
    assert plan([word("")])[0].predicted == 0


def test_first_chunk_does_not_wait_for_the_text():
    """Sentences are read one by one, so an endless text has a first chunk."""

    def endless():
        while True:
            yield Sentence("x", 0), [word("abcde.") for _ in range(20)]

    first = next(chunks(endless(), DELIVERY, LIMITS))
    assert (first.index, first.seed) == (0, chunk_seed(3, 0))


def test_seeds_are_fixed_and_differ():
    """Chunk seeds are fixed and distinct, because the same text must give the same samples."""
    assert chunk_seed(0, 0) == 5_857_645_148_978_988_075
    assert len({chunk_seed(seed, index) for seed in range(20) for index in range(50)}) == 1000


def heard(*token_lists):
    """Return the phoneme counts of the chunks if the delivery starts early."""
    early = replace(DELIVERY, starts_early=True)
    made = chunks(((Sentence("x", 0, ends_paragraph=False), part) for part in token_lists), early, LIMITS)
    return [len(chunk.phonemes) for chunk in made]


def test_whoever_waits_hears_a_short_beginning():
    """With an early start, the first chunk is the first sentence or clause, unless that is too short by itself."""
    sentence = [*words(12), word(".", ".")]
    assert heard(sentence, sentence, sentence) == [61, 122 + 1]
    assert heard(words(3), sentence, sentence)[0] > 61
    clause = [*words(12), word(",", ",")]
    assert heard([*clause, *clause, *clause])[0] == 61
    assert heard([*words(3), word(",", ","), *clause, *clause])[0] > 61


def test_a_beginning_is_split_after_half():
    """With an early start, an engine that can split a line is given its two parts, for the first chunk alone."""
    sentence = [*words(12), word(".", ".")]
    early, known = replace(DELIVERY, starts_early=True), replace(LIMITS, splits=30)

    def made(delivery, limits):
        return list(chunks(((Sentence("x", 0, ends_paragraph=False), sentence) for _ in range(3)), delivery, limits))

    first, second, *rest = made(early, known)
    assert [len(chunk.phonemes) for chunk in (first, second)] == [34, 26]
    assert (first.line, second.line, second.at) == (f"{first.phonemes} {second.phonemes}", first.line, 35)
    assert (first.seed, first.gap, first.is_last) == (second.seed, 0.0, False)
    assert first.is_continued
    assert not any(chunk.is_continued for chunk in (second, *rest))
    whole = made(early, LIMITS)
    assert (second.gap, rest[0].seed) == (whole[0].gap, whole[1].seed)
    assert len(made(early, replace(known, splits=62))) == len(whole)
    assert not any(chunk.line for chunk in made(DELIVERY, known))


def test_a_lost_word_is_named_in_its_part():
    """Each part of a split line lists its own lost words."""
    sentence = [*words(4), word("x"), *words(7), word("y"), word(".", ".")]
    early = replace(DELIVERY, starts_early=True)
    known = replace(LIMITS, splits=30)
    first, second = chunks([(Sentence("x", 0, ends_paragraph=True), sentence)], early, known)
    assert [[token.phonemes for token in chunk.lost] for chunk in (first, second)] == [["x"], ["y"]]
