"""Import, export, clone and comparison of templates on pages: nothing is written before it is looked at."""

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from devices.models import DeviceTemplate, TemplateVersion
from devices.services import template_books
from devices.services.template_drafts import draft_of, publish, text_of
from devices.services.templates import import_template
from devices.tests.factories import make_library_version, make_template_version
from sites.tests.clients import api_client
from sites.tests.factories import People, people

pytestmark = pytest.mark.django_db

IMPORT = "devices:template-import"


@pytest.fixture
def cast() -> People:
    return people()


@pytest.fixture
def version(cast: People, client: Client) -> TemplateVersion:
    client.force_login(cast.adm)
    return make_library_version("eastron-sdm630")


def test_a_faulty_text_names_line_and_column_and_loses_nothing(
    version: TemplateVersion, client: Client
) -> None:
    text = version.document.replace("point: Ub,", "point: Uq,").replace(
        "max_gap: 20", "max_gap: many"
    )

    answer = client.post(reverse(IMPORT), {"text": text, "action": "publish", "seen": "1"})

    places = [fault.place for fault in answer.context["draft"].faults]
    assert answer.status_code == 400
    assert places == ["第 17 行第 10 列", "第 20 行第 13 列"]
    assert "point: Uq," in answer.content.decode()
    assert version.template.versions.count() == 1


def test_a_workbook_is_looked_at_then_published(version: TemplateVersion, client: Client) -> None:
    book = load_workbook(BytesIO(template_books.workbook(version)))
    book.worksheets[1]["I2"] = 0.1
    file = BytesIO()
    book.save(file)

    looked = client.post(reverse(IMPORT), {"file": ContentFile(file.getvalue(), "m.xlsx")})
    draft = looked.context["draft"]
    assert looked.status_code == 200
    assert [row.code for row in draft.difference.changed] == ["Ua"]
    assert version.template.versions.count() == 1
    facts = {"text": draft.text, "seen": draft.seen, "action": "publish"}
    client.post(reverse(IMPORT), facts)
    newest = version.template.versions.first()
    assert newest.number == 2
    assert newest.registers.get(point__code="Ua").scale == 0.1
    # Somebody who looked before that is shown the new difference.
    stale = client.post(reverse(IMPORT), facts | {"text": draft.text.replace("0.1", "0.2")})
    assert "刚刚发布了另一个版本" in stale.content.decode()
    assert version.template.versions.count() == 2


def test_words_alone_make_no_version_and_are_kept(version: TemplateVersion, client: Client) -> None:
    text = version.document.replace("Confirmed by several sources", "Confirmed by a test bench")

    looked = client.post(reverse(IMPORT), {"text": text}).context["draft"]
    client.post(reverse(IMPORT), {"text": text, "seen": looked.seen, "action": "publish"})

    assert [change.name for change in looked.changes] == ["confidence"]
    assert version.template.versions.count() == 1
    exported = client.get(reverse("devices:template-export", args=["eastron-sdm630", 1, "yaml"]))
    assert exported.content.decode() == text


@pytest.mark.parametrize(
    "file", [b"\xff\xfe\x00", b"PK\x03\x04nonsense", b"\xd0\xcf\x11\xe0old", b"\x00" * 10]
)
def test_what_is_no_template_is_refused_in_words(
    file: bytes, version: TemplateVersion, client: Client
) -> None:
    answer = client.post(reverse(IMPORT), {"file": ContentFile(file, "m.xlsx")})

    assert answer.status_code == 400
    assert client.post(reverse(IMPORT), {"text": ""}).status_code == 400


def test_a_clone_has_the_same_map_under_another_key(
    version: TemplateVersion, client: Client
) -> None:
    address = reverse("devices:template-clone", args=["eastron-sdm630", 1])

    client.post(address, {"key": "acme-630", "model": "A630"})
    taken = client.post(address, {"key": "acme-630", "model": "A630"})
    bad = client.post(address, {"key": "Acme", "model": "A"})

    made = DeviceTemplate.objects.get(key="acme-630").versions.get()
    assert (made.checksum, made.layout) == (version.checksum, version.layout)
    assert "Confirmed by several sources" in made.document
    assert (taken.status_code, bad.status_code) == (400, 400)
    assert "只能由 a-z" in bad.context["form"].errors["key"][0]


def test_by_api_a_clone_is_made_or_refused_by_field(cast: People, version: TemplateVersion) -> None:
    adm, address = api_client(cast.adm), "/api/v1/templates/eastron-sdm630/versions/1/clone/"

    made = adm.post(address, {"key": "acme-630", "model": "A630"}, format="json")
    taken = adm.post(address, {"key": "acme-630", "model": "A630"}, format="json")
    bad = adm.post(address, {"key": "Acme", "model": ""}, format="json")
    odd = adm.post(address, {"key": "Acme", "model": "A"}, format="json")

    assert (made.status_code, made.json()["template"]) == (201, "acme-630")
    assert len(made.json()["registers"]) == version.registers.count()
    assert (taken.status_code, list(taken.json()["fields"])) == (400, ["key"])
    assert (bad.status_code, list(bad.json()["fields"])) == (400, ["model"])
    assert (odd.status_code, list(odd.json()["fields"])) == (400, ["key"])
    ana = api_client(cast.ana)
    assert ana.post(address, {"key": "acme-7", "model": "A"}, format="json").status_code == 403


def test_versions_are_compared_field_by_field(version: TemplateVersion, client: Client) -> None:
    import_template(version.document.replace("max_gap: 20", "max_gap: 4"))

    page = client.get(reverse("devices:template-compare", args=["eastron-sdm630"])).content.decode()

    assert "<del>20</del>" in page
    assert "<ins>4</ins>" in page
    for query in ("from=9", "to=x", "from=1&to=0"):
        assert (
            client.get(
                reverse("devices:template-compare", args=["eastron-sdm630"]) + f"?{query}"
            ).status_code
            == 404
        )


def test_outputs_and_the_clock_are_part_of_the_difference(version: TemplateVersion) -> None:
    text = text_of(version)
    output = (
        "outputs:\n  - {code: DO1, name: {zh: 一, en: One}, function_code: 5,"
        " on: {address: 0, values: [1]}, off: {address: 0, values: [0]},"
        " state: {function_code: 1, address: 0}}\n"
    )
    clock = "clock: {function_code: 3, address: 60, format: bcd}\n"

    draft = draft_of(text + output + clock)

    assert draft.faults == []
    assert draft.makes_version
    assert [one.code for one in draft.difference.outputs] == ["DO1"]
    assert [one.name for one in draft.difference.head] == ["clock"]
    publish(text=draft.text, seen=draft.seen)
    assert not draft_of(draft.text).difference


def test_exports_of_any_version_can_be_read_again(version: TemplateVersion, client: Client) -> None:
    bare = make_template_version()
    for key in ("eastron-sdm630", bare.template.key):
        for kind in ("yaml", "xlsx"):
            answer = client.get(reverse("devices:template-export", args=[key, 1, kind]))
            looked = client.post(
                reverse(IMPORT), {"file": ContentFile(answer.content, f"m.{kind}")}
            )
            assert looked.context["draft"].faults == []
            assert not looked.context["draft"].difference
    assert (
        client.get(
            reverse("devices:template-export", args=["eastron-sdm630", 1, "pdf"])
        ).status_code
        == 404
    )
