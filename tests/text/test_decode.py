"""Tests of decoding: bytes become text, or an error that names their source and the remedy."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakkit.errors import TextError
from speakkit.text.decode import checked, decode

MARK = b"\xef\xbb\xbf"
SOURCE = "notes.txt"


def refusal(raw):
    """Return the message of the TextError that `decode` raises for `raw`."""
    with pytest.raises(TextError) as caught:
        decode(raw, SOURCE)
    return str(caught.value)


@pytest.mark.parametrize(
    "text", ["plain", "naïve café, 中文, 😀", "tabs\tand\r\nlines\f", "\x1b[31mred\x1b[0m", "a\u2028b"]
)
def test_utf8_is_text(text):
    """UTF-8 is decoded unchanged, including terminal colours."""
    assert decode(text.encode(), SOURCE) == text


def test_byte_order_mark_is_dropped():
    """The first byte order mark is dropped; a second one is part of the text."""
    assert decode(MARK + b"Hello.", SOURCE) == "Hello."
    assert decode(MARK + MARK + b"Hello.", SOURCE) == "\ufeffHello."


def test_end_of_file_of_dos_is_dropped():
    """Ctrl-Z at the end of an old text file is dropped; anywhere else it is an error."""
    assert decode(b"Hello.\r\n\x1a", SOURCE) == "Hello.\r\n"
    assert "U+001A at offset 3" in refusal(b"One\x1atwo")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf16_with_a_mark_is_named(encoding):
    """UTF-16 with a byte order mark raises an error that names it and the command that converts it."""
    order = {"utf-16": b"", "utf-16-be": b"\xfe\xff", "utf-16-le": b"\xff\xfe"}[encoding]
    message = refusal(order + "Hello.".encode(encoding))
    assert message.startswith(f"{SOURCE} is UTF-16 text")
    assert "iconv -f UTF-16 -t UTF-8" in message


def test_utf16_without_a_mark_is_not_text():
    """UTF-16 without a byte order mark is full of NULs, and the error names the first."""
    message = refusal("Hello.".encode("utf-16-le"))
    assert message.startswith(f"{SOURCE} is not text")
    assert "U+0000 at offset 1" in message


def test_latin1_is_refused_with_the_byte_and_the_cure():
    """The error names the first byte that is not UTF-8, its offset, and the command that converts the file."""
    message = refusal("un café noir".encode("latin-1"))
    assert message.startswith(f"{SOURCE} is not UTF-8 text")
    assert "byte 0xe9 at offset 6" in message
    assert "iconv -f LATIN1 -t UTF-8" in message


def test_offset_of_a_bad_byte_counts_the_byte_order_mark():
    """The offset counts the byte order mark, so that an editor finds the byte in the file."""
    assert "byte 0xe9 at offset 6" in refusal(MARK + b"caf\xe9 noir")


@settings(deadline=None)
@given(st.binary(max_size=40), st.booleans())
def test_whatever_is_not_utf8_is_refused(raw, marked):
    """Bytes that are accepted decode to exactly their UTF-8 text, less a leading BOM and a final Ctrl-Z."""
    raw = MARK * marked + raw
    with suppress(TextError):
        assert decode(raw, SOURCE) == raw.decode().removeprefix("\ufeff").removesuffix("\x1a")


@pytest.mark.parametrize(
    "raw",
    [b"\x7fELF\x02\x01\x01\x00\x00", b"\x89PNG\r\n\x1a\n\x00", b"RIFF\x24\x00\x00\x00WAVEfmt ", bytes(range(256))],
)
def test_binary_is_refused(raw):
    """A program, an image and a sound file are refused."""
    message = refusal(raw)
    assert message.startswith(f"{SOURCE} is not ")
    assert "offset" in message


@pytest.mark.parametrize("code", [0x00, 0x08, 0x0E, 0x1A, 0x1C, 0x1F, 0x7F])
def test_control_character_is_refused_with_its_place(code):
    """One control character in a text is an error that names its offset."""
    message = refusal(b"ab\xc3\xa9" + bytes([code]) + b"cd")
    assert message.startswith(f"{SOURCE} is not text")
    assert f"U+{code:04X} at offset 3" in message


@pytest.mark.parametrize("code", [0xD800, 0xDCFF, 0xDFFF])
def test_lone_surrogate_is_refused(code):
    """A lone surrogate is refused; Python makes one of a command-line argument that is not UTF-8."""
    text = f"ab{chr(code)}"
    with pytest.raises(TextError, match=rf"^the text is not text: .*U\+{code:04X} at offset 2$"):
        checked(text, "the text")
    assert "byte 0xed at offset 2" in refusal(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("raw", [b"", b" ", b"\n\t \r\n", MARK, MARK + b"\n", "\u00a0\u3000\u2029".encode()])
def test_nothing_but_white_space_is_nothing_to_speak(raw):
    """An empty file, or one of white space, is an error that names the file."""
    message = refusal(raw)
    assert message.startswith("there is nothing to speak")
    assert SOURCE in message


def test_checked_returns_the_text_itself():
    """White space around the text is kept, because offsets are those of the user's text."""
    assert checked("  Hello.\n", SOURCE) == "  Hello.\n"
