"""Tests of voice packs: the user's own in three formats, blends, and invalid packs."""

import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from speakkit import paths
from speakkit.engines import hub, voice_files, voice_packs
from speakkit.errors import ModelError
from speakkit.voices import find


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The user's voice folder, empty."""
    monkeypatch.setenv("SPEAKKIT_VOICES", str(tmp_path))
    voice_packs.blended.cache_clear()
    yield tmp_path
    voice_packs.blended.cache_clear()


@pytest.fixture
def sky():
    """A real voice pack, of af_sky."""
    return voice_packs.pack("af_sky")


def write(file, array):
    """Write `array` as a pack in the format of the file's suffix."""
    match file.suffix:
        case ".pt":
            torch.save(torch.from_numpy(array), file)
        case ".safetensors":
            save_file({"voice": array}, file)
        case _:
            file.write_bytes(array.astype("<f4").tobytes())


class Bomb:
    """An object that runs code when it is unpickled."""

    def __reduce__(self):
        return print, ("the pack ran code",)


@pytest.mark.parametrize("ending", [".pt", ".safetensors", ".bin"])
def test_packs_of_ones_own_are_read(folder, sky, ending):
    """A user's pack is read with the same numbers from every format."""
    write(folder / f"carmen{ending}", sky)
    assert np.array_equal(voice_packs.pack("carmen"), sky)
    assert "carmen" in voice_files.installed()


def test_two_formats_of_one_voice(folder, sky):
    """If a voice has two formats, safetensors is used, because it cannot contain code."""
    write(folder / "carmen.pt", sky + 1)
    write(folder / "carmen.safetensors", sky)
    assert np.array_equal(voice_packs.pack("carmen"), sky)


def test_own_pack_counts_before_the_official_one(folder, sky):
    """A user's own pack is used before the official one, so that nothing is fetched."""
    write(folder / "zf_xiaoxiao.pt", sky)
    assert np.array_equal(voice_packs.blended(find("zf_xiaoxiao")), sky)


def test_fetching_the_other_voices_changes_no_packaged_one():
    """A packaged voice is used even if the official voices are fetched.

    The packaged packs are rounded to float16, so otherwise the samples of a seed would depend on what was fetched.
    """
    assert hub.ensure("voices").folder.is_dir()
    packaged = np.load(paths.data() / "voices" / "af_heart.npy")
    assert np.array_equal(voice_packs.pack("af_heart"), packaged.astype(np.float32))


@pytest.mark.parametrize("ending", [".pt", ".safetensors", ".bin"])
@pytest.mark.parametrize(
    ("shape", "words"), [((511, 1, 256), "511 rows.*v0.19"), ((510, 1, 128), "510, 1, 256"), ((0,), "510, 1, 256")]
)
def test_wrong_shape_is_refused_with_its_reason(folder, ending, shape, words):
    """A pack of the wrong shape is refused with the reason; legacy packs have 511 rows."""
    write(folder / f"odd{ending}", np.ones(shape, np.float32))
    with pytest.raises(ModelError, match=words):
        voice_packs.pack("odd")


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("ending", [".pt", ".safetensors", ".bin"])
def test_numbers_that_are_none_are_refused(folder, sky, ending, number):
    """A pack with a NaN or an infinity is refused, because one NaN would make the speech silent."""
    damaged = sky.copy()
    damaged[100, 0, 7] = number
    write(folder / f"odd{ending}", damaged)
    with pytest.raises(ModelError, match="NaN"):
        voice_packs.pack("odd")


def test_pickle_that_would_run_code_is_refused(folder, capfd):
    """A pickle that contains code is refused, and the code does not run."""
    for name, save in (("old.pt", lambda file: file.write_bytes(pickle.dumps(Bomb()))), ("new.pt", _save_bomb)):
        save(folder / name)
        with pytest.raises(ModelError, match="contains code"):
            voice_packs.read(folder / name)
    assert "ran code" not in capfd.readouterr().out


def _save_bomb(file):
    torch.save({"voice": Bomb()}, file)


