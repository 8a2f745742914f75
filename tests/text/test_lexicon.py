"""Tests of the user's lexicon: which words are found, how they are spoken, and which entries are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit import paths
from speakkit.engines.kokoro_config import limits
from speakkit.errors import ConfigError
from speakkit.text import lexicon
from speakkit.text.lexicon import RULE

FAULTS = {
    "no TOML": ("\nkubectl = cube", "is not TOML: invalid value (at line 2, column 11)"),
    "two words": ('New Relic = "new relic"', "is not TOML: expected '=' after a key"),
    "twice": ('a1 = "x"\na1 = "y"\n', "is not TOML: cannot overwrite a value (at line 2"),
    "empty": ('[en]\nnginx = ""', "lexicon.toml line 2: nginx has no pronunciation"),
    "blank": ('nginx = " \\n "', "lexicon.toml line 1: nginx has no pronunciation"),
    "marks": ('nginx = "?!"', "lexicon.toml line 1: nginx has no pronunciation"),
    "no word": ('" " = "x"', "lexicon.toml line 1: a pronunciation without a word"),
    "a control character": (
        'nginx = "engine\\u0000 x"',
        "lexicon.toml line 1: nginx has a control character in its pronunciation",
    ),
    "a number": ("k8s = 8", 'lexicon.toml line 1: k8s must be text such as "cube control" or "/kjuːb/", not a number'),
    "true": ("k8s = true", 'must be text such as "cube control" or "/kjuːb/", not true'),
    "a dot, by line": ('[en]\n\nnode.js = "node jay ess"', "lexicon.toml line 3: node must be text"),
    "a list": ("[es]\nk8s = ['a']", "lexicon.toml line 2: k8s must be text"),
    "a date": ("k8s = 2024-01-01", "not a date"),
    "a dot": ('node.js = "node jay ess"', "lexicon.toml line 1: there is no language 'node'; speakkit speaks en-us,"),
    "a dot below a heading": (
        '[en]\n\nnode.js = "node jay ess"',
        "not a table; put quotes around a word with a dot",
    ),
    "an unknown language": (
        '# mine\n[tlh]\na1 = "x"',
        "lexicon.toml line 2: there is no language 'tlh'; speakkit speaks",
    ),
    "of another language too": ('[zh]\na1 = ""', "lexicon.toml line 2: a1 has no pronunciation"),
    "a slash": ('a1 = "/"', "lexicon.toml line 1: the IPA of a1 must stand between slashes"),
    "one slash": ('a1 = "/kjuːb"', "such as \"/kjuːb/\", not '/kjuːb'"),
    "only a stress": ('a1 = "/ˈ/"', "lexicon.toml line 1: the IPA of a1 must stand between slashes"),
    "unknown sounds": (
        '[en]\na1 = "/ʘaɧ/"',
        "lexicon.toml line 2: the IPA of a1 has ʘ ɧ, which no Kokoro voice supports",
    ),
    "no UTF-8": (b"a1 = '\xff'", "is not UTF-8 text"),
}


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Return load(toml, language), which loads the lexicon from a file with the text `toml`."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    paths.lexicon().parent.mkdir()

    def loaded(text, language="en-us"):
        paths.lexicon().write_bytes(text if isinstance(text, bytes) else text.encode())
        return lexicon.load(language, limits().symbols)

    return loaded


def said(words, text):
    """Return each word found in `text`, with its pronunciation."""
    return [(text[r.start : r.end], r.phonemes or r.spoken) for r in words.rewrites(text)]


def test_no_file_is_an_empty_lexicon(monkeypatch, tmp_path):
    """Without a lexicon file, nothing is rewritten."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    assert lexicon.load("en-us", limits().symbols).rewrites("kubectl nginx") == ()


