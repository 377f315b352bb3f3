"""The media store: what goes in is decoded and written anew, what comes out is its owner's."""

import io
import os
import time

import numpy as np
import pytest
import serving
from PIL import Image
from threads import at_once

from bubo.media import load_picture, load_sound
from bubo.server.database import Database
from bubo.server.media_files import MediaStore
from bubo.server.media_forms import clean_name, peaks_of
from bubo.server.problems import NotFoundError, Problem
from bubo.server.settings import Limits
from bubo.types import Sound

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def media(stores):
    return stores[1]


def saved(image, form="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def two_colours(width=60, height=40):
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def test_a_picture_is_kept_exactly_with_a_thumbnail(media):
    record = media.add("ana", serving.png(640, 480, (10, 200, 30)), "a.jpg")
    assert (record.kind, record.width, record.height, record.content_type) == (
        "picture", 640, 480, "image/png",
    )  # fmt: skip
    assert media.get("ana", record.id) == record
    pixels = media.picture("ana", record.id).pixels
    assert (pixels == (10, 200, 30)).all()
    path = media.open("ana", record.id)
    assert record.bytes == path.stat().st_size and len(list(path.parent.iterdir())) == 2
    small = Image.open(io.BytesIO(media.open("ana", record.id, thumbnail=True).read_bytes()))
    assert (small.size, small.format) == ((320, 240), "JPEG")


def test_a_large_picture_becomes_a_jpeg_and_the_model_sees_what_is_served(media):
    record = media.add("ana", serving.png(1200, 900))
    assert record.content_type == "image/jpeg"
    served = load_picture(media.open("ana", record.id).read_bytes())
    assert (media.picture("ana", record.id).pixels == served.pixels).all()


def test_a_turned_photograph_is_stored_upright_without_its_metadata(media):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees to the right
    exif[0x010E] = "secret place"
    record = media.add("ana", saved(two_colours(), exif=exif, quality=95), "photo.jpg")
    assert (record.width, record.height) == (40, 60)
    pixels = media.picture("ana", record.id).pixels.astype(int)
    assert pixels[5, 20, 0] > 200  # the left became the top
    assert pixels[55, 20, 2] > 200
    stored = media.open("ana", record.id).read_bytes()
    assert b"secret" not in stored
    assert not Image.open(io.BytesIO(stored)).getexif()


def test_nothing_behind_a_picture_survives(media):
    polyglot = serving.png() + b"<script>alert(1)</script>PK\x03\x04"
    record = media.add("ana", polyglot, "page.html")
    assert b"script" not in media.open("ana", record.id).read_bytes()


def test_a_sound_becomes_a_wave_file_of_16_bits_with_peaks(media):
    record = media.add("ana", serving.wav(2.0, 44_100), "tone.mp3")
    assert (record.kind, record.content_type, record.sampling_rate) == ("sound", "audio/wav", 16_000)
    assert record.duration_s == pytest.approx(2.0, abs=0.01)
    stored = media.open("ana", record.id).read_bytes()
    assert stored[:4] == b"RIFF"
    assert stored[20:24] == b"\x01\x00\x01\x00"  # PCM, one channel
    assert len(stored) == 44 + 2 * 32_000
    heard = media.sound("ana", record.id)
    expected = load_sound(serving.wav(2.0, 44_100))
    assert np.abs(heard.samples - expected.samples).max() < 1e-3
    assert len(record.peaks) == 1000
    assert all(-1 <= low <= high <= 1 for low, high in record.peaks)
    assert max(high for _, high in record.peaks) == pytest.approx(0.5, abs=0.02)
    with pytest.raises(NotFoundError):
        media.open("ana", record.id, thumbnail=True)
    with pytest.raises(NotFoundError):
        media.picture("ana", record.id)


def test_peaks_are_the_extremes_of_their_parts():
    samples = np.zeros(4000, np.float32)
    samples[1999], samples[2000] = -1.0, 0.75
    peaks = peaks_of(Sound(samples, 16_000))
    assert (peaks[499], peaks[500]) == ([-1.0, 0.0], [0.0, 0.75])
    assert peaks_of(Sound(np.ones(3, np.float32), 16_000)) == [[1.0, 1.0]] * 3


@pytest.mark.parametrize(
    ("data", "name", "status", "words"),
    [
        (SVG, "drawing.svg", 415, "SVG"),
        (b"  <?xml version='1.0'?>" + SVG, "drawing.png", 415, "SVG"),
        (b"", "empty.png", 415, "empty"),
        (b"%PDF-1.7 hello", "paper.png", 415, "give PNG"),
        (b"<html><script>1</script></html>", "x.jpg", 415, "give PNG"),
        (b"MZ" + bytes(200), "tool.exe", 415, "give PNG"),
        (serving.png()[:60], "cut.png", 422, "damaged|truncated"),
        (serving.wav()[:2000], "cut.wav", 422, "truncated"),
        (serving.wav(0.05), "click.wav", 422, "lasts"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "zero.png", 422, "damaged"),
    ],
)  # fmt: skip
def test_what_is_no_medium_is_refused_with_what_to_do(media, tmp_path, data, name, status, words):
    with pytest.raises(Problem, match=words) as caught:
        media.add("ana", data, name)
    assert caught.value.status == status
    assert media.list("ana") == []
    assert not list((tmp_path / "media").glob("??/*"))


def test_sizes_are_limited_before_decoding(database, tmp_path):
    store = MediaStore(database, tmp_path / "media", Limits(picture_pixels=1000, sound_s=1.0))
    with pytest.raises(Problem, match="40 x 30 pixels; at most 0.001 million") as caught:
        store.add("ana", serving.png())
    assert (caught.value.status, caught.value.code) == (413, "picture_too_large")
    huge = serving.png(20, 20)
    huge = huge[:16] + (10**6).to_bytes(4, "big") * 2 + huge[24:]  # a header that promises a million a side
    with pytest.raises(Problem) as caught:
        store.add("ana", huge)
    assert caught.value.status in (413, 422)
    with pytest.raises(Problem, match="lasts 2 s; at most 1 s") as caught:
        store.add("ana", serving.wav(2.0))
    assert caught.value.status == 413


def test_the_size_is_that_of_the_served_file(stores):
    _, media = stores
    for data in (serving.png(400, 300), serving.wav()):
        record = media.add("ana", data)
        assert record.bytes == media.open("ana", record.id).stat().st_size
        assert media.get("ana", record.id).bytes == record.bytes
    assert media.used_bytes("ana") == sum(one.bytes for one in media.list("ana"))


def test_the_quota_holds_for_many_uploads_at_once(database, tmp_path):
    size = MediaStore(database, tmp_path / "media", Limits()).add("me", serving.png()).bytes
    store = MediaStore(database, tmp_path / "media", Limits(quota_bytes=3 * size + 10))
    results = at_once(*[lambda owner=owner: store.add(owner, serving.png()) for owner in ["ana", "ben"] * 12])
    for owner in ("ana", "ben"):
        assert len(store.list(owner)) == 3 and store.used_bytes(owner) == 3 * size
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 18 and {problem.code for problem in refused} == {"quota_exceeded"}


def test_the_quota_is_per_owner(database, tmp_path):
    size = MediaStore(database, tmp_path / "m", Limits()).add("zoe", serving.png()).bytes
    store = MediaStore(database, tmp_path / "media", Limits(quota_bytes=2 * size + 10))
    first = store.add("ana", serving.png())
    store.add("ana", serving.png())
    assert store.used_bytes("ana") == 2 * size
    with pytest.raises(Problem, match="at most") as caught:
        store.add("ana", serving.png())
    assert caught.value.code == "quota_exceeded"
    store.add("ben", serving.png())
    store.delete("ana", first.id)
    store.add("ana", serving.png())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\dog.png", "dog.png"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("x\0y\ud800", "x\ufffdy?"),
        ("n" * 500, "n" * 200),
        ("", ""),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    ],
)
def test_names_are_words_to_show_and_nothing_else(given, kept):
    assert clean_name(given) == kept