@pytest.mark.parametrize("ending", [".pt", ".safetensors", ".bin"])
@pytest.mark.parametrize("raw", [b"", b"no pack at all", b"PK\x03\x04" + b"\0" * 100])
def test_damaged_packs_are_refused(folder, ending, raw):
    """A damaged pack raises a ModelError that names the file."""
    (folder / f"odd{ending}").write_bytes(raw)
    with pytest.raises(ModelError, match=f"odd{ending}"):
        voice_packs.pack("odd")


@pytest.mark.parametrize("ending", [".pt", ".safetensors", ".bin"])
def test_a_huge_pack_is_refused_by_its_size(folder, ending):
    """A file that is too large for a pack is refused unread; this one would take all memory, and no disk."""
    with (folder / f"odd{ending}").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ModelError, match=r"has 1048576 MB, and a pack has at most 8; get it anew"):
        voice_packs.pack("odd")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_a_pack_that_is_no_file_is_refused(folder, plant):
    """A pipe, a folder or a device in place of a pack is refused, and not opened: reading might never end."""
    plant(folder / "odd.bin")
    with pytest.raises(ModelError, match=r"odd\.bin is not a file; remove it"):
        voice_packs.pack("odd")


def test_a_pack_may_have_the_longest_name(folder, sky):
    """A pack is read if its file name has 255 bytes, the maximum."""
    for ending in (".pt", ".safetensors", ".bin"):
        name = "x" * (255 - len(ending))
        write(folder / f"short{ending}", sky)
        (folder / f"short{ending}").rename(folder / f"{name}{ending}")
        assert np.array_equal(voice_packs.blended(find(name, own=voice_files.own())), sky)


def test_packs_of_odd_numbers(folder, sky):
    """A torch parameter and bfloat16 are read; sparse and meta tensors are refused."""
    torch.save(torch.nn.Parameter(torch.from_numpy(sky)), folder / "parameter.pt")
    assert np.array_equal(voice_packs.pack("parameter"), sky)
    torch.save(torch.from_numpy(sky).to_sparse(), folder / "sparse.pt")
    torch.save(torch.from_numpy(sky).to("meta"), folder / "meta.pt")
    save_torch({"a": torch.from_numpy(sky).to(torch.bfloat16)}, folder / "bfloat16.safetensors")
    assert np.allclose(voice_packs.pack("bfloat16"), sky, atol=0.01)
    for name in ("sparse", "meta"):
        with pytest.raises(ModelError, match=name):
            voice_packs.pack(name)


def test_files_that_hold_something_else(folder, sky):
    """A file with a dictionary or with two tensors is refused."""
    torch.save({"voice": torch.from_numpy(sky)}, folder / "dict.pt")
    save_file({"a": sky, "b": sky}, folder / "two.safetensors")
    with pytest.raises(ModelError, match="a dict"):
        voice_packs.pack("dict")
    with pytest.raises(ModelError, match="2 tensors"):
        voice_packs.pack("two")


def test_names_that_no_voice_can_have(folder, sky):
    """Files whose name is no valid voice name are ignored, because they could not be told from blends."""
    for name in ("a+b.bin", "A.bin", "a(2).bin", "notes.txt"):
        write(folder / name, sky)
    assert voice_files.own() == {}


def test_folder_that_is_not_there(monkeypatch, tmp_path):
    """If the user's voice folder does not exist, or is a file, there are no own voices."""
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "none", tmp_path / "file"):
        monkeypatch.setenv("SPEAKKIT_VOICES", str(place))
        assert voice_files.own() == {}


def test_blend_of_one_is_the_voice_itself(folder):
    """A blend of one voice equals that voice bit for bit, also if it is listed twice."""
    for blend in ("af_sky(1)", "af_sky(1)+af_sky(3)", "f3"):
        assert np.array_equal(voice_packs.blended(find(blend)), voice_packs.pack("af_sky"))


def test_blend_is_the_weighted_mean(folder):
    """A blend is the weighted mean; the syntax and the order of its voices do not change a bit."""
    expected = (voice_packs.pack("af_bella") * 2.0 + voice_packs.pack("af_sky") * 1.0) / 3.0
    blend = voice_packs.blended(find("af_bella(2)+af_sky(1)"))
    assert blend.dtype == np.float32
    assert np.allclose(blend, expected, atol=1e-6)
    assert np.array_equal(blend, voice_packs.blended(find("af_sky:10,af_bella:20")))
