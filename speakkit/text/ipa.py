"""IPA as dictionaries and people write it -> the symbols that Kokoro was trained on, which are misaki's.

The table is that of misaki's espeak.py (EspeakFallback.E2M, EspeakG2P.e2m) and its EN_PHONES.md, with the other
spellings that dictionaries have for the same sounds.
"""

import re
import unicodedata

SYMBOLS = {
    **dict(zip(("eɪ", "ei", "aɪ", "aʊ", "oʊ", "əʊ", "ɔɪ"), "AAIWOQY", strict=True)),
    **dict(zip(("tʃ", "dʒ", "r", "g", "ɫ", "ʍ"), "ʧʤɹɡlw", strict=True)),
    **dict(zip(("ɚ", "ɝ"), ("əɹ", "ɜɹ"), strict=True)),
}
"""A sound as it is written elsewhere -> as misaki writes it, in the longest match first."""

STAND_INS = {"c\u0327": "ç", "'": "ˈ", ":": "ː", "ˑ": "ː"}
TIED = {"t͡s": "ʦ", "d͡z": "ʣ", "t͡ɕ": "ʨ"}
"""One symbol where a tie says that they are one sound: cats has two."""

TIES = str.maketrans(dict.fromkeys("\u035c^", "\u0361"))
VOWELS = "AIOQWYaeiouyæøœɐɑɒɔɘəɚɛɜɝɞɤɨɪɯɵɶʉʊʌᵊᵻ"

PRIMARY, SECONDARY = "ˈˌ"

_vowel = re.compile(f"[{VOWELS}]")
_written = re.compile("|".join(sorted(SYMBOLS, key=len, reverse=True)))
_first = re.compile("|".join({**TIED, **STAND_INS}))
_square = re.compile("e(?=[əɚ])")
_enclosing = re.compile(r"[/\[\](){}]")
_syllabic = re.compile(r"(\S)[\u0329\u030d]")
_dropped = re.compile(r"[.|‖‿\u0361ʷˠˤˡⁿʱ˞\u0300-\u0302\u0304-\u036f]")
_early_stress = re.compile(rf"([ˈˌ])([^\sˈˌ{VOWELS}]+)(?=[{VOWELS}])")


def misaki_symbols(ipa: str) -> str:
    """`ipa` in misaki's symbols; what is in them already stays as it is.

    Ties, syllable marks, slashes and brackets fall away. A stress mark moves from before its syllable, where
    dictionaries put it, to before its vowel, where misaki does. No language is taken into account: "r" is taken for
    the English sound, and a symbol that Kokoro does not know stays, so that it is told to the user.
    """
    symbols = unicodedata.normalize("NFD", _enclosing.sub("", ipa)).translate(TIES)
    symbols = _first.sub(lambda found: {**TIED, **STAND_INS}[found.group()], symbols)
    # What stands between two symbols goes first: they may be one once it is gone.
    symbols = _early_stress.sub(r"\2\1", _dropped.sub("", _syllabic.sub(r"ᵊ\1", symbols)))
    symbols = _written.sub(lambda found: SYMBOLS[found.group()], _square.sub("ɛ", symbols))
    return " ".join(symbols.split())


def stressed(phonemes: str, by: float) -> str:
    """A word's phonemes, stressed more (above 0) or less: misaki's apply_stress (en.py), whose steps `by` has."""
    if by < -1:
        return phonemes.replace(PRIMARY, "").replace(SECONDARY, "")
    if by < 0:
        weaker = phonemes.replace(SECONDARY, "").replace(PRIMARY, SECONDARY)
        return weaker if by == -1 or PRIMARY in phonemes else phonemes
    if by >= 1 and PRIMARY not in phonemes and SECONDARY in phonemes:
        return phonemes.replace(SECONDARY, PRIMARY)
    if by > 0 and PRIMARY not in phonemes and SECONDARY not in phonemes:
        mark = PRIMARY if by > 1 else SECONDARY
        return _vowel.sub(lambda vowel: mark + vowel.group(), phonemes, count=1)
    return phonemes


def with_s(phonemes: str, *, british: bool = False) -> str:
    """A word's phonemes with the ending of a plural or a possessive: misaki's Lexicon._s (en.py)."""
    if phonemes[-1] in "szʃʒʧʤ":
        return f"{phonemes}{'ɪ' if british else 'ᵻ'}z"
    return f"{phonemes}{'s' if phonemes[-1] in 'ptkfθ' else 'z'}"
