"""What is to be made of samples, as typed in the zone of their site."""

import csv
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.filters import YEARS
from devices.models import Device
from devices.selectors import DevicePoint
from devices.services.repair_sheets import moment
from devices.services.repairs import MOST, MOST_SHEET_ROWS, Wanted
from devices.states import RepairKind

LOCAL = "%Y-%m-%dT%H:%M:%S"
BY_HAND = [kind for kind in RepairKind if kind != RepairKind.SHEET]
# A moment is typed to the second, samples come between.
_REST = timedelta(seconds=1) - timedelta(microseconds=1)


class StretchForm(forms.Form):
    """Which samples of a device: of one point, from and to."""

    point = forms.ChoiceField(label=_("测点"))
    start = forms.DateTimeField(
        label=_("开始"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format=LOCAL),
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M"],
    )
    end = forms.DateTimeField(
        label=_("结束"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format=LOCAL),
        input_formats=[LOCAL, "%Y-%m-%dT%H:%M"],
        help_text=_("含起止时刻；一次最多 31 天。"),
    )

    def __init__(
        self, *args: Any, device: Device, points: list[DevicePoint], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(device.site.timezone)
        self.points = {point.code: point for point in points}
        choices = [(p.code, f"{p.name} ({p.code})") for p in points]
        cast(Any, self.fields["point"]).choices = choices

    def clean_start(self) -> datetime:
        """As typed, in the site's zone."""
        return self._moment("start")

    def clean_end(self) -> datetime:
        """To the end of the second."""
        return self._moment("end") + _REST

    def _moment(self, name: str) -> datetime:
        at: datetime = timezone.make_naive(self.cleaned_data[name])
        if at.year not in YEARS:
            raise ValidationError(_("时间须在 1970 年至 2199 年之间。"))
        return at.replace(tzinfo=self.zone)

    def stretch(self) -> dict[str, Any]:
        """Point, start and end, for the services."""
        given = self.cleaned_data
        return {
            "point": self.points[given["point"]],
            "start": given["start"],
            "end": given["end"],
        }


class RepairForm(StretchForm):
    """What to make of them, and why."""

    kind = forms.ChoiceField(
        label=_("处理方式"), choices=[(kind.value, kind.label) for kind in BY_HAND]
    )
    value = forms.FloatField(
        label=_("数值"),
        required=False,
        min_value=-MOST,
        max_value=MOST,
        help_text=_("仅“置为定值”需要。"),
    )
    reason = forms.CharField(label=_("原因"), max_length=200)

    def wanted(self) -> Wanted:
        """For the service."""
        given = self.cleaned_data
        return Wanted(
            **self.stretch(),
            kind=RepairKind(given["kind"]),
            value=given["value"],
            reason=given["reason"],
        )


class RepairSheetForm(StretchForm):
    """A sheet to be filled in, or that was: its new values as lines of time and value, once it was read.

    It stands on a page with a form of the same fields.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="sheet-%s", **kwargs)

    file = forms.FileField(label=_("填好的表格"), required=False)
    rows = forms.CharField(
        label=_("新值"),
        required=False,
        max_length=60 * MOST_SHEET_ROWS,
        widget=forms.Textarea(attrs={"rows": 8, "readonly": True}),
    )
    reason = forms.CharField(label=_("原因"), max_length=200)

    def values(self) -> dict[int, float]:
        """The new values by time (µs). Raises Invalid when a line is no longer what was read."""
        found: dict[int, float] = {}
        for line in csv.reader(self.cleaned_data["rows"].splitlines()):
            try:
                at, value = datetime.fromisoformat(line[0]), float(line[1])
                found[round(at.timestamp() * 1e6)] = value
            except (ValueError, IndexError, OverflowError):
                raise ValidationError(_("新值须为“时间,数值”。")) from None
        return found

    def written(self, values: dict[int, float]) -> str:
        """The lines of these values."""
        return "\n".join(f"{moment(at, str(self.zone))},{value!r}" for at, value in values.items())

    def wanted(self, values: dict[int, float]) -> Wanted:
        """For the service; the period is that of the values."""
        stretch = self.stretch()
        if values:
            zone = self.zone
            first, last = (datetime.fromtimestamp(0, zone) for _end in range(2))
            first += timedelta(microseconds=min(values))
            last += timedelta(microseconds=max(values))
            stretch |= {"start": first, "end": last}
        return Wanted(
            **stretch,
            kind=RepairKind.SHEET,
            values=values,
            reason=self.cleaned_data["reason"],
        )