def test_respelling_and_ipa(load):
    """A respelling replaces the spoken words; IPA sets the phonemes of the word itself."""
    respelled, ipa = load('kubectl = "cube control"\nnginx = "/ˌɛndʒɪnˈɛks/"').rewrites("Run kubectl or nginx.")
    assert (respelled.start, respelled.end, respelled.spoken, respelled.phonemes) == (4, 11, "cube control", "")
    assert (ipa.start, ipa.end, ipa.spoken, ipa.phonemes) == (15, 20, "nginx", "ˌɛnʤɪnˈɛks")
    assert respelled.rule == ipa.rule == RULE


def test_small_letters_match_any_case(load):
    """A lower-case entry matches any case; one with capitals matches only itself, and takes precedence."""
    words = load('nginx = "x"\nSQL = "sequel"\ngit = "a"\nGIT = "b"')
    assert said(words, "Nginx NGINX sql SQL Git GIT") == [
        *[("Nginx", "x"), ("NGINX", "x"), ("SQL", "sequel"), ("Git", "a"), ("GIT", "b")]
    ]


def test_whole_words_only(load):
    """Only whole words match: no word inside another, and no "can" in "can't"."""
    words = load('can = "x"\nrust = "y"\nclock = "z"\n".NET" = "dot net"\n"C#" = "see sharp"')
    assert said(words, "scan cannot can't trust rusty o'clock ASP.NET C#x C##") == []
    assert said(words, "can, (Rust) rust-based .NET: C#!") == [
        *[("can", "x"), ("Rust", "y"), ("rust", "y"), (".NET", "dot net"), ("C#", "see sharp")]
    ]
    assert said(words, "rust'll rust’d") == [("rust", "y"), ("rust", "y")]


def test_longest_first(load):
    """An entry of several words precedes one of its words, and any white space may separate them."""
    words = load('new = "n"\n"New Relic" = "nr"\n"new relic one" = "nro"')
    assert said(words, "New Relic, new, New\n  Relic one") == [
        ("New Relic", "nr"),
        ("new", "n"),
        ("New\n  Relic one", "nro"),
    ]


def test_digits_and_symbols(load):
    """Digits and symbols are part of a word."""
    words = load('k8s = "kates"\n"C++" = "see plus plus"\n"@angular/core" = "angular core"\n">>=" = "/baɪnd/"')
    assert said(words, "K8s in C++ with @angular/core m >>= k") == [
        *[("K8s", "kates"), ("C++", "see plus plus"), ("@angular/core", "angular core"), (">>=", "bInd")]
    ]


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("rock 'n' roll", "Rock \u2019n\u2019 Roll"),
        ("d\u2019oh", "D'oh"),
        ("café", "cafe\u0301"),
        ("cafe\u0301", "CAFÉ"),
        ("wi-fi", "Wi\u2011Fi"),
        ("kubectl", "kube\u00adctl"),
        ("straße", "STRASSE"),
    ],
)
def test_one_word_is_written_in_many_ways(load, entry, text):
    """An entry matches with curly or straight quotes, composed or decomposed letters, and hidden hyphens."""
    assert said(load(f'"{entry}" = "x"'), f"A {text}.") == [(text, "x")]


def test_english_forms(load):
    """English plurals and possessives match, and take the ending that the last sound requires."""
    words = load('api = "/ˈeɪpiaɪ/"\ncache = "/kæʃ/"\ngrok = "/ɡɹɑk/"\nproxy = "prox ee"\nGitHub = "git hub"')
    assert said(words, "APIs, API's; caches, cache’s; groks; proxies, proxy's, proxies'; GitHubs GitHub's githubs") == [
        *[("APIs", "ˈApiIz"), ("API's", "ˈApiIz"), ("caches", "kæʃᵻz"), ("cache’s", "kæʃᵻz"), ("groks", "ɡɹɑks")],
        *[("proxies", "prox ee's"), ("proxy's", "prox ee's"), ("proxies", "prox ee's")],
        *[("GitHubs", "git hub's"), ("GitHub's", "git hub's")],
    ]
    assert said(load('cache = "/kæʃ/"', "en-gb"), "caches") == [("caches", "kæʃɪz")]


