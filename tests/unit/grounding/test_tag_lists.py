"""Lists that a user brings."""

import pytest

from bubo.errors import InputError
from bubo.grounding.tag_lists import MAX_TAGS, check_tags, read_synonyms, read_tags


def test_a_list_is_read(tmp_path):
    path = tmp_path / "tags.txt"
    path.write_bytes("\ufeffsofa\r\n  red car \n\nÉclair".encode())
    assert read_tags(path) == ("sofa", "red car", "Éclair")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 tags; expected 1 to 20000"),
        (b"\n\n", "holds 0 tags"),
        (b"dog\ncat\n dog\n", r"holds 'dog' twice, as tags 1 and 3"),
        ("\n".join(f"tag {i}" for i in range(100_000)).encode(), "holds 100000 tags; expected 1 to 20000"),
        (b"\xff\xfed\x00", r"is not UTF-8 \(byte 0\)"),
        (b"a" * 4_000_001, "more than 4000000 bytes"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_clear_error(tmp_path, content, message):
    path = tmp_path / "tags.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_tags(path)
    assert "tags.txt" in str(error.value)


def test_a_missing_list_is_named(tmp_path):
    for path in (tmp_path / "nothing.txt", tmp_path, "a\0b"):
        with pytest.raises(InputError, match="Cannot read the list"):
            read_tags(path)


@pytest.mark.parametrize(
    ("tags", "message"),
    [("dog", "is one string"), (["dog", " "], "tag 2 is ' '"), (["dog", 3], "tag 2 is 3"), ([], "0 tags")],
)
def test_tags_in_code_are_checked_too(tags, message):
    with pytest.raises(InputError, match=message):
        check_tags(tags)


def test_the_longest_list_is_fine():
    assert len(check_tags([str(number) for number in range(MAX_TAGS)])) == MAX_TAGS


def test_synonyms_are_read(tmp_path):
    path = tmp_path / "synonyms.txt"
    path.write_text("sofa, couch,settee , couch,sofa\n\nzebra\nred car, scarlet car,\n")
    assert read_synonyms(path) == {"sofa": ("couch", "settee"), "zebra": (), "red car": ("scarlet car",)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sofa, couch\n, settee\n", r"line 2: there is no tag"),
        ("sofa, couch\nzebra\nsofa, settee\n", r"line 3: 'sofa' has a line already"),
        ("", "holds 0 tags"),
    ],
)
def test_broken_synonyms_name_the_line(tmp_path, content, message):
    path = tmp_path / "synonyms.txt"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_synonyms(path)
