"""The base map: none (our own sketch), xyz or wmts tiles, and the system they are drawn in."""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

KINDS = ("none", "xyz", "wmts")
SYSTEMS = ("wgs84", "gcj02", "bd09")


@dataclass(frozen=True, slots=True)
class Tiles:
    """A provider of tiles; `url` is a template with {z}, {x} and {y}, empty for our own sketch."""

    kind: str = "none"
    url: str = ""
    crs: str = "wgs84"
    attribution: str = ""

    @property
    def hosts(self) -> list[str]:
        """What the policy of the pages must allow images from."""
        if not self.url or self.url.startswith("/"):
            return []
        parts = urlsplit(self.url)
        return [f"{parts.scheme}://{parts.netloc.replace('{s}', '*')}"]


def tiles(
    *, kind: str, url: str, crs: str, attribution: str, layer: str = "", matrix_set: str = ""
) -> Tiles:
    """A checked provider. Raises ImproperlyConfigured: a wrong system moves sites by 500 m.

    wmts: `url` is the service, to which the parameters of GetTile are added; the tile matrix set
    must be of Web Mercator.
    """
    _require(kind in KINDS, f"DIANWU_MAP_KIND must be one of {', '.join(KINDS)}.")
    _require(crs in SYSTEMS, f"DIANWU_MAP_CRS must be one of {', '.join(SYSTEMS)}.")
    if kind == "none":
        return Tiles()
    _require(
        url.startswith(("/", "http://", "https://")),
        "DIANWU_MAP_URL must be an address or a path of this host.",
    )
    _require(bool(attribution), "DIANWU_MAP_ATTRIBUTION must name the source of the map.")
    if kind == "wmts":
        _require(bool(layer and matrix_set), "wmts needs a layer and a matrix set.")
        url = _get_tile(url, layer, matrix_set)
    _require(
        all(name in url for name in ("{z}", "{x}", "{y}")),
        "DIANWU_MAP_URL needs {z}, {x} and {y}.",
    )
    return Tiles(kind=kind, url=url, crs=crs, attribution=attribution)


def _require(is_right: bool, words: str) -> None:  # noqa: FBT001 - the fact itself
    if not is_right:
        raise ImproperlyConfigured(words)


def _get_tile(url: str, layer: str, matrix_set: str) -> str:
    known = {
        "SERVICE": "WMTS",
        "REQUEST": "GetTile",
        "VERSION": "1.0.0",
        "LAYER": layer,
        "STYLE": "default",
        "TILEMATRIXSET": matrix_set,
        "FORMAT": "image/png",
    }
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}{urlencode(known)}&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}"
