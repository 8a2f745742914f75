"""Tests of SSML, as people and programs write it."""

import pytest

from speakkit.errors import TextError
from speakkit.speech_request import Markup
from speakkit.text.markup import script
from speakkit.text.script import BREAK, Pause, Rewrite
from speakkit.text.sentences import sentences


def heard(text, markup=Markup.PLAIN):
    """Return the spoken form of `text`, in one line."""
    out, at = "", 0
    for rewrite in script(text, markup).rewrites:
        out += text[at : rewrite.start] + rewrite.spoken
        at = rewrite.end
    return " ".join((out + text[at:]).split())


@pytest.mark.parametrize(
    ("tag", "seconds"),
    [
        ('<break time="500ms"/>', 0.5),
        ("<break time='1.5s' />", 1.5),
        ('<break time="+2S"></break>', 2.0),
        ("<break/>", 0.75),
        ('<break strength="x-weak"/>', 0.25),
        ('<break strength="x-strong"/>', 1.25),
        ('<break strength="none"/>', 0.0),
        ('<break strength="weak" time="2s"/>', 2.0),
        ('<break time="90s"/>', 60.0),
    ],
)
@pytest.mark.parametrize("markup", [Markup.PLAIN, Markup.MARKDOWN])
def test_breaks(tag, seconds, markup):
    """A break takes its time, or else its strength; the words beside it stay separate."""
    text = f"one{tag}two"
    made = script(text, markup)
    assert [pause.seconds for pause in made.pauses] == [seconds] * (seconds > 0)
    assert heard(text, markup) == "one two"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<speak>Hello <b>you</b></speak>", "Hello you"),
        ('<?xml version="1.0"?>\n<!-- a --><speak version="1.1" xml:lang="en">Hi</speak>', "Hi"),
        ('The <sub alias="World Wide Web">W3</sub>.', "The World Wide Web."),
        ('<sub alias="a &lt; b &amp; c">x</sub>', "a < b & c"),
        ("<sub alias='a < b > c'>x</sub> y", "a < b > c y"),
        ('<sub alias="nothing"/> and <sub alias="more"></sub>', "nothing and more"),
        ('<sub alias="x">a <emphasis level="strong">b</emphasis> c</sub> d', "x d"),
        ('<sub alias="once">' + "long " * 200 + "</sub> end", "once end"),
        ('<prosody rate="slow">Slow &amp; <emphasis>strong</emphasis></prosody>', "Slow & strong"),
        ("<speak>AT&amp;T &#65; &#x42; &nbsp;&unknown;</speak>", "AT&T A B &unknown;"),
        ("<speak><![CDATA[a <b> &amp; c]]> d</speak>", "a <b> &amp; c d"),
        ("<speak>a<!-- no -->b<?no no?>c</speak>", "a b c"),
        ("<speak>if a < b then <mark name='x>y'/>c</speak>", "if a < b then c"),
        ('<say-as interpret-as="date">2026</say-as> <audio src="a.wav">fallback</audio>', "2026 fallback"),
        ('<amazon:effect name="whispered">psst</amazon:effect>', "psst"),
        ('x <y> z <break time="1s"/> List<String>', "x <y> z List<String>"),
    ],
)
def test_tags_are_never_spoken_and_words_always(text, spoken):
    """Entities, comments and CDATA follow XML; an unknown tag is text, unless the whole text is SSML."""
    assert heard(text) == spoken


