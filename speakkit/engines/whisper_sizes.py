"""Whisper's sizes: where the weights of each one are published, as faster-whisper names them, and which it knows.

`data/whisper.tsv` lists the files of each size: the size, the name of the file, its bytes, and its sha256, or "-" if
that is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from speakkit import paths
from speakkit.engines.sources import HubFiles, Pinned


@dataclass(frozen=True)
class Size:
    """One size of Whisper.

    repository, revision: of its weights, converted for CTranslate2, on the Hugging Face Hub
    size_mb: approximate size on disk, in MB
    is_english: it knows English only
    """

    repository: str
    revision: str
    size_mb: int
    is_english: bool = False


SIZES: Mapping[str, Size] = {
    "base": Size("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66", 150),
    "tiny.en": Size("Systran/faster-whisper-tiny.en", "0d3d19a32d3338f10357c0889762bd8d64bbdeba", 78, is_english=True),
    "tiny": Size("Systran/faster-whisper-tiny", "d90ca5fe260221311c53c58e660288d3deb8d356", 78),
    "base.en": Size("Systran/faster-whisper-base.en", "3d3d5dee26484f91867d81cb899cfcf72b96be6c", 148, is_english=True),
    "small": Size("Systran/faster-whisper-small", "536b0662742c02347bc0e980a01041f333bce120", 486),
    "small.en": Size(
        "Systran/faster-whisper-small.en", "d1d751a5f8271d482d14ca55d9e2deeebbae577f", 486, is_english=True
    ),
    "medium": Size("Systran/faster-whisper-medium", "08e178d48790749d25932bbc082711ddcfdfbc4f", 1531),
    "medium.en": Size(
        "Systran/faster-whisper-medium.en", "a29b04bd15381511a9af671baec01072039215e3", 1530, is_english=True
    ),
    "large-v1": Size("Systran/faster-whisper-large-v1", "b07c8d4be0be90092aa01a29c975077acb8d15c9", 3090),
    "large-v2": Size("Systran/faster-whisper-large-v2", "f0fe81560cb8b68660e564f55dd99207059c092e", 3090),
    "large-v3": Size("Systran/faster-whisper-large-v3", "edaa852ec7e145841d8ffdb056a99866b5f0a478", 3091),
    "large-v3-turbo": Size(
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo", "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf", 1622
    ),
    "distil-small.en": Size(
        "Systran/faster-distil-whisper-small.en", "ef77d90526ccd62cde3808ee70626a01e5cf83e4", 336, is_english=True
    ),
    "distil-medium.en": Size(
        "Systran/faster-distil-whisper-medium.en", "80ddfce281f77766d8943d63109199fc8145dfa5", 792, is_english=True
    ),
    "distil-large-v2": Size(
        "Systran/faster-distil-whisper-large-v2", "fe9b404fc56de3f7c38606ef9ba6fd83526d05e4", 1516, is_english=True
    ),
    "distil-large-v3": Size(
        "Systran/faster-distil-whisper-large-v3", "c3058b475261292e64a0412df1d2681c06260fab", 1516, is_english=True
    ),
    "distil-large-v3.5": Size(
        "distil-whisper/distil-large-v3.5-ct2", "9793ccc07920e0f830e1dba0343efcdf0ef8c903", 1516, is_english=True
    ),
}
"""Size -> its weights. The distilled ones learned from English alone (their model cards), whatever their names say."""

ALIASES: Mapping[str, str] = {"whisper-large": "whisper-large-v3", "whisper-turbo": "whisper-large-v3-turbo"}
"""Other names of models -> the name in the catalog."""


def published(size: str) -> HubFiles:
    """Return the published files of a size. If the table has none, those that the Hub lists are taken."""
    rows = (line.split("\t") for line in (paths.data() / "whisper.tsv").read_text().splitlines())
    files = {
        name: Pinned("" if sha256 == "-" else sha256, int(length)) for one, name, length, sha256 in rows if one == size
    }
    label = "official" if files else "official, not pinned"
    return HubFiles(SIZES[size].repository, SIZES[size].revision, files, label)