def test_what_a_message_uses_cannot_be_deleted(stores):
    conversations, media = stores
    record = media.add("ana", serving.png())
    talk = conversations.create("ana")
    conversations.add_question("ana", talk.id, parent=None, text="?", media=[record.id])
    with pytest.raises(Problem, match="A message uses") as caught:
        media.delete("ana", record.id)
    assert caught.value.status == 409
    free = media.add("ana", serving.png())
    path = media.open("ana", free.id)
    media.delete("ana", free.id)
    assert not path.exists()
    with pytest.raises(NotFoundError):
        media.get("ana", free.id)


def test_sweeping_removes_uploads_that_nobody_sent_and_files_without_a_record(stores, tmp_path):
    conversations, media = stores
    file = media.add("ana", serving.png())
    sent, unsent = (media.add("ana", serving.png(), kept=False) for _ in range(2))
    talk = conversations.create("ana")
    conversations.add_question("ana", talk.id, parent=None, text="?", media=[sent.id])
    lost = tmp_path / "media" / "ab" / ("ab" + "0" * 30)
    lost.mkdir(parents=True)
    young = tmp_path / "media" / "cd" / ("cd" + "0" * 30)
    young.mkdir(parents=True)
    yesterday = time.time() - 100_000
    os.utime(lost, (yesterday, yesterday))
    assert media.sweep() == 1
    assert not lost.exists()
    assert young.exists()
    assert media.sweep(unused_s=-1) == 1
    assert {one.id for one in media.list("ana", kept_only=False)} == {file.id, sent.id}
    assert not (tmp_path / "media" / unsent.id[:2] / unsent.id).exists()