def test_a_stand_in_keeps_its_place():
    """An alias replaces the range between its tags, and no sentence ends inside that range."""
    text = 'See <sub alias="Doctor Who">Dr. W.</sub> Now.'
    made = script(text)
    assert Rewrite(28, 34, "Doctor Who", "sub") in made.rewrites
    assert text[28:34] == "Dr. W."
    assert "." not in made.text[28:34]
    assert len(list(sentences(made.text))) == 1


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ('<phoneme alphabet="ipa" ph="təˈmeɪtoʊ">tomato</phoneme>', "təmˈAtO"),
        ('<phoneme ph="t&#x259;m">tomato</phoneme>', "təm"),
        ("<phoneme alphabet='IPA' ph='kæt'><emphasis>cat</emphasis></phoneme>", "kæt"),
        ('<phoneme alphabet="ipa" ph="kæt"/>', "kæt"),
    ],
)
def test_phonemes(text, phonemes):
    """IPA in a phoneme tag is converted to the engine's symbols."""
    made = script(text)
    assert [rewrite.phonemes for rewrite in made.rewrites if rewrite.phonemes] == [phonemes]
    assert all(rewrite.spoken for rewrite in made.rewrites if rewrite.phonemes)
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('<prosody rate="1">a</prosody><prosody pitch="1">b</prosody>', "<prosody> has no effect"),
        ('<phoneme alphabet="x-sampa" ph="k{t">cat</phoneme>', 'only alphabet="ipa" is supported, not "x-sampa"'),
        ("<phoneme alphabet='ipa'>cat</phoneme>", "ph is missing or empty"),
        ("<speak><sub>cat</sub></speak>", "<sub> has no effect"),
        ('<break time="soon"/>cat', '<break time="soon"> is not a valid pause'),
        ('<break strength="huge"/>cat', '<break strength="huge"> is not a valid pause'),
        ("<speak>cat", "<speak> is not closed"),
        ("<speak><p>cat</s></p></speak>", "</s> has no opening tag"),
        ("<speak><p><s>cat</p></s></speak>", "<s> is not closed before </p>"),
    ],
)
def test_what_is_dropped_is_told_once(text, warning):
    """Ignored or invalid markup gives one warning per kind, and the words are spoken."""
    made = script(text)
    assert len(made.warnings) == 1
    assert warning in made.warnings[0]
    assert "cat" in heard(text) or heard(text) == "ab"


def test_paragraphs_and_sentences_end():
    """The end of a <p> or <s> ends a sentence and a paragraph, even between two words."""
    text = "<speak><p><s>one</s><s>two</s></p><p>three</p>four</speak>"
    made = script(text)
    read = [sentence for sentence in sentences(made.text) if any(map(str.isalpha, sentence.text))]
    assert ["".join(filter(str.isalpha, sentence.text)) for sentence in read] == ["one", "two", "three", "four"]
    assert all(sentence.ends_paragraph for sentence in read)
    assert BREAK in made.text


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY l2 "&lol;&lol;">]><speak>&l2;</speak>',
        '<!DOCTYPE speak PUBLIC "-//W3C//DTD SYNTHESIS 1.0//EN" "x.dtd">\n<speak>a</speak>',
        '\n\n<!ENTITY a "b"><speak>&a;</speak>',
        "<!DOCTYPE a [ <!ENTITY b ']'> ",
    ],
)
@pytest.mark.parametrize("markup", [Markup.PLAIN, Markup.MARKDOWN])
def test_entity_bombs_are_refused(text, markup):
    """An entity declaration raises a TextError of one line that names the line of the text."""
    with pytest.raises(TextError, match=r"^the text begins with <!\w+ \(line \d\), which is not supported: remove it"):
        script(text, markup)


def test_no_bomb_is_text():
    """Raw text, an HTML page, and prose about entities are read."""
    assert script("<!DOCTYPE a><speak/>", Markup.RAW).rewrites == ()
    assert script("<!DOCTYPE html>\nhello").rewrites == ()
    assert script("Write <!ENTITY a> first.").rewrites == ()


def test_ssml_inside_markdown():
    """SSML tags work in Markdown but not in its code; HTML tags of the same names are HTML and give no warning."""
    text = 'A <sub alias="bee">B</sub>, H<sub>2</sub>O, `<break/>`<break time="1s"/> <s>old</s>.'
    made = script(text, Markup.MARKDOWN)
    assert heard(text, Markup.MARKDOWN) == "A bee, H2O, <break/> old."
    assert made.pauses == (Pause(text.index("<break time"), 1.0),)
    assert made.warnings == ()


def test_ssml_is_no_markdown():
    """A text that is SSML as a whole is read as SSML, whatever markup is requested."""
    assert heard("<speak>2 * 3 * 4 is _x_</speak>", Markup.MARKDOWN) == "2 * 3 * 4 is _x_"
