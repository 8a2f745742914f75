"""Numbers that are names (rooms, flights, highways), Roman numerals, and words with digits in them."""

import re

from speakkit.text.english.numbers import cardinal, decimal, ordinal, pairs, spelled
from speakkit.text.english.rule import Readings, Rule

PLACES = (
    r"(?:[Rr]ooms?|[Ff]lights?|[Hh]ighways?|[Hh]wy\.?|[Rr]oute|[Rr]t\.|[Ii]nterstate|[Bb]us|[Ss]uite|[Ss]te\.|[Aa]pt\.?|[Aa]partment"
    r"|[Cc]hannel|[Ee]xt\.?|[Ee]xtension|[Bb]oeing|[Aa]irbus|[Ll]ocker|[Gg]ate|[Tt]rain|[Aa]rea [Cc]ode|[Ee]xit(?! code)|[Ss]tudio|[Bb]ldg\.?"
    r"|[Bb]uilding|[Ss]R|I|US|CA)"
)
SPELLED_NAMES = r"(?:[Pp]in|PIN|[Cc]ode(?= \d{4,})|[Pp]asscode|ZIP|[Zz]ip(?: code)?|[Ss]erial|[Aa]ccount|[Oo]rder|[Tt]icket|ID|id|SSN|[Ii]nvoice|[Tt]racking)"
HEADINGS = (
    r"(?:[Cc]hapters?|[Pp]arts?|[Aa]cts?|[Bb]ooks?|[Vv]olumes?|[Vv]ol\.|[Ss]ections?|[Pp]hases?|[Tt]ypes?|[Aa]rticles?|[Aa]ppendix|[Ll]evels?"
    r"|[Ss]tages?|[Ss]cenes?|[Tt]itles?|[Ee]pisodes?|World War|WW|Super Bowl|[Cc]lass|[Gg]rade|[Uu]nits?|[Ll]essons?|[Mm]odules?|[Ff]igures?"
    r"|[Tt]ables?|[Cc]antos?|[Dd]ivisions?|[Gg]roups?|[Cc]ategory|[Tt]ier|[Mm]ark|[Cc]omplex|[Ff]actor|Vatican|Apollo|Saturn)"
)
MONARCHS = (
    r"(?:Henry|Louis|Elizabeth|George|Charles|Edward|William|Richard|James|Mary|Anne|John Paul|John|Pius|Leo|Gregory|Innocent|Clement|Urban|Benedict"
    r"|Paul|Sixtus|Julius|Boniface|Alexander|Napoleon|Catherine|Nicholas|Peter|Ivan|Philip|Ferdinand|Frederick|Wilhelm|Friedrich|Leopold|Maximilian"
    r"|Joseph|Francis|Franz|Rudolf|Otto|Gustav|Gustavus|Karl|Carl|Christian|Harald|Haakon|Olav|Margrethe|Ramses|Ramesses|Thutmose|Amenhotep|Ptolemy"
    r"|Cleopatra|Xerxes|Darius|Cyrus|Artaxerxes|Mehmed|Murad|Selim|Suleiman|Abdul Hamid|Juan Carlos|Alfonso|Felipe|Umberto|Victor Emmanuel|Constantine"
    r"|Theodosius|Justinian|Basil|Robert|David|Malcolm|Kenneth|Stephen|Matilda|Isabella|Pedro|Sancho|Albert|Baudouin|Pope [A-Z][a-z]+|King [A-Z][a-z]+|Queen [A-Z][a-z]+)"
)
ROMAN = r"(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
WORDS = {
    "k8s": "kubernetes",
    "i18n": "internationalization",
    "l10n": "localization",
    "a11y": "accessibility",
    "B2B": "B to B",
    "B2C": "B to C",
    "P2P": "P to P",
    "C2C": "C to C",
    "G2P": "G to P",
    "E2E": "end to end",
    "e2e": "end to end",
}


def roman(numeral: str) -> int:
    """As "XIV" -> 14."""
    values = [VALUES[letter] for letter in numeral]
    return sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def _numbered(match: re.Match[str]) -> Readings:
    digits = match["digits"]
    if len(digits) > 4:
        return (spelled(digits, "oh"), spelled(digits))
    return (pairs(digits), cardinal(digits), spelled(digits), spelled(digits, "oh"))


