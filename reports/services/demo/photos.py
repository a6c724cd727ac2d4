"""Pictures of the demo's orders, drawn: a cabinet, its joints as an infrared camera sees them."""

from io import BytesIO
from random import Random

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 640, 480
_STEEL, _EDGE, _DARK = (176, 184, 190), (120, 128, 134), (52, 58, 64)


def draw(*, seed: int, kind: int) -> ContentFile:
    """A picture file. kind: 0 a cabinet, 1 an infrared picture, 2 a cabinet in order."""
    random = Random(seed)  # noqa: S311 - nothing secret
    image = _infrared(random) if kind == 1 else _cabinet(random, is_in_order=kind == 2)
    target = BytesIO()
    image.save(target, "JPEG", quality=82)
    return ContentFile(target.getvalue(), name="demo.jpg")


def sheet(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """White paper and a pen."""
    image = Image.new("RGB", (width, height), "white")
    return image, ImageDraw.Draw(image)


def _cabinet(random: Random, *, is_in_order: bool) -> Image.Image:
    shade = random.randrange(214, 236)
    image = Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade - 6))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, HEIGHT - 70, WIDTH, HEIGHT), fill=(150, 146, 138))
    columns = random.choice((3, 4))
    width = (WIDTH - 80) // columns
    for column in range(columns):
        left = 40 + column * width
        pen.rectangle(
            (left, 60, left + width - 6, HEIGHT - 60), fill=_STEEL, outline=_EDGE, width=3
        )
        pen.rectangle((left + 16, 80, left + width - 24, 118), fill=_DARK)
        for lamp, colour in enumerate(((222, 60, 52), (52, 168, 83), (240, 190, 60))):
            x = left + 24 + lamp * 26
            pen.ellipse((x, 136, x + 16, 152), fill=colour, outline=_DARK)
        for row in range(random.choice((2, 3))):
            top = 180 + row * 78
            pen.rectangle(
                (left + 18, top, left + width - 26, top + 54),
                fill=(206, 212, 216),
                outline=_EDGE,
                width=2,
            )
            pen.rectangle(
                (left + width // 2 - 12, top + 12, left + width // 2 + 8, top + 42), fill=_DARK
            )
    if not is_in_order:
        x = 40 + random.randrange(columns) * width + width // 2
        pen.ellipse((x - 46, 176, x + 46, 268), outline=(222, 60, 52), width=6)
    return image.filter(ImageFilter.GaussianBlur(0.8))


def _infrared(random: Random) -> Image.Image:
    heat = Image.new("L", (WIDTH, HEIGHT), 46)
    pen = ImageDraw.Draw(heat)
    for phase in range(3):
        x = 150 + phase * 170
        pen.rectangle((x - 26, 0, x + 26, HEIGHT), fill=92)
        pen.rectangle((x - 44, 190, x + 44, 290), fill=118)
    hot = 150 + random.randrange(3) * 170
    pen.ellipse((hot - 60, 180, hot + 60, 300), fill=250)
    heat = heat.filter(ImageFilter.GaussianBlur(22))
    image = Image.merge("RGB", [heat.point(_ramp(channel)) for channel in range(3)])
    pen = ImageDraw.Draw(image)
    pen.line((hot - 16, 240, hot + 16, 240), fill=(255, 255, 255), width=2)
    pen.line((hot, 224, hot, 256), fill=(255, 255, 255), width=2)
    pen.text(
        (hot + 22, 214), f"{random.uniform(68, 96):.1f} °C", fill=(255, 255, 255), font_size=26
    )
    return image


def _ramp(channel: int) -> list[int]:
    """From blue over violet and orange to yellow."""
    stops = ((20, 14, 80), (110, 20, 140), (220, 60, 90), (250, 160, 50), (255, 245, 180))
    table = []
    for level in range(256):
        place = level / 255 * (len(stops) - 1)
        low = min(int(place), len(stops) - 2)
        part = place - low
        table.append(round(stops[low][channel] * (1 - part) + stops[low + 1][channel] * part))
    return table
