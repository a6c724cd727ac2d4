"""What the pages of commissioning show, and who may open them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from core.errors import Forbidden, NotFound
from devices.drivers.orders import ORDERS
from devices.models import (
    Acceptance,
    Device,
    ExchangePhoto,
    Gateway,
    MeterExchange,
    PointCode,
    TrialRead,
)
from devices.selectors.points import device_for, gateway_for
from devices.states import Check, CheckVerdict, finding_words
from sites import selectors as site_selectors
from sites.models import Site, User
from sites.rules import Ability, DataClass


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check: its name, its verdict with the word, and the sentence."""

    check: str
    label: str
    verdict: str
    verdict_label: str
    words: str


@dataclass(frozen=True, slots=True)
class PointLine:
    """One point as it was read. orders: (name, value or None, whether it is the template's)."""

    code: str
    label: str
    unit: str
    words: str
    orders: list[tuple[str, float | None, bool]]
    value: float | None
    low: float | None
    high: float | None
    fits: bool | None


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device of a gateway's list: its latest trial and the acceptance that stands."""

    device: Device
    trial: TrialRead | None
    acceptance: Acceptance | None
    objections: list[CheckLine]

    @property
    def may_be_accepted(self) -> bool:
        """Read, without objections, and not accepted yet."""
        trial = self.trial
        return trial is not None and not trial.error and not self.objections and not self.acceptance


def device_to_commission(*, user: User, pk: int) -> Device:
    """The device, for somebody who maintains its site and may see all of its data.

    Raises NotFound, Forbidden.
    """
    device = device_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    _require_all_data(user, device.site)
    return device


def gateway_to_commission(*, user: User, pk: int) -> Gateway:
    """The gateway, for the same people. Raises NotFound, Forbidden."""
    gateway = gateway_for(user=user, pk=pk, ability=Ability.MANAGE_SITE)
    _require_all_data(user, gateway.site)
    return gateway


def may_commission(*, user: User, site: Site) -> bool:
    """Whether to offer it: he maintains the site and sees all of its data."""
    return site_selectors.may(user=user, ability=Ability.MANAGE_SITE, site=site) and _sees_all(
        user, site
    )


def _require_all_data(user: User, site: Site) -> None:
    if not _sees_all(user, site):
        raise Forbidden


def _sees_all(user: User, site: Site) -> bool:
    return site_selectors.data_classes_for(user=user, site=site).issuperset(DataClass.values)


def acceptance_for(*, user: User, pk: int) -> Acceptance:
    """An acceptance, for the same people. Raises NotFound, Forbidden."""
    row = Acceptance.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound
    device_to_commission(user=user, pk=row.device_id)
    return row


def exchange_for(*, user: User, pk: int) -> MeterExchange:
    """An exchange of a meter, for the same people. Raises NotFound, Forbidden."""
    row = MeterExchange.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound
    device_to_commission(user=user, pk=row.device_id)
    return row


def exchange_photo_for(*, user: User, pk: int) -> ExchangePhoto:
    """A picture of an exchange, for the same people. Raises NotFound, Forbidden."""
    photo = ExchangePhoto.objects.select_related("exchange").filter(pk=pk).first()
    if photo is None:
        raise NotFound
    device_to_commission(user=user, pk=photo.exchange.device_id)
    return photo


def exchanges_of(device: Device) -> list[MeterExchange]:
    """All, the newest first, with what both displays showed."""
    rows = device.exchanges.select_related("removed", "installed", "by", "undone_by")
    return list(
        rows.prefetch_related("removed__readings__point", "installed__readings__point", "photos")
    )


def trial_of(device: Device) -> TrialRead | None:
    """The device's latest trial."""
    rows = TrialRead.objects.filter(device=device)
    return rows.select_related("template_version__template", "bus__gateway", "by").first()


def acceptances_of(device: Device) -> list[Acceptance]:
    """All, the newest first."""
    rows = device.acceptances.select_related(
        "template_version__template", "accepted_by", "withdrawn_by"
    )
    return list(rows)


def check_lines(seen: TrialRead | Acceptance) -> list[CheckLine]:
    """The checks in words."""
    return [
        CheckLine(
            check=one["check"],
            label=str(Check(one["check"]).label),
            verdict=one["verdict"],
            verdict_label=str(CheckVerdict(one["verdict"]).label),
            words=finding_words(one["code"], one["facts"]),
        )
        for one in seen.checks
    ]


def proposed_ratio(trial: TrialRead) -> tuple[float, float] | None:
    """CT and PT ratio as the checks would have them; None when they object to neither."""
    found: dict[str, float] = {
        one["check"]: one["proposed"]
        for one in trial.checks
        if one["check"] in (Check.CURRENT, Check.VOLTAGE) and one["proposed"] is not None
    }
    if not found:
        return None
    return found.get(Check.CURRENT, trial.ct), found.get(Check.VOLTAGE, trial.pt)


def point_lines(seen: TrialRead | Acceptance) -> list[PointLine]:
    """The points in the order of the template, named by the dictionary."""
    codes = [one["code"] for one in seen.points]
    names = {row.code: row.label for row in PointCode.objects.filter(code__in=codes)}
    return [
        PointLine(
            code=one["code"],
            label=names.get(one["code"], one["code"]),
            unit=one["unit"],
            words=" ".join(f"{word:04X}" for word in one["words"]),
            orders=_orders(one),
            value=one["value"],
            low=one["range"][0] if one["range"] else None,
            high=one["range"][1] if one["range"] else None,
            fits=one["fits"],
        )
        for one in seen.points
    ]


def _orders(one: dict[str, Any]) -> list[tuple[str, float | None, bool]]:
    return [(name, one["values"].get(name), name == one["used"]) for name in ORDERS]


def device_lines(devices: Collection[Device]) -> list[DeviceLine]:
    """The devices of a list, with two queries for all of them."""
    ids = [device.pk for device in devices]
    trials = {row.device_id: row for row in TrialRead.objects.filter(device__in=ids)}
    standing = {
        row.device_id: row
        for row in Acceptance.objects.standing()
        .filter(device__in=ids)
        .defer("points", "checks")
        .select_related("accepted_by")
    }
    return [_line(device, trials.get(device.pk), standing.get(device.pk)) for device in devices]


def _line(device: Device, trial: TrialRead | None, standing: Acceptance | None) -> DeviceLine:
    failed = [
        line
        for line in (check_lines(trial) if trial else [])
        if line.verdict == CheckVerdict.FAILED
    ]
    return DeviceLine(device, trial, standing, failed)


def devices_behind(gateway: Gateway) -> list[Device]:
    """The devices of a gateway in the order of their addresses, as a trial needs them."""
    rows = Device.objects.filter(bus__gateway=gateway).with_place()
    related = ("bus__gateway", "template_version__template")
    return list(rows.select_related(*related).order_by("bus__number", "unit_id"))