def _coded(match: re.Match[str]) -> Readings:
    digits = match["digits"]
    return (spelled(digits), spelled(digits, "oh"), *((pairs(digits), cardinal(digits)) if len(digits) <= 4 else ()))


def _heading(match: re.Match[str]) -> Readings:
    return (cardinal(str(roman(match["roman"]))),)


def _monarch(match: re.Match[str]) -> Readings:
    return (f"the {ordinal(str(roman(match['roman'])))}{match['own'] or ''}",)


def _sequel(match: re.Match[str]) -> Readings:
    number = str(roman(match["roman"]))
    own = match["own"] or ""
    return (f"{cardinal(number)}{own}", f"the {ordinal(number)}{own}")


def _mixed(match: re.Match[str]) -> Readings:
    """A word of letters and digits: "MP3", "H2O", "1080p", "COVID-19"."""
    text = match.group()
    if text in WORDS:
        return (WORDS[text], " ".join(_piece(piece, text)[0] for piece in re.findall(r"\d+(?:\.\d+)?|[A-Za-z]+", text)))
    pieces = re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", text)
    first = " ".join(_piece(piece, text)[0] for piece in pieces)
    last = " ".join(_piece(piece, text)[-1] for piece in pieces)
    return tuple(dict.fromkeys((first, last)))


def _piece(piece: str, whole: str) -> Readings:
    if "." in piece:
        return (decimal(piece),)
    if piece.isdigit():
        if piece.startswith("0"):
            return (spelled(piece), spelled(piece, "oh"))
        if len(piece) == 4 and whole.endswith(piece) and piece[:2] in ("19", "20"):
            return (pairs(piece), cardinal(piece))
        return (
            (pairs(piece) if 3 <= len(piece) <= 4 else cardinal(piece), spelled(piece))
            if len(piece) <= 4
            else (spelled(piece),)
        )
    if len(piece) <= 2 or not re.search(r"[aeiouyAEIOUY]", piece) or (piece.isupper() and len(piece) <= 3):
        return (" ".join(piece.upper()),)
    return (piece,)


LATER = r"(?P<own>[’']s)?)(?![\w’'-])"
NO_PRONOUN = r"(?!\s(?:am|have|had|will|would|can|could|think|know|do|did|want|need|see|saw|said|say|like|love|hope|went|go|[A-Z])\b)"
MONARCH_NUMERAL = rf"(?:(?=[IVXL]{{2,}}){ROMAN}|[VX]|I(?=[’']s)|I{NO_PRONOUN})"

RULES = (
    Rule("name with a number", re.compile(r"(?<![\w.-])(?:k8s|i18n|l10n|a11y|[BCPGE]2[BCPGE]|e2e)(?![\w-])"), _mixed),
    Rule(
        "number as a name",
        re.compile(rf"(?<![\w-]){PLACES}(?:\s|-)#?(?P<it>(?P<digits>\d{{1,5}}))(?![\w/%]|[.,:-]\d)"),
        _numbered,
    ),
    Rule(
        "number as a code",
        re.compile(rf"\b{SPELLED_NAMES}(?: is| number| no\.)?:?\s#?(?P<it>(?P<digits>\d{{4,}}))(?![\w/%]|[.,:-]\d)"),
        _coded,
    ),
    Rule("Roman numeral", re.compile(rf"\b{HEADINGS}\s(?P<it>(?P<roman>{ROMAN}))(?![\w’'-])"), _heading),
    Rule(
        "Roman numeral", re.compile(rf"\b(?!Malcolm X){MONARCHS}\s(?P<it>(?P<roman>{MONARCH_NUMERAL}){LATER}"), _monarch
    ),
    Rule(
        "Roman numeral", re.compile(rf"\b[A-Z][\w’'-]*[a-z]\s(?P<it>(?P<roman>(?=[IVX]{{2,}}){ROMAN}){LATER}"), _sequel
    ),
    Rule(
        "name with a number",
        re.compile(r"(?<![\w.$€£/@#-])(?:[A-Z]{2,}|[A-Z][a-z]+|[A-Z])-\d{1,4}(?:\.\d+)?(?![\w/]|[.,:-]\d)"),
        _mixed,
    ),
    Rule(
        "name with a number",
        re.compile(r"(?<![\w.$€£/@#])(?=[^\W_]*\d)(?=[^\W_]*[A-Za-z])(?!\d+(?:st|nd|rd|th)\b)[^\W_]{2,12}(?![\w/])"),
        _mixed,
    ),
)
