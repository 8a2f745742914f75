"""Reading recordings: audio and video of many formats, and what is none."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from speakkit import ffmpeg, recording
from speakkit.errors import StorageError

SECONDS = 2.0


def tone(rate, channels=1):
    """A beep from 0.5 to 1.0 s: float32 [frames, channels]."""
    times = np.arange(round(SECONDS * rate)) / rate
    beep = 0.5 * np.sin(2 * np.pi * 440 * times) * ((times >= 0.5) & (times < 1.0))
    return np.repeat(beep[:, None], channels, axis=1).astype(np.float32)


def heard(audio):
    """Start and end of the beep in seconds."""
    loud = np.flatnonzero(np.abs(audio.samples) > 0.1)
    return loud[0] / audio.sample_rate, loud[-1] / audio.sample_rate


def encoded(path, codec, rate=44_100, begins=0.0, **options):
    """Write the beep by FFmpeg, with a picture every half second if the file is a video. begins: of its sound."""
    import av

    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=2, width=32, height=32) if path.suffix in {".mp4", ".mkv"} else None
        stream = out.add_stream(codec, rate=rate, layout="stereo", **options)
        if video:
            for i in range(8):
                picture = av.VideoFrame(32, 32, "yuv420p")
                picture.pts = i
                for packet in video.encode(picture):
                    out.mux(packet)
            for packet in video.encode(None):
                out.mux(packet)
        resampler = av.AudioResampler(stream.codec_context.format, stream.layout, rate, stream.frame_size or None)
        frame = av.AudioFrame.from_ndarray(tone(rate, 2).reshape(1, -1), format="flt", layout="stereo")
        frame.rate, frame.pts = rate, round(begins * rate)
        for given in (frame, None):
            for made in resampler.resample(given):
                for packet in stream.encode(made):
                    out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_number_of_channels(tmp_path, rate, channels):
    file = tmp_path / "x.wav"
    soundfile.write(file, tone(rate, channels), rate)
    audio = recording.read(file)
    assert audio.sample_rate == recording.RATE
    assert audio.duration == pytest.approx(SECONDS, abs=0.001)
    assert heard(audio) == pytest.approx((0.5, 1.0), abs=0.002)
    assert audio.samples.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "codec"), [("x.m4a", "aac"), ("x.mka", "ac3"), ("x.avi", "mp2"), ("x.mp4", "aac"), ("x.mkv", "flac")]
)
def test_formats_that_only_ffmpeg_reads(tmp_path, name, codec):
    audio = recording.read(encoded(tmp_path / name, codec))
    assert audio.duration == pytest.approx(SECONDS, abs=0.1)
    assert heard(audio) == pytest.approx((0.5, 1.0), abs=0.05)


def test_sound_that_begins_after_the_pictures_keeps_its_time(tmp_path):
    audio = recording.read(encoded(tmp_path / "x.mkv", "flac", begins=1.5))
    assert heard(audio) == pytest.approx((2.0, 2.5), abs=0.05)


@pytest.mark.parametrize("name", ["x.mp3", "x.flac", "x.ogg", "x.aiff"])
def test_formats_of_libsndfile(tmp_path, name):
    file = tmp_path / name
    soundfile.write(file, tone(24_000), 24_000)
    assert heard(recording.read(file)) == pytest.approx((0.5, 1.0), abs=0.02)


def silent_video(path):
    import av

    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=2, width=32, height=32)
        for packet in [*video.encode(av.VideoFrame(32, 32, "yuv420p")), *video.encode(None)]:
            out.mux(packet)


def header_alone(path):
    soundfile.write(path.with_suffix(".wav"), tone(24_000), 24_000)
    path.write_bytes(path.with_suffix(".wav").read_bytes()[:44])


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b""), "no audio or video file"),
        (lambda path: path.write_text("a text, of some length\n" * 100), "no audio or video file"),
        (lambda path: path.write_bytes(bytes(range(256)) * 40), "no audio or video file"),
        (silent_video, "has no sound"),
        (header_alone, "has no sound"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda _: None, "no such file"),
    ],
    ids=["empty", "text", "binary", "silent video", "header alone", "folder", "missing"],
)
def test_what_cannot_be_read_is_named(tmp_path, write, said, capfd):
    file = tmp_path / "x.mp4"
    write(file)
    with pytest.raises(StorageError, match=said) as caught:
        recording.read(file)
    assert str(file) in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_lying_header_gives_what_is_there(tmp_path):
    file = tmp_path / "x.wav"
    soundfile.write(file, tone(24_000), 24_000)
    whole = bytearray(file.read_bytes())
    whole[40:44] = (2**31 - 2).to_bytes(4, "little")  # the length of the samples
    file.write_bytes(whole[: len(whole) // 2])
    assert recording.read(file).duration == pytest.approx(SECONDS / 2, abs=0.01)


@pytest.mark.parametrize("name", ["deadly.m4a", "endless.m4a"])
def test_a_file_that_ends_or_hangs_ffmpeg_fails_alone(tmp_path, monkeypatch, name):
    """FFmpeg runs in a process of its own, which is killed if it does nothing; the error names the file."""
    shared = next(path for path in sys.path if path.endswith("shared"))
    monkeypatch.setenv("PYTHONPATH", shared)
    monkeypatch.setattr(ffmpeg, "PLACE", "bad_decoder:load")
    monkeypatch.setattr(ffmpeg, "LIMITS", replace(ffmpeg.LIMITS, silence_s=0.5))
    (tmp_path / name).touch()
    with pytest.raises(StorageError, match=f"{name} cannot be decoded: "):
        recording.read(tmp_path / name)


def test_too_long_a_recording_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "LONGEST", 1)
    file = tmp_path / "x.wav"
    soundfile.write(file, tone(16_000), 16_000)
    with pytest.raises(StorageError, match="longer than"):
        recording.read(file)


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    encoded(tmp_path / "x.m4a", "aac").rename(tmp_path / "http:x.m4a")
    assert recording.read(Path("http:x.m4a")).duration > 1


def test_recordings_are_found_in_folders(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("z.WAV", "a.txt", "b/c.mp3", "b/d.json"):
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in recording.found(tmp_path)] == ["b/c.mp3", "z.WAV"]
    with pytest.raises(StorageError, match="there is no audio in"):
        list(recording.found(tmp_path / "none"))
