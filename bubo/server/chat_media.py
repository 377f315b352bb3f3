"""Pictures and sounds within the requests of programs: data URLs, base 64, files of one's own, addresses."""

import base64
import binascii
import re

from bubo.errors import MediaError
from bubo.media import load_picture, load_sound
from bubo.server.fetching import fetch
from bubo.server.media_forms import check_picture_size, what_is_wrong
from bubo.server.problems import NotFoundError, Problem
from bubo.server.services import Owner, Services
from bubo.types import Picture, Sound

__all__ = ["FILE_PREFIX", "ChatMedia", "file_id"]

#: Ids of files begin so, as OpenAI's do.
FILE_PREFIX = "file-"
_DATA_URL = re.compile(r"data:(?P<type>[\w.+/-]*)(?P<rest>[^,]{0,200}),", re.ASCII)


def file_id(media_id: str) -> str:
    """The id that programs know a medium by."""
    return FILE_PREFIX + media_id


class ChatMedia:
    """The media of one request, in the order in which they came.

    Args:
        parts: Where stored files are found, and what the limits are.
        owner: Whose files may be used.

    Attributes:
        picture_ids: Of each picture the file's id, or "picture-N" if it came with the request.
        sound_ids: The same for sounds.
    """

    def __init__(self, parts: Services, owner: Owner):
        self._parts, self._owner = parts, owner
        self.picture_ids: list[str] = []
        self.sound_ids: list[str] = []

    def picture(self, url: str, param: str) -> Picture:
        """The picture of a data URL, a file's id, or an address if the server may fetch it.

        Raises:
            Problem: If it is none of these, or no picture that can be used.
        """
        if url.startswith(FILE_PREFIX):
            found = self.file(url, param)
            if not isinstance(found, Picture):
                raise Problem(400, f"The file {url!r} is a sound, not a picture.", "wrong_media", param=param)
            return found
        if url[:8].lower().startswith(("http://", "https://")):
            if not self._parts.settings.fetch_urls:
                raise Problem(
                    400,
                    "This server fetches no pictures from the web: send a data URL "
                    "(data:image/png;base64,...) or upload the picture to /v1/files and give its id.",
                    "url_not_allowed",
                    param=param,
                )
            content = fetch(url, self._parts.settings.limits.body_bytes, param)
        else:
            content = _data(url, param)
        picture = self._decoded_picture(content, param)
        self.picture_ids.append(f"picture-{len(self.picture_ids)}")
        return picture

    def sound(self, data: str, param: str) -> Sound:
        """The sound of a file in base 64.

        Raises:
            Problem: If it is no sound that can be used.
        """
        content = _data(data, param) if data.startswith("data:") else _decode(data, param)
        try:
            sound = load_sound(content)
        except MediaError as error:
            raise Problem(400, what_is_wrong(error, content, param), "invalid_audio", param=param) from None
        longest = self._parts.settings.limits.sound_s
        if sound.duration_s > longest:
            raise Problem(
                413,
                f"The sound is {sound.duration_s:.1f} s long; at most {longest:g} s are taken. Cut it first.",
                "sound_too_long",
                param=param,
            )
        self.sound_ids.append(f"sound-{len(self.sound_ids)}")
        return sound

    def file(self, id: str, param: str) -> Picture | Sound:
        """A file that was uploaded before.

        Raises:
            Problem: 404 if there is none of this id.
        """
        media_id = id.removeprefix(FILE_PREFIX)
        try:
            record = self._parts.media.get(self._owner.id, media_id)
        except NotFoundError:
            raise Problem(404, f"There is no file {id[:100]!r}.", "not_found", param=param) from None
        if record.kind == "picture":
            picture = self._parts.media.picture(self._owner.id, media_id)
            self.picture_ids.append(file_id(media_id))
            return picture
        sound = self._parts.media.sound(self._owner.id, media_id)
        self.sound_ids.append(file_id(media_id))
        return sound

    def _decoded_picture(self, content: bytes, param: str) -> Picture:
        try:
            check_picture_size(content, self._parts.settings.limits.picture_pixels)
            return load_picture(content)
        except MediaError as error:
            raise Problem(400, what_is_wrong(error, content, param), "invalid_image", param=param) from None
        except Problem as problem:
            problem.param = param
            raise


def _data(url: str, param: str) -> bytes:
    found = _DATA_URL.match(url)
    if found is None or not found["rest"].lower().endswith(";base64"):
        raise Problem(
            400,
            f"A picture or sound must be a data URL (data:image/png;base64,...) or the id of a file "
            f"({FILE_PREFIX}...), but begins with {url[:30]!r}.",
            "invalid_url",
            param=param,
        )
    return _decode(url[found.end() :], param)


def _decode(text: str, param: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Problem(400, "The data are not in base 64.", "invalid_base64", param=param) from None
