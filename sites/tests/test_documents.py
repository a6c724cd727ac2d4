"""Files of a site: only what they say they are, only through the gate, always as attachments."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.errors import Forbidden, Invalid, NotFound
from sites import services
from sites.models import SiteDocument
from sites.services import documents
from sites.services.documents import KEPT, clean_name
from sites.tests.factories import People, people
from workorders.tests.factories import picture

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n%%EOF"


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def cast() -> People:
    return people()


def add(cast: People, name: str = "图纸.pdf", content: bytes = PDF) -> SiteDocument:
    return services.add_document(
        site_id=cast.site.pk,
        file=SimpleUploadedFile(name, content),
        by=cast.ana,
        now=timezone.now(),
    )


def test_a_paper_is_kept_and_comes_back_as_an_attachment(cast: People, client: Client) -> None:
    document = add(cast)
    client.force_login(cast.bo)

    answer = client.get(f"/documents/{document.pk}/")

    assert answer.content == PDF
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "%E5%9B%BE%E7%BA%B8.pdf" in answer["Content-Disposition"]
    client.force_login(cast.cy)
    assert client.get(f"/documents/{document.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\图纸.pdf", "图纸.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        ("\u202egnp.exe.pdf", "gnp.exe.pdf"),
        ("x" * 400 + ".pdf", "x" * 156 + ".pdf"),
        (" . ", "file"),
    ],
)
def test_hostile_names_become_harmless(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.svg", b"<svg/>"),
        ("tool.exe", b"MZ"),
        ("noending", PDF),
        ("fake.pdf", b"<html>"),
        ("fake.docx", b"not a zip"),
        ("binary.csv", b"a\0b"),
        ("empty.pdf", b""),
        ("fake.jpg", PDF),
    ],
)
def test_what_is_not_what_it_says_is_refused(
    name: str, content: bytes, cast: People, media: Path
) -> None:
    with pytest.raises(Invalid):
        add(cast, name, content)

    assert not SiteDocument.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_too_large_is_refused(cast: People, settings: Any) -> None:
    settings.PHOTO_MAX_BYTES = 100

    with pytest.raises(Invalid):
        add(cast, content=PDF + b"x" * 100)


def test_a_photo_is_encoded_anew_with_a_thumbnail(cast: People) -> None:
    document = services.add_document(
        site_id=cast.site.pk, file=picture(kind="PNG"), by=cast.ana, now=timezone.now()
    )

    assert document.kind == SiteDocument.Kind.PHOTO
    assert document.name == "photo.jpg"
    assert document.file.read().startswith(b"\xff\xd8")
    assert document.thumbnail


def test_only_who_manages_the_site_changes_its_files(cast: People) -> None:
    document = add(cast)
    now = timezone.now()

    with pytest.raises(Forbidden):
        services.remove_document(pk=document.pk, by=cast.di, now=now)
    with pytest.raises(NotFound):
        services.remove_document(pk=document.pk, by=cast.cy, now=now)
    with pytest.raises(Forbidden):
        services.add_document(
            site_id=cast.site.pk, file=SimpleUploadedFile("a.pdf", PDF), by=cast.bo, now=now
        )


def test_what_is_taken_away_can_be_brought_back_until_it_is_purged(
    cast: People, client: Client, media: Path
) -> None:
    document = add(cast)
    client.force_login(cast.ana)

    page = client.post(f"/documents/{document.pk}/remove/", follow=True).content.decode()
    assert f"/documents/{document.pk}/restore/" in page
    assert client.get(f"/documents/{document.pk}/").status_code == 404
    client.post(f"/documents/{document.pk}/restore/")
    assert client.get(f"/documents/{document.pk}/").status_code == 200

    now = timezone.now()
    services.remove_document(pk=document.pk, by=cast.ana, now=now)
    assert services.purge_documents(now=now + KEPT - timedelta(hours=1)) == 0
    assert services.purge_documents(now=now + KEPT + timedelta(hours=1)) == 1
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_what_is_brought_back_needs_room(cast: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 1)
    first = add(cast)
    services.remove_document(pk=first.pk, by=cast.ana, now=timezone.now())
    second = add(cast)

    with pytest.raises(Invalid):
        services.restore_document(pk=first.pk, by=cast.ana)
    services.remove_document(pk=second.pk, by=cast.ana, now=timezone.now())
    assert services.restore_document(pk=first.pk, by=cast.ana).removed_at is None


def test_each_file_that_cannot_be_kept_is_named(cast: People, client: Client) -> None:
    client.force_login(cast.ana)
    files = [SimpleUploadedFile("good.pdf", PDF), SimpleUploadedFile("bad.exe", b"MZ")]

    page = client.post(f"/sites/{cast.site.pk}/documents/", {"file": files}, follow=True)

    words = page.content.decode()
    assert "bad.exe" in words
    assert [document.name for document in SiteDocument.objects.all()] == ["good.pdf"]
