"""Documents of the demo's sites: a picture of the room, a drawing of its circuits, how to get in."""

from collections.abc import Iterator
from io import BytesIO

from django.core.files.base import ContentFile

from reports.services.demo import photos
from reports.services.demo.document import Demo
from sites import services as site_services
from sites.models import Circuit, Site

# So many sites, one has documents.
ONE_OF = 3
WIDTH_PX, HEIGHT_PX, BUS_PX = 1240, 600, 240


def file_papers(*, demo: Demo) -> None:
    """Give some of the manager's sites what a real archive holds."""
    manager = demo.users["manager"]
    for site in demo.sites[::ONE_OF]:
        if site.team and site.team.organisation_id == manager.organisation_id:
            for file in _papers(demo, site):
                site_services.add_document(site_id=site.pk, file=file, by=manager, now=demo.now)


def _papers(demo: Demo, site: Site) -> Iterator[ContentFile]:
    words = demo.document["documents"]
    picture = photos.draw(seed=site.pk, kind=2)
    picture.name = f"{words['picture']}.jpg"
    yield picture
    yield ContentFile(_circuits(site), name=f"{words['drawing']}.pdf")
    yield ContentFile(words["entry"]["text"].encode(), name=f"{words['entry']['name']}.txt")


def _circuits(site: Site) -> bytes:
    """The busbar with its circuits, as a page of PDF."""
    circuits = list(Circuit.objects.filter(room__site=site).order_by("code", "pk"))
    image, pen = photos.sheet(WIDTH_PX, HEIGHT_PX)
    pen.line((60, BUS_PX, WIDTH_PX - 60, BUS_PX), fill="black", width=7)
    pen.text((60, 40), f"{site.number}   10/0.4 kV", fill="black", font_size=30)
    step = (WIDTH_PX - 160) // max(len(circuits), 1)
    for place, circuit in enumerate(circuits):
        x, is_up = 100 + place * step, circuit.kind == Circuit.Kind.INCOMER
        end = BUS_PX + (-110 if is_up else 250)
        middle = (BUS_PX + end) // 2
        pen.line((x, BUS_PX, x, end), fill="black", width=3)
        pen.rectangle((x - 13, middle - 24, x + 13, middle + 24), fill="white", outline="black")
        pen.text((x + 20, middle - 14), circuit.code, fill="black", font_size=24)
    target = BytesIO()
    image.save(target, "PDF", resolution=110)
    return target.getvalue()
