"""The template library's pages: what they tell, and to whom."""

import pytest
from django.test import Client
from django.urls import reverse

from devices.models import DeviceTemplate, TemplateVersion
from devices.services.templates import import_template
from devices.tests.factories import make_device, make_library_version
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

LIST = "reports:template-list"


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def adl() -> TemplateVersion:
    """A shipped meter with registers that are inferred and assumed, with two versions."""
    first = make_library_version("acrel-adl3000")
    text = first.document.replace("max_read_registers", "# max_read_registers")
    import_template(text.replace("values_are: secondary", "values_are: primary"))
    return first


def page(client: Client, key: str, **query: str) -> str:
    answer = client.get(reverse("reports:template-detail", args=[key]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_finds_filters_and_counts_devices_of_ones_own_sites(
    cast: People, adl: TemplateVersion, client: Client
) -> None:
    make_library_version("eastron-sdm630")
    make_device(site=cast.site, template_version=adl)
    make_device(template_version=adl)
    client.force_login(cast.ana)

    def keys(**query: str) -> list[str]:
        answer = client.get(reverse(LIST), query)
        return [line.template.key for line in answer.context["list"].lines]

    (line,) = client.get(reverse(LIST), {"use": "behind"}).context["list"].lines
    assert (line.template.key, line.template.device_count, line.in_use) == (
        "acrel-adl3000",
        1,
        "v1 × 1",
    )
    assert "个寄存器的证实" in line.lacking
    assert keys(q="eastron") == ["eastron-sdm630"]
    assert keys(vendor="安科瑞", kind="meter") == ["acrel-adl3000"]
    assert keys(confidence="assumed", use="unused") == ["eastron-sdm630"]
    assert keys(confidence="own") == []
    assert keys(view="used") == ["acrel-adl3000"]
    assert keys(confidence="nonsense") == []
    sheet = b"".join(client.get(reverse(LIST), {"export": "csv"}).streaming_content).decode()
    assert "acrel-adl3000" in sheet


def test_a_page_tells_the_map_its_blocks_limits_and_versions(
    cast: People, adl: TemplateVersion, client: Client
) -> None:
    make_device(site=cast.site, template_version=adl)
    client.force_login(cast.gu)

    registers = page(client, "acrel-adl3000", version="1")

    assert "Two sources, which differ on the scale" in registers
    assert "二次侧" in registers
    assert "0x000A" in registers
    assert "推断" in registers
    assert "次请求" in page(client, "acrel-adl3000", tab="blocks")
    assert "v1" in page(client, "acrel-adl3000", tab="versions")
    assert "没有规则监视" in page(client, "acrel-adl3000", tab="limits")


@pytest.mark.parametrize("query", ["version=3", "version=x", "version=", "version=²", "tab=nope"])
def test_nonsense_in_the_address_is_not_found(
    query: str, cast: People, adl: TemplateVersion, client: Client
) -> None:
    client.force_login(cast.ana)
    address = reverse("reports:template-detail", args=["acrel-adl3000"])

    assert client.get(f"{address}?{query}").status_code == 404
    assert client.get(reverse("reports:template-detail", args=["nothing"])).status_code == 404


def test_a_template_without_a_version_says_so(cast: People, client: Client) -> None:
    DeviceTemplate.objects.create(key="bare", vendor="测试", model="B")
    client.force_login(cast.ana)

    assert "此模板还没有版本" in page(client, "bare")
    assert "此模板还没有版本" in page(client, "bare", tab="versions")
    assert client.get(reverse(LIST)).status_code == 200
