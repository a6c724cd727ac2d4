"""What the addresses of pages say that are no filters of rows."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.filters import YEARS
from core.time import day_bounds, local_day
from devices.models import Device
from devices.states import FlagKind, GapReason
from reports.selectors.gap_list import LONGEST, GapQuery
from reports.selectors.quality_list import QualityQuery
from sites.models import Site

RANGES = {"24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
USUAL_RANGE = "7d"
RANGE_WORDS = [("24h", _("近 24 小时")), ("7d", _("近 7 天")), ("30d", _("近 30 天"))]
MINUTES = [
    ("10", _("不短于 10 分钟")),
    ("60", _("不短于 1 小时")),
    ("1440", _("不短于 1 天")),
]


class StretchForm(forms.Form):
    """Which stretches of a site: over a period up to now, or over whole days of the site."""

    range = forms.ChoiceField(choices=RANGE_WORDS, required=False, label=_("时间范围"))
    first = forms.DateField(required=False, label=_("开始日期"))
    last = forms.DateField(required=False, label=_("结束日期"))
    device = forms.ModelChoiceField(
        queryset=Device.objects.none(), required=False, label=pgettext_lazy("column", "设备")
    )

    def __init__(self, data: Any, *, site: Site, now: datetime) -> None:
        super().__init__(data)
        self.site, self.now = site, now
        device = self.fields["device"]
        assert isinstance(device, forms.ModelChoiceField)  # noqa: S101 - for the types
        device.queryset = Device.objects.filter(site=site).order_by("code", "name", "pk")

    def clean(self) -> dict[str, Any]:
        """Days in their order, no more than a month; without a last one up to today."""
        given: dict[str, Any] = super().clean() or {}
        if first := given.get("first"):
            given["last"] = given.get("last") or local_day(self.now, self.site.timezone)
            if not self._is_good(first, given["last"]):
                self.add_error("last", _("结束日期不能早于开始日期，时段不超过 31 天。"))
        elif given.get("last"):
            self.add_error("first", _("请同时填写开始日期。"))
        return given

    @staticmethod
    def _is_good(first: date, last: date) -> bool:
        days = (last - first).days
        return first.year in YEARS and last.year in YEARS and 0 <= days < LONGEST.days

    def period(self) -> dict[str, Any]:
        """Start, end and device that are asked for; the usual when the address is not understood."""
        given = self.cleaned_data if self.is_valid() else {}
        start = self.now - RANGES[given.get("range") or USUAL_RANGE]
        end = self.now
        if given.get("first"):
            start = day_bounds(given["first"], self.site.timezone)[0]
            end = day_bounds(given["last"], self.site.timezone)[1]
        device = given.get("device")
        return {"start": start, "end": end, "device_id": device.pk if device else None}

    def chips(self) -> list[tuple[str, str]]:
        """What is asked for besides the usual, as (parameter, words)."""
        if not self.is_valid():
            return []
        given, found = self.cleaned_data, []
        if given["first"]:
            found.append(("first", f"{given['first']:%F} – {given['last']:%F}"))
        if given["device"]:
            found.append(("device", given["device"].label))
        return found


class GapForm(StretchForm):
    """Gaps: of which reason, how long."""

    reason = forms.ChoiceField(choices=GapReason.choices, required=False, label=_("原因"))
    minutes = forms.ChoiceField(choices=MINUTES, required=False, label=_("时长"))

    def query(self) -> GapQuery:
        """What is asked for; the usual when the address is not understood."""
        given = self.cleaned_data if self.is_valid() else {}
        return GapQuery(
            **self.period(),
            reason=given.get("reason") or "",
            min_s=60 * float(given.get("minutes") or 0),
        )

    def chips(self) -> list[tuple[str, str]]:
        """Besides: how long."""
        found = super().chips()
        if self.is_valid() and self.cleaned_data["minutes"]:
            words = str(dict(MINUTES)[self.cleaned_data["minutes"]])
            found.append(("minutes", words))
        return found


class QualityForm(StretchForm):
    """Flagged stretches: of which kind, and whether only those that nobody has repaired."""

    kind = forms.ChoiceField(choices=FlagKind.choices, required=False, label=_("类型"))
    open = forms.BooleanField(required=False, label=_("未处理"))

    def query(self) -> QualityQuery:
        """What is asked for; the usual when the address is not understood."""
        given = self.cleaned_data if self.is_valid() else {}
        return QualityQuery(
            **self.period(),
            kind=given.get("kind") or "",
            is_open=bool(given.get("open")),
        )

    def chips(self) -> list[tuple[str, str]]:
        """Besides: only what is open."""
        found = super().chips()
        if self.is_valid() and self.cleaned_data["open"]:
            found.append(("open", str(_("未处理"))))
        return found
