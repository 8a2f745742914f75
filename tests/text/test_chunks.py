"""Bundling: no word lost, no chunk too long, and each independent of what follows."""

from hypothesis import given
from hypothesis import strategies as st

from speakkit.text.chunks import AIM, LIMIT, PARAGRAPH_GAP, Delivery, Token, chunk_seed, chunks, placed
from speakkit.text.sentences import Sentence
from speakkit.voices import find

SYMBOLS = frozenset("abcde ,.!?")
DELIVERY = Delivery(find("f1"), seed=3)


def plan(*token_lists, ends_paragraph=False):
    return list(chunks(((Sentence("x", 0, ends_paragraph), tokens) for tokens in token_lists), DELIVERY, SYMBOLS))


def word(phonemes, text="word", *, spaced=True):
    return Token(text, 0, phonemes, spaced)


tokens = st.builds(
    Token, st.sampled_from(["word", ".", ""]), st.just(0), st.text("abcde,.7\u02a1", max_size=30), st.booleans()
)


@given(st.lists(st.lists(tokens, max_size=60), max_size=6), st.booleans())
def test_every_known_phoneme_is_spoken_in_order(token_lists, ends_paragraph):
    """Whatever the tokens are, their phonemes are those of the chunks, and none has over LIMIT."""
    made = plan(*token_lists, ends_paragraph=ends_paragraph)
    spoken = "".join(chunk.phonemes for chunk in made).replace(" ", "")
    assert spoken == "".join(s for ts in token_lists for t in ts for s in t.phonemes if s in SYMBOLS)
    assert all(len(chunk.phonemes) <= LIMIT for chunk in made)
    assert [chunk.index for chunk in made] == list(range(len(made)))
    assert "".join(t.text for c in made for t in c.tokens) == "".join(t.text for ts in token_lists for t in ts)


@given(st.lists(tokens, max_size=60))
def test_each_token_has_its_range_of_the_phonemes(token_list):
    """In order, with nothing but single spaces between, and in it the known phonemes of the token."""
    spoken, spans = placed(token_list, SYMBOLS)
    assert spoken == " ".join(
        "".join(s for s in "".join(t.phonemes + " " * t.spaced for t in token_list) if s in SYMBOLS).split()
    )
    assert len(spans) == len(token_list)
    for token, (start, stop) in zip(token_list, spans, strict=True):
        assert spoken[start:stop] == " ".join("".join(s for s in token.phonemes if s in SYMBOLS).split())
    at = 0
    for start, stop in spans:
        assert spoken[at:start] in ("", " ")
        at = stop
    assert at == len(spoken)


def test_endless_token_is_cut():
    """A word of 2,000 phonemes takes four chunks."""
    made = plan([word("ab" * 1000)])
    assert "".join(chunk.phonemes for chunk in made) == "ab" * 1000
    assert max(len(chunk.phonemes) for chunk in made) <= LIMIT


def test_short_sentences_are_bundled():
    """Up to the aim, not beyond it."""
    made = plan(*[[word("abcd"), word("abcde.")] for _ in range(40)])
    assert all(AIM[0] <= len(chunk.phonemes) <= AIM[-1] for chunk in made[:-1])


def test_long_sentence_is_cut_after_a_clause():
    """Rather than in the middle of one."""
    made = plan([*[word("abcd") for _ in range(30)], word("abc,"), *[word("abcd") for _ in range(30)]])
    assert [chunk.phonemes[-1] for chunk in made] == [",", "d"]


def test_sentence_without_clauses_is_kept_whole_up_to_the_limit():
    """A cut between words is heard."""
    assert len(plan([word("abcd") for _ in range(90)])) == 1


def test_words_that_will_not_be_heard_are_named():
    """Without phonemes, or with a sound that the engine lacks; a stray bracket is no loss."""
    silent, foreign, bracketed = word(""), word("ab\u02a1"), word("[abc")
    mark = Token("\u2014", 0, "", spaced=True)
    (chunk,) = plan([silent, foreign, bracketed, mark, word("abc")])
    assert chunk.lost == (silent, foreign)
    assert chunk.phonemes == "ab abc abc"


def test_paragraph_ends_with_a_pause():
    """And with its chunk, where that is long enough to stand alone."""
    made = plan([word("abcd.") for _ in range(15)], [word("abcd.") for _ in range(15)], ends_paragraph=True)
    assert [chunk.gap for chunk in made] == [PARAGRAPH_GAP, PARAGRAPH_GAP]


def test_first_chunk_does_not_wait_for_the_text():
    """Sentences are taken one by one."""

    def endless():
        while True:
            yield Sentence("x", 0), [word("abcde.") for _ in range(20)]

    first = next(chunks(endless(), DELIVERY, SYMBOLS))
    assert (first.index, first.seed) == (0, chunk_seed(3, 0))


def test_seeds_are_fixed_and_differ():
    """They are part of the promise that the same text gives the same samples."""
    assert chunk_seed(0, 0) == 5_857_645_148_978_988_075
    assert len({chunk_seed(seed, index) for seed in range(20) for index in range(50)}) == 1000
