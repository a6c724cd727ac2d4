"""From whatever was uploaded to a plain JPEG: nothing of the original file survives but its pixels."""

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO

from django.conf import settings
from django.core.files.base import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from PIL import ExifTags, Image

from core.errors import Invalid

FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_PX = 4096
THUMBNAIL_PX = 320
_QUALITY = 85
_TURNS = {
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_270],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_90],
}
# What Pillow's parsers raise on files that are broken on purpose.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Encoded JPEG files, and the size of the larger."""

    image: bytes
    thumbnail: bytes
    width_px: int
    height_px: int


def encode(file: File) -> Picture:
    """Read an upload and encode it anew, upright, without metadata.

    Raises Invalid when it is too large in bytes or pixels, or no JPEG, PNG or WebP picture.
    """
    content = file.read(settings.PHOTO_MAX_BYTES + 1)
    if len(content) > settings.PHOTO_MAX_BYTES:
        largest = filesizeformat(settings.PHOTO_MAX_BYTES)
        raise _refusal(_("照片不能超过 %(size)s，请压缩后再上传。") % {"size": largest})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _encode(content)
    except _BROKEN:
        text = _("无法识别的照片，请上传完整的 JPEG、PNG 或 WebP 文件。")
        raise _refusal(text) from None


def _encode(content: bytes) -> Picture:
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > settings.PHOTO_MAX_PIXELS:
            millions = settings.PHOTO_MAX_PIXELS // 1_000_000
            text = _("照片不能超过 %(millions)d 百万像素，请缩小后再上传。")
            raise _refusal(text % {"millions": millions})
        turns = _turns(image)
        # Lets the JPEG decoder skip what would be scaled away.
        image.draft("RGB", (LONGEST_PX, LONGEST_PX))
        plain = _on_white(image)
    plain.thumbnail((LONGEST_PX, LONGEST_PX))
    for turn in turns:
        plain = plain.transpose(turn)
    small = plain.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return Picture(
        image=_jpeg(plain), thumbnail=_jpeg(small), width_px=plain.width, height_px=plain.height
    )


def _turns(image: Image.Image) -> list[Image.Transpose]:
    """What makes the picture upright; a broken EXIF block says nothing."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return _TURNS.get(orientation, [])
    except _BROKEN:
        return []


def _on_white(image: Image.Image) -> Image.Image:
    """The pixels on a fresh canvas: comments, profiles and other tags stay behind."""
    canvas = Image.new("RGB", image.size, "white")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        canvas.paste(layer, mask=layer.getchannel("A"))
    else:
        canvas.paste(image.convert("RGB"))
    return canvas


def _jpeg(image: Image.Image) -> bytes:
    target = BytesIO()
    image.save(target, "JPEG", quality=_QUALITY, optimize=True)
    return target.getvalue()


def _refusal(message: str) -> Invalid:
    return Invalid(fields={"file": [message]})
