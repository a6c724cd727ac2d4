"""What a poll worker knows of the links that it hears, so that the tables follow with few statements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection

from devices.drivers import DeviceRead
from devices.models import Device, Gateway
from devices.services.links import Linked, Verdict, decide, up, write_seen
from devices.services.plan import Plan, PlannedDevice

# How long what was heard may be unwritten: a minute, longer when a second would have to write more
# rows than this. Silence is judged by what the worker knows, and by the latest values when it is gone;
# pages ask the latest values too.
SEEN_EVERY_S = 60.0
SEEN_ROWS_PER_S = 100
# A few rows wait for others for so long.
GATHER_S = 5.0
GATHERED_ROWS = 500
# The device spoke, even if it said no.
_SPOKE = ("exception:", "short")
# Says nothing about the device: it left the plan before its turn.
_CLOSED = "closed"


@dataclass(slots=True)
class Link:
    """What a worker knows of one. seen_at: last answer, or when the worker began to listen.

    is_fresh: it answered since `last_seen_at` was last written, which was at written_at.
    """

    silence_s: float
    seen_at: float
    is_online: bool | None
    is_fresh: bool = False
    written_at: float = 0.0

    def see(self, at: float) -> None:
        """It answered."""
        self.seen_at = max(self.seen_at, at)
        self.is_fresh = True

    def is_news(self, now: datetime) -> bool:
        """Silent for longer than allowed, and not yet known to be."""
        return self.is_online is not False and now.timestamp() - self.seen_at > self.silence_s


@dataclass(slots=True)
class LinkBook:
    """The links of one poll worker; the tables follow it.

    A new worker gives everybody the whole silence before it believes in one.
    """

    gateways: dict[int, Link] = field(default_factory=dict)
    devices: dict[int, Link] = field(default_factory=dict)
    written_at: float = 0.0
    _due: dict[Linked, set[int]] = field(default_factory=lambda: {Gateway: set(), Device: set()})

    def follow(self, plan: Plan, *, now: datetime) -> None:
        """Learn the links of a plan; what is known already stays known."""
        gateways = {gateway.pk: gateway.silence_s for gateway in plan.gateways.values()}
        devices = {device.pk: device.gateway.silence_s for device in plan.devices.values()}
        self.gateways = _learn(Gateway, self.gateways, gateways, now)
        self.devices = _learn(Device, self.devices, devices, now)

    def note(
        self,
        reads: Iterable[DeviceRead],
        plan: Plan,
        *,
        now: datetime,
        is_store_away: bool = False,
    ) -> None:
        """Take the outcome of a cycle and write what changed, unless the database is away.

        Raises the database's errors; the same verdicts are found again in the next cycle then.
        """
        verdicts: dict[Linked, dict[int, Verdict]] = {Gateway: {}, Device: {}}
        heard, missed = _sorted(reads, plan)
        for model, newest in _newest(heard, plan).items():
            links = self._links(model)
            self.hear(model, newest)
            for pk, at in newest.items():
                if links[pk].is_online is not True:
                    verdicts[model][pk] = up(pk, at)
        for read in missed:
            for model, pk, link in self._both(plan.devices[read.device_id]):
                if link.is_news(now):
                    verdicts[model][pk] = _down(pk, link, read.error or "", now)
        if not is_store_away:
            self._judge(verdicts)

    def hear(self, model: Linked, newest: Mapping[int, float]) -> None:
        """They answered, when by key; to be written down when the last time is long enough ago."""
        links, due, every_s = self._links(model), self._due[model], self._every_s
        for pk, at in newest.items():
            link = links[pk]
            link.see(at)
            if at - link.written_at >= every_s:
                due.add(pk)

    def write_seen(self, *, now: datetime, is_last: bool = False) -> None:
        """Write `last_seen_at` of whoever is due; of everybody heard since when it is the last time.

        They are due at different moments, as they are polled: no cycle has to write them all.
        Who answers but is offline in the table, by a sweep's verdict, comes back here.
        """
        due = self._fresh() if is_last else self._due
        moment = now.timestamp()
        rows = sum(map(len, due.values()))
        is_early = rows < GATHERED_ROWS and moment - self.written_at < GATHER_S
        if not rows or (is_early and not is_last):
            return
        back = {}
        for model, pks in due.items():
            links = self._links(model)
            seen = {pk: links[pk].seen_at for pk in pks & links.keys()}
            offline = [pk for pk in write_seen(model, seen) if links[pk].is_online]
            back[model] = [up(pk, seen[pk]) for pk in offline]
            for pk in seen:
                links[pk].is_fresh, links[pk].written_at = False, moment
            pks.clear()
        decide(back[Gateway], back[Device])
        self.written_at = moment

    @property
    def _every_s(self) -> float:
        return max(SEEN_EVERY_S, (len(self.gateways) + len(self.devices)) / SEEN_ROWS_PER_S)

    def _fresh(self) -> dict[Linked, set[int]]:
        return {
            model: {pk for pk, link in self._links(model).items() if link.is_fresh}
            for model in (Gateway, Device)
        }

    def _judge(self, verdicts: dict[Linked, dict[int, Verdict]]) -> None:
        decide(verdicts[Gateway].values(), verdicts[Device].values())
        for model, some in verdicts.items():
            for pk, verdict in some.items():
                self._links(model)[pk].is_online = verdict.is_online

    def _both(self, device: PlannedDevice) -> tuple[tuple[Linked, int, Link], ...]:
        """A device and its gateway."""
        gateway_pk = device.gateway.pk
        return (
            (Device, device.pk, self.devices[device.pk]),
            (Gateway, gateway_pk, self.gateways[gateway_pk]),
        )

    def _links(self, model: Linked) -> dict[int, Link]:
        return self.gateways if model is Gateway else self.devices


def _sorted(reads: Iterable[DeviceRead], plan: Plan) -> tuple[list[DeviceRead], list[DeviceRead]]:
    """Reads that were answered, if only with a refusal, and reads that were not."""
    heard: list[DeviceRead] = []
    missed: list[DeviceRead] = []
    for read in reads:
        if read.device_id not in plan.devices or read.error == _CLOSED:
            continue
        spoke = read.error is None or read.blocks is not None or read.error.startswith(_SPOKE)
        (heard if spoke else missed).append(read)
    return heard, missed


def _newest(heard: Iterable[DeviceRead], plan: Plan) -> dict[Linked, dict[int, float]]:
    """The last answer of each device and of its gateway: who hears the one has heard the other."""
    devices: dict[int, float] = {}
    gateways: dict[int, float] = {}
    for read in heard:
        gateway_pk = plan.devices[read.device_id].gateway.pk
        devices[read.device_id] = at = max(read.at, devices.get(read.device_id, 0.0))
        gateways[gateway_pk] = max(at, gateways.get(gateway_pk, 0.0))
    return {Gateway: gateways, Device: devices}


def _down(pk: int, link: Link, reason: str, now: datetime) -> Verdict:
    seen_at = datetime.fromtimestamp(link.seen_at, UTC) if link.is_fresh else None
    return Verdict(pk, is_online=False, at=now, reason=reason, seen_at=seen_at)


def _learn(
    model: Linked, known: dict[int, Link], silences: dict[int, float], now: datetime
) -> dict[int, Link]:
    states = _states(model, [pk for pk in silences if pk not in known])
    links = {}
    for pk, silence_s in silences.items():
        links[pk] = known.get(pk) or Link(silence_s, now.timestamp(), states.get(pk))
        links[pk].silence_s = silence_s
    return links


def _states(model: Linked, pks: list[int]) -> dict[int, bool | None]:
    """What the table says, by key; thousands of keys are one parameter."""
    table = model._meta.db_table  # noqa: SLF001 - the name Django gives it
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, is_online FROM {table} WHERE id = ANY(%s)", [pks])  # noqa: S608
        return dict(cursor.fetchall())