def _age(*folders):
    for folder in folders:
        os.utime(folder, (time.time() - 100_000,) * 2)


def test_a_server_with_another_database_leaves_the_files_alone(media, tmp_path, caplog):
    folder = tmp_path / "media"
    records = [media.add("ana", serving.png()) for _ in range(3)]
    _age(*folder.glob("??/*"))
    wrong = Database(f"sqlite:///{tmp_path / 'wrong.sqlite3'}")
    other = MediaStore(wrong, folder, Limits())
    for _ in range(5):  # more of its own than there were
        other.add("ben", serving.png())
        _age(*folder.glob("??/*"))
        assert other.sweep() == 0
    assert "3 files" in caplog.text and "are of another database and stay" in caplog.text
    wrong.close()
    assert all(media.open("ana", one.id).exists() for one in records)
    assert media.sweep() == 5  # what the wrong one left is nobody's


def test_a_folder_of_an_earlier_version_is_marked_when_most_is_known(media, tmp_path):
    folder = tmp_path / "media"
    known = media.add("ana", serving.png())
    (folder / ".database").unlink()
    lost = [folder / "ab" / (f"ab{number}" + "0" * 29) for number in range(2)]
    for one in lost:
        one.mkdir(parents=True)
    _age(*folder.glob("??/*"))
    assert media.sweep() == 0  # more is unknown than known: perhaps another's
    lost[0].rmdir()
    assert media.sweep() == 1  # now it is marked
    assert not lost[1].exists() and media.open("ana", known.id).exists()
    assert (folder / ".database").exists()


def test_a_folder_of_an_earlier_version_is_marked_before_another_database_fills_it(media, tmp_path):
    folder = tmp_path / "media"
    records = [media.add("ana", serving.png()) for _ in range(3)]
    (folder / ".database").unlink()
    _age(*folder.glob("??/*"))
    assert media.sweep() == 0  # nothing is unknown
    wrong = Database(f"sqlite:///{tmp_path / 'wrong.sqlite3'}")
    other = MediaStore(wrong, folder, Limits())
    for _ in range(7):
        other.add("ben", serving.png())
    _age(*folder.glob("??/*"))
    assert other.sweep() == 0
    wrong.close()
    assert all(media.open("ana", one.id).exists() for one in records)


def test_a_full_disk_leaves_nothing_behind(media, tmp_path, monkeypatch):
    import bubo.server.media_files as module
    from bubo.errors import StorageError

    def full(path, data):
        if path.name == "thumbnail":
            raise StorageError("No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(module, "write_atomic", full)
    with pytest.raises(Problem, match="no room") as caught:
        media.add("ana", serving.png())
    assert caught.value.status == 507
    assert media.list("ana") == []
    assert not list((tmp_path / "media").glob("??/*"))


def test_a_damaged_file_is_called_by_its_name(media):
    with pytest.raises(Problem, match="picture 'holiday.png' cannot be decoded") as caught:
        media.add("ana", serving.png()[:60], "holiday.png")
    assert "bytes" not in str(caught.value)
