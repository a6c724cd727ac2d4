"""The provider of map tiles: what is given wrongly is refused at the start, its host is allowed."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.tiles import tiles

GOOD = {
    "kind": "xyz",
    "url": "https://{s}.tiles.example/{z}/{x}/{y}.png",
    "crs": "gcj02",
    "attribution": "GS(2026)1",
}


def test_without_a_provider_nothing_is_loaded() -> None:
    assert tiles(kind="none", url="", crs="wgs84", attribution="").hosts == []


def test_the_host_of_the_tiles_is_allowed() -> None:
    assert tiles(**GOOD).hosts == ["https://*.tiles.example"]
    assert tiles(**GOOD | {"url": "/tiles/{z}/{x}/{y}.png"}).hosts == []


def test_wmts_asks_for_tiles() -> None:
    found = tiles(
        kind="wmts",
        url="https://gis.example/wmts?tk=secret",
        crs="wgs84",
        attribution="GS(2026)1",
        layer="vec",
        matrix_set="w",
    )

    assert found.url.startswith("https://gis.example/wmts?tk=secret&SERVICE=WMTS")
    assert found.url.endswith("&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "pmtiles"},
        {"crs": "epsg3857"},
        {"url": "javascript:alert(1)"},
        {"url": "https://tiles.example/"},
        {"attribution": ""},
        {"kind": "wmts"},
    ],
)
def test_a_wrong_provider_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured):
        tiles(**GOOD | wrong)
