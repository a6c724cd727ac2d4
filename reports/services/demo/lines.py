"""Lost links in the demo's past: who fell silent when, by the real services."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from alarms import receivers
from alarms import services as alarm_services
from devices.models import Device, Gateway
from devices.services import links
from devices.services.links import Verdict
from devices.signals import link_changed
from reports.services.demo.agenda import Agenda
from reports.services.demo.document import Demo
from reports.services.demo.incidents import Incident

REASON = "timeout"
BACK = timedelta(seconds=7)


@contextmanager
def nobody_listens() -> Iterator[None]:
    """The past is no news: links that changed are judged here, at their time, not by the workers."""
    link_changed.disconnect(dispatch_uid="alarms.links_changed")
    try:
        yield
    finally:
        receivers.connect()


def come_on_line(*, demo: Demo, at: datetime) -> None:
    """Everything answers from here on."""
    gateways = {device.bus.gateway_id for device in demo.devices if device.bus}
    links.decide(
        [Verdict(pk, is_online=True, at=at, seen_at=at) for pk in sorted(gateways)],
        [Verdict(device.pk, is_online=True, at=at, seen_at=at) for device in demo.devices],
    )


def plan_outages(*, agenda: Agenda, incidents: list[Incident], now: datetime) -> None:
    """Put what falls silent, and what comes back up to now, on the agenda."""
    for incident in incidents:
        if incident.is_of_line:
            silence = timedelta(seconds=incident.gateway.silence_s)
            gone = incident.begins_at + max(silence, timedelta(minutes=10))
            if gone >= incident.ends_at:
                continue
            agenda.add(gone, partial(_change, incident, is_online=False))
            if incident.ends_at <= now:
                back = incident.ends_at + BACK
                agenda.add(back, partial(_change, incident, is_online=True))


def heard_of(*, now: datetime) -> None:
    """Whatever is on line was heard just now."""
    for model in (Gateway, Device):
        model.objects.filter(is_online=True, is_simulated=True).update(last_seen_at=now)


def _change(incident: Incident, at: datetime, *, is_online: bool) -> None:
    seen_at = at if is_online else incident.begins_at
    reason = "" if is_online else REASON

    def verdict(pk: int) -> Verdict:
        return Verdict(pk, is_online=is_online, at=at, reason=reason, seen_at=seen_at)

    is_whole = incident.fault == "dead_gateway"
    links.decide(
        [verdict(incident.gateway.pk)] if is_whole else [],
        [verdict(device.pk) for device in incident.devices],
    )
    alarm_services.links.evaluate(site_ids=[incident.gateway.site_id], now=at)
