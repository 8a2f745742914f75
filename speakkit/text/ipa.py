"""Convert IPA, as dictionaries and people write it, to the symbols that Kokoro was trained on: those of misaki.

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
"""IPA of other sources -> misaki's symbols. The longest match applies first."""

STAND_INS = {"c\u0327": "ç", "'": "ˈ", ":": "ː", "ˑ": "ː"}
TIED = {"t͡s": "ʦ", "d͡z": "ʣ", "t͡ɕ": "ʨ"}
"""Tied affricates -> one symbol; without a tie they stay two sounds, as in "cats"."""

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
    """Return `ipa` in misaki's symbols; symbols that are already misaki's stay as they are.

    Ties, syllable marks, slashes and brackets are dropped. A stress mark moves from before its syllable, as in
    dictionaries, to before its vowel, as in misaki. The language is not considered: "r" is the English sound. A symbol
    that Kokoro does not support stays, so that it is reported to the user.
    """
    symbols = unicodedata.normalize("NFD", _enclosing.sub("", ipa)).translate(TIES)
    symbols = _first.sub(lambda found: {**TIED, **STAND_INS}[found.group()], symbols)
    # Drop the marks between symbols first: the symbols around them may then form one.
    symbols = _early_stress.sub(r"\2\1", _dropped.sub("", _syllabic.sub(r"ᵊ\1", symbols)))
    symbols = _written.sub(lambda found: SYMBOLS[found.group()], _square.sub("ɛ", symbols))
    return " ".join(symbols.split())


def stressed(phonemes: str, by: float) -> str:
    """Return a word's phonemes with more (`by` above 0) or less stress: misaki's apply_stress (en.py), in its steps."""
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
    """Return a word's phonemes with a plural or possessive ending: misaki's Lexicon._s (en.py)."""
    if phonemes[-1] in "szʃʒʧʤ":
        return f"{phonemes}{'ɪ' if british else 'ᵻ'}z"
    return f"{phonemes}{'s' if phonemes[-1] in 'ptkfθ' else 'z'}"