def test_forms_give_way_to_entries(load):
    """An entry of its own precedes a plural form; words of one or two letters have no such forms."""
    words = load('new = "x"\nnews = "y"\na = "z"')
    assert said(words, "news new's as a") == [("news", "y"), ("new's", "x's"), ("a", "z")]


def test_forms_are_english(load):
    """Other languages have no English plural or possessive forms."""
    assert said(load('cache = "x"', "es"), "cache caches cache's") == [("cache", "x")]


def test_languages(load):
    """A narrower language heading overrides a wider one; [en] applies to both accents."""
    text = (
        'data = "1"\nlog = "1"\n[en-gb]\ndata = "3"\n[en]\ndata = "2"\nrouter = "2"\n'
        '[fr]\ndata = "4"\n["pt_BR"]\ndata = "5"'
    )
    expected = {"en-us": "2", "en-gb": "3", "fr-fr": "4", "pt-br": "5", "es": "1", "ja": "1"}
    for language, number in expected.items():
        words = load(text, language)
        assert said(words, "data log") == [("data", number), ("log", "1")]
        assert bool(words.rewrites("router")) == language.startswith("en")


def test_scripts_without_spaces(load):
    """A Chinese or Japanese word is found inside a line; a Hindi word is not split from its vowel signs."""
    assert said(load('[zh]\n"重庆" = "虫庆"', "zh"), "我在重庆工作") == [("重庆", "虫庆")]
    assert said(load('[ja]\n"東京" = "とうきょう"', "ja"), "東京タワー") == [("東京", "とうきょう")]
    assert said(load('[hi]\n"का" = "x"', "hi"), "का काम") == [("का", "x")]


def test_elision(load):
    """In French, the part after an apostrophe is a word."""
    assert said(load('[fr]\napi = "a p i"', "fr-fr"), "l'API d’api") == [("API", "a p i"), ("api", "a p i")]


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_name_the_line(load, text, message):
    """A fault raises a ConfigError of one line that names the line, whichever language is loaded."""
    with pytest.raises(ConfigError) as error:
        load(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_unreadable_files(load):
    """A folder in place of the file, and a symbolic link to itself, raise a ConfigError."""
    load("")
    paths.lexicon().unlink()
    paths.lexicon().mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*lexicon.toml: is a directory"):
        lexicon.load("en-us", limits().symbols)
    paths.lexicon().rmdir()
    paths.lexicon().symlink_to(paths.lexicon())
    with pytest.raises(ConfigError, match=r"cannot read .*lexicon.toml"):
        lexicon.load("en-us", limits().symbols)


def test_file_is_read_once_and_again_when_it_changes(load):
    """The file is read again only if its time or size changes."""
    first = load('a1 = "x"')
    assert lexicon.load("en-us", limits().symbols) is first
    assert said(load('a1 = "longer"'), "a1") == [("a1", "longer")]


def test_thousands_of_entries_cost_no_more_a_word_than_one(load, monkeypatch):
    """The cost per word of text does not depend on the number of entries."""
    entries = "\n".join(f'"word{n} of many" = "x"\n"word of many{n}" = "y"' for n in range(5000))
    words = load(entries)
    asked = []
    monkeypatch.setattr(type(words), "_is_whole", lambda *_: asked.append(1) or True)
    assert len(words.rewrites("word7 of many words of many word of many4999 " * 1000)) == 2000
    assert len(asked) == 2000
    assert max(len(widths) for widths in words.widths.values()) <= 2


@given(st.text(alphabet="kK8s'’ .C#́é\u00ad重\n_-a", max_size=60))
def test_rewrites_are_apart_and_in_order(text):
    """Rewrites of any text are in order and do not overlap."""
    entries = {word: lexicon.Entry("x") for word in ("k8s", "C#", "k", "é", "重", "'s", "a a")}
    rewrites = lexicon._lexicon("en-us", entries).rewrites(text)
    ends = [0, *[rewrite.end for rewrite in rewrites]]
    assert all(end <= rewrite.start < rewrite.end for end, rewrite in zip(ends, rewrites, strict=False))
