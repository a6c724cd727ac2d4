"""Photos: what is accepted, what remains of it, what hostile files get."""

import struct
import zlib
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image

from core.errors import Forbidden, Invalid, MoveRefused, NotFound
from sites.models import User
from sites.tests.factories import People, people
from workorders import selectors, services
from workorders.models import Photo, WorkOrder
from workorders.services import photos
from workorders.states import State
from workorders.tests.factories import NOW, make_order, picture

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def order(cast: People) -> WorkOrder:
    return make_order(cast=cast, state=State.IN_PROGRESS)


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def added(order: WorkOrder, by: User, file: SimpleUploadedFile, caption: str = "") -> Photo:
    return services.add_photo(
        order_id=order.pk, file=file, caption=caption, by=by, door="api", now=LATER
    )


def opened(photo: Photo, name: str = "image") -> Image.Image:
    with getattr(photo, name).open() as file:
        image = Image.open(BytesIO(file.read()))
        image.load()
        return image


def png_of(width: int, height: int, rows: bytes = b"") -> SimpleUploadedFile:
    """A PNG that claims a size, whatever its data say."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    content += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return SimpleUploadedFile("bomb.png", content, "image/png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_as_a_jpeg_with_a_thumbnail_and_a_log_row(
    cast: People, order: WorkOrder, kind: str, media: Path
) -> None:
    photo = added(order, cast.bo, picture(size=(800, 600), kind=kind), "电缆头")

    assert opened(photo).format == "JPEG"
    assert (photo.width_px, photo.height_px) == opened(photo).size == (800, 600)
    assert opened(photo, "thumbnail").size == (320, 240)
    row = selectors.log_of(order).last()
    assert row is not None
    assert (row.entry, row.by, row.facts["photo"]) == ("photo", cast.bo, photo.pk)
    order.refresh_from_db()
    assert order.updated_at == LATER
    assert len(files_in(media)) == 2


def test_names_of_files_are_random_and_say_nothing(cast: People, order: WorkOrder) -> None:
    file = picture()
    file.name = "../../etc/passwd.php"

    photo = added(order, cast.bo, file)

    name = Path(photo.image.name)
    assert name.suffix == ".jpg"
    assert len(name.stem) == 32
    assert name.parts[0] == "orders"
    assert ".." not in name.parts


def test_place_comment_and_profile_do_not_survive(cast: People, order: WorkOrder) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (23.0, 1.0, 12.0)
    exif[ExifTags.Base.Make] = "SecretPhone"
    file = picture(exif=exif, comment=b"SecretComment", icc_profile=b"SecretProfile" * 20)
    assert b"SecretPhone" in file.read()
    file.seek(0)

    photo = added(order, cast.bo, file)

    for name in ("image", "thumbnail"):
        with getattr(photo, name).open() as kept:
            assert b"Secret" not in kept.read()
        assert not opened(photo, name).getexif()
        assert "comment" not in opened(photo, name).info


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, (5, 24)), (3, (58, 24)), (6, (24, 5)), (8, (24, 58))],
)
def test_a_picture_taken_sideways_is_set_upright(
    cast: People, order: WorkOrder, orientation: int, red_at: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation

    photo = added(order, cast.bo, picture(exif=exif, quality=95))

    image = opened(photo)
    assert image.size == ((64, 48) if orientation in {1, 3} else (48, 64))
    red, _green, blue = image.getpixel(red_at)  # type: ignore[misc]
    assert red > 200 > 50 > blue


def test_transparency_becomes_white(cast: People, order: WorkOrder) -> None:
    target = BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(target, "PNG")

    photo = added(order, cast.bo, SimpleUploadedFile("a.png", target.getvalue()))

    assert opened(photo).getpixel((10, 10)) == (255, 255, 255)


def test_a_huge_picture_is_scaled_down(cast: People, order: WorkOrder) -> None:
    photo = added(order, cast.bo, picture(size=(6000, 300)))

    assert (photo.width_px, photo.height_px) == (4096, 205)


def hostile() -> dict[str, SimpleUploadedFile]:
    whole = picture(size=(400, 300)).read()
    gif = BytesIO()
    Image.new("P", (5, 5)).save(gif, "GIF")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    files = {
        "nothing": b"",
        "text": b"hello",
        "page": b"<html><script>alert(1)</script></html>",
        "vector": svg,
        "gif": gif.getvalue(),
        "half": whole[: len(whole) // 2],
        "head": whole[:30],
        "signature": b"\x89PNG\r\n\x1a\n",
        "webp": b"RIFF\xff\xff\xff\x7fWEBPVP8 " + b"\xff" * 40,
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }
    uploads = {name: SimpleUploadedFile("x.jpg", data) for name, data in files.items()}
    return uploads | {
        "claims": png_of(50_000, 50_000),
        "bomb": png_of(7_100, 7_100, bytes(1000)),
        "no rows": png_of(100, 100),
        "zero": png_of(0, 0),
    }


@pytest.mark.parametrize("name", list(hostile()))
def test_what_is_no_usable_picture_is_refused_and_leaves_nothing(
    cast: People, order: WorkOrder, media: Path, name: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        added(order, cast.bo, hostile()[name])

    assert list(refusal.value.fields) == ["file"]
    assert not Photo.objects.exists()
    assert files_in(media) == []


def test_a_file_above_the_limit_is_refused_before_it_is_looked_at(
    cast: People, order: WorkOrder, settings: Any
) -> None:
    settings.PHOTO_MAX_BYTES = 1000
    file = SimpleUploadedFile("x.jpg", b"\xff" * 5000)

    with pytest.raises(Invalid) as refusal:
        added(order, cast.bo, file)

    assert "1000" in refusal.value.fields["file"][0]
    assert file.tell() == 1001


def test_a_caption_is_text_and_bounded(cast: People, order: WorkOrder) -> None:
    photo = added(order, cast.bo, picture(), "<script>alert(1)</script>")

    assert photo.caption == "<script>alert(1)</script>"
    for caption in ("长" * 161, "a\x00b"):
        with pytest.raises(Invalid):
            added(order, cast.bo, picture(), caption)


def test_files_are_removed_when_the_row_cannot_be_kept(
    cast: People, order: WorkOrder, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MAX_PHOTOS", 1)
    added(order, cast.bo, picture())
    kept = files_in(media)

    with pytest.raises(Invalid):
        added(order, cast.bo, picture())

    assert files_in(media) == kept


@pytest.mark.parametrize("state", [State.CLOSED, State.CANCELLED])
def test_an_order_that_is_over_takes_no_more_photos(cast: People, state: State) -> None:
    order = make_order(cast=cast, state=state)

    with pytest.raises(MoveRefused):
        added(order, cast.bo, picture())


def test_photos_come_from_those_who_may_remark_and_are_seen_by_those_who_see_the_order(
    cast: People, order: WorkOrder
) -> None:
    photo = added(order, cast.ed, picture())

    for who, error in (("gu", Forbidden), ("cy", NotFound)):
        with pytest.raises(error):
            added(order, getattr(cast, who), picture())
    assert selectors.photo_for(user=cast.gu, pk=photo.pk) == photo
    with pytest.raises(NotFound):
        selectors.photo_for(user=cast.cy, pk=photo.pk)
