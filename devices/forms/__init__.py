"""Forms of equipment: what must fit together is said beside the field."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.models import Bus, DataSource, Device, Gateway, Meter, Ratio, TemplateVersion
from devices.rules import FIRST_YEAR, LAST_YEAR
from devices.services import batches, commissioning, equipment, exchanges
from devices.states import VersionState
from sites.models import Circuit, Room, Site

if TYPE_CHECKING:
    _DeviceForm = forms.ModelForm[Device]
    _BusForm = forms.ModelForm[Bus]
    _SourceForm = forms.ModelForm[DataSource]
    _BusFormSet = forms.BaseInlineFormSet[Bus, Gateway, forms.ModelForm[Bus]]
    _RatioFormSet = forms.BaseInlineFormSet[Ratio, Device, forms.ModelForm[Ratio]]
    _MeterFormSet = forms.BaseInlineFormSet[Meter, Device, forms.ModelForm[Meter]]
else:
    # Django's own classes take no type arguments at run time.
    _DeviceForm = _BusForm = _SourceForm = forms.ModelForm
    _BusFormSet = _RatioFormSet = _MeterFormSet = forms.BaseInlineFormSet

# Counters whose readings are asked for at an exchange.
COUNTERS = ("EPI", "EPE", "EQI", "EQE")


class DeviceForm(_DeviceForm):
    """A device and its place: room, circuit and bus lie at its site."""

    class Meta:
        model = Device
        fields = (
            "site",
            "room",
            "circuit",
            "code",
            "name",
            "name_en",
            "bus",
            "source",
            "unit_id",
            "template_version",
            "is_enabled",
            "is_simulated",
        )


class SourceForm(_SourceForm):
    """Names, quota and period of a data source; its site is chosen before."""

    class Meta:
        model = DataSource
        fields = ("name", "name_en", "quota_per_minute", "period_s", "offline_after_s")

    def clean_name(self) -> str:
        """Used once per site."""
        name: str = self.cleaned_data["name"]
        others = DataSource.objects.filter(site=self.instance.site, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("该站点已有同名数据源。"))
        return name


class BusForm(_BusForm):
    """A bus. One with nothing but defaults is meant, too: rows are added by hand."""

    class Meta:
        model = Bus
        fields = ("number", "port", "timeout_ms", "gap_ms")

    def has_changed(self) -> bool:
        """Also when it is new."""
        return self.instance.pk is None or super().has_changed()


class BusFormSet(_BusFormSet):
    """The buses of a gateway: each line has one owner."""

    def clean(self) -> None:
        """Refuse a port that another bus of the same host speaks on."""
        super().clean()
        if not self.instance.host:
            return
        seen: set[int] = set()
        for form in self.forms:
            port = form.cleaned_data.get("port") if hasattr(form, "cleaned_data") else None
            if port is None or form.cleaned_data.get("DELETE"):
                continue
            other = equipment.shared_line(
                host=self.instance.host, port=port, gateway_id=self.instance.pk
            )
            if port in seen or other is not None:
                form.add_error("port", _("该地址和端口已被另一条总线使用。"))
            seen.add(port)


class RatioFormSet(_RatioFormSet):
    """Ratios of a device: a new one ends the one in force."""

    def clean(self) -> None:
        """Refuse a beginning before that of the ratio in force."""
        super().clean()
        present = _present(self.instance, "ratios", "valid_to")
        _refuse_backwards(
            self.extra_forms,
            "valid_from",
            after=present and present.valid_from,
            message=_("生效时间必须晚于现行变比的生效时间。"),
        )

    def save_new(self, form: Any, commit: bool = True) -> Ratio:  # noqa: FBT001, FBT002 - Django's
        """Put it in force."""
        given = form.cleaned_data
        return equipment.set_ratio(
            device=self.instance,
            ct=given["ct"],
            pt=given["pt"],
            valid_from=given["valid_from"],
        )


class MeterFormSet(_MeterFormSet):
    """Meters of a device: a new one replaces the one in place."""

    def clean(self) -> None:
        """Refuse an installation before that of the meter in place."""
        super().clean()
        present = _present(self.instance, "meters", "removed_at")
        _refuse_backwards(
            self.extra_forms,
            "installed_at",
            after=present and present.installed_at,
            message=_("更换时间必须晚于现有表计的安装时间。"),
        )

    def save_new(self, form: Any, commit: bool = True) -> Meter:  # noqa: FBT001, FBT002 - Django's
        """Put it in place."""
        given = form.cleaned_data
        return equipment.replace_meter(
            device=self.instance, serial=given["serial"], at=given["installed_at"]
        )


class MetersForm(forms.Form):
    """Many equal meters behind one gateway."""

    template_version = forms.ModelChoiceField(
        label=_("设备模板"), queryset=TemplateVersion.objects.none()
    )
    bus = forms.ModelChoiceField(label=_("总线"), queryset=Bus.objects.none())
    first_address = forms.IntegerField(
        label=_("首个通信地址"), initial=1, min_value=1, max_value=batches.LAST_ADDRESS
    )
    count = forms.IntegerField(
        label=_("台数"), initial=10, min_value=1, max_value=batches.MOST_METERS
    )
    name = forms.CharField(
        label=_("名称规则"),
        max_length=100,
        initial="电表 ##",  # not translated: a name that people will replace
        help_text=_("# 处填序号，## 补足两位。"),
    )
    code = forms.CharField(
        label=_("编号规则"), max_length=36, required=False, help_text=_("可空；同样用 # 表示序号。")
    )
    first_number = forms.IntegerField(label=_("首个序号"), initial=1, min_value=0, max_value=9999)
    room = forms.ModelChoiceField(label=_("配电室"), queryset=Room.objects.none(), required=False)
    first_circuit = forms.ModelChoiceField(
        label=_("首个回路"),
        queryset=Circuit.objects.none(),
        required=False,
        help_text=_("可空；从它起按编号依次分配没有设备的回路。"),
    )
    ct = forms.FloatField(label=_("CT 变比"), required=False, min_value=0.001, max_value=1e6)
    pt = forms.FloatField(label=_("PT 变比"), required=False, min_value=0.001, max_value=1e6)

    def __init__(self, *args: Any, gateway: Gateway, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows: dict[str, Any] = {
            "template_version": TemplateVersion.objects.filter(
                state=VersionState.PUBLISHED
            ).select_related("template"),
            "bus": gateway.buses.select_related("gateway__site"),
            "room": gateway.site.rooms.all(),
            "first_circuit": Circuit.objects.filter(room__site=gateway.site)
            .select_related("room__site")
            .order_by("room__name", "code", "name"),
        }
        for name, queryset in rows.items():
            cast(Any, self.fields[name]).queryset = queryset
        cast(Any, self.fields["first_circuit"]).label_from_instance = _circuit_label
        first = gateway.buses.first()
        self.fields["bus"].initial = first and first.pk

    def batch(self) -> batches.Batch:
        """What is wanted, for the service."""
        return batches.Batch(**self.cleaned_data)


def _circuit_label(circuit: Circuit) -> str:
    return f"{circuit.room.label} / {circuit.code} {circuit.label}"


def _refuse_backwards(
    new_forms: Iterable[Any], name: str, *, after: datetime | None, message: Any
) -> None:
    """New rows follow what is in force, and each other."""
    for form in new_forms:
        moment = form.cleaned_data.get(name) if form.is_valid() else None
        if moment is None:
            continue
        if after is not None and moment <= after:
            form.add_error(name, message)
        after = moment


def _present(device: Device, rows: str, end: str) -> Any:
    """The row without an end, None for a device that is just being made."""
    if device.pk is None:
        return None
    return getattr(device, rows).filter(**{f"{end}__isnull": True}).first()


class TrialForm(forms.Form):
    """What to read a device on trial with: version, address, and what a clamp meter shows."""

    template_version = forms.ModelChoiceField(
        label=_("设备模板"), queryset=TemplateVersion.objects.none()
    )
    bus = forms.ModelChoiceField(label=_("总线"), queryset=Bus.objects.none())
    unit_id = forms.IntegerField(label=_("通信地址"), min_value=1, max_value=247)
    clamp_a = forms.FloatField(
        label=_("钳形表读数 (A)"),
        required=False,
        min_value=0.001,
        max_value=100_000,
        help_text=_("可空；电流最大一相的一次电流，用于核对 CT 变比。"),
    )

    def __init__(self, *args: Any, device: Device, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = TemplateVersion.objects.filter(
            Q(state=VersionState.PUBLISHED) | Q(pk=device.template_version_id)
        )
        rows: dict[str, Any] = {
            "template_version": versions.select_related("template"),
            "bus": Bus.objects.filter(gateway__site=device.site).select_related("gateway__site"),
        }
        for name, queryset in rows.items():
            cast(Any, self.fields[name]).queryset = queryset

    def setting(self) -> commissioning.Setting:
        """What to try, for the service."""
        return commissioning.Setting(**self.cleaned_data)


class SelectForm(forms.Form):
    """What an operator asks of an output."""

    wanted = forms.TypedChoiceField(
        label=_("操作"),
        choices=(("on", pgettext_lazy("output", "合")), ("off", pgettext_lazy("output", "分"))),
        coerce=lambda value: value == "on",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("操作原因"), max_length=400)
    permit_number = forms.CharField(label=_("操作票号"), max_length=40)


class LockoutForm(forms.Form):
    """Who works where, on which permit; times are the site's."""

    room = forms.ModelChoiceField(
        label=_("配电室"), queryset=Room.objects.none(), required=False, empty_label=_("整个站点")
    )
    device = forms.ModelChoiceField(
        label=_("设备"),
        queryset=Device.objects.none(),
        required=False,
        empty_label=_("不限设备"),
        help_text=_("请只选择配电室或设备之一。"),
    )
    worker = forms.CharField(label=_("作业人员"), max_length=120)
    reason = forms.CharField(label=_("作业内容"), max_length=400)
    permit_number = forms.CharField(label=_("工作票号"), max_length=40)
    planned_end_at = forms.DateTimeField(
        label=_("计划结束时间"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("到时不会自动解除，须由人解除。"),
    )

    def __init__(self, *args: Any, site: Site, **facts: Any) -> None:
        super().__init__(*args, **facts)
        rooms = cast(forms.ModelChoiceField, self.fields["room"])
        devices = cast(forms.ModelChoiceField, self.fields["device"])
        rooms.queryset = Room.objects.filter(site=site)
        devices.queryset = Device.objects.filter(site=site)


LOCAL = "%Y-%m-%dT%H:%M"


class ExchangeForm(forms.Form):
    """An exchange of the meter: when, which, and what both displays showed."""

    at = forms.DateTimeField(
        label=_("换表时间"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        input_formats=[LOCAL, f"{LOCAL}:%S"],
    )
    serial = forms.CharField(label=_("新表号"), max_length=60)
    reason = forms.CharField(label=_("换表原因"), max_length=200)
    rolls_at = forms.FloatField(
        label=_("新表满度 (kWh)"),
        required=False,
        min_value=1,
        max_value=1e12,
        help_text=_("可空；表计显示归零时的读数，如 100000。"),
    )
    template_version = forms.ModelChoiceField(
        label=_("新表设备模板"),
        queryset=TemplateVersion.objects.none(),
        required=False,
        empty_label=_("不变"),
    )
    ct = forms.FloatField(
        label=_("新 CT 变比"),
        required=False,
        min_value=0.001,
        max_value=1e6,
        help_text=_("不变则留空。"),
    )
    pt = forms.FloatField(label=_("新 PT 变比"), required=False, min_value=0.001, max_value=1e6)

    def __init__(self, *args: Any, device: Device, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._zone = ZoneInfo(device.site.timezone)
        versions = TemplateVersion.objects.filter(state=VersionState.PUBLISHED)
        cast(Any, self.fields["template_version"]).queryset = versions.select_related("template")
        self.codes = [c for c in COUNTERS if c in device.template_version.layout.counter_codes]
        ends = {"last": _("旧表 %(code)s 末次读数"), "first": _("新表 %(code)s 起始读数")}
        for code in self.codes:
            for end, label in ends.items():
                self.fields[f"{end}_{code}"] = forms.FloatField(
                    label=label % {"code": code},
                    required=code == exchanges.IMPORT,
                    min_value=0,
                    max_value=1e12,
                )

    def others(self) -> list[forms.BoundField]:
        """All but the displays."""
        return [
            field for field in self if not field.name.endswith(tuple(f"_{c}" for c in self.codes))
        ]

    def displays(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """What the old meter showed last and the new one first, counter by counter."""
        return [(self[f"last_{code}"], self[f"first_{code}"]) for code in self.codes]

    def clean_at(self) -> datetime:
        """As typed, in the site's zone."""
        at: datetime = timezone.make_naive(self.cleaned_data["at"])
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise ValidationError(_("时间须在 1970 年至 2199 年之间。"))
        return at.replace(tzinfo=self._zone)

    def exchange(self) -> exchanges.Exchange:
        """What is wanted, for the service."""
        given = dict(self.cleaned_data)
        ends: dict[str, dict[str, float]] = {"last": {}, "first": {}}
        for code in self.codes:
            for end, readings in ends.items():
                if (reading := given.pop(f"{end}_{code}")) is not None:
                    readings[code] = reading
        return exchanges.Exchange(**given, last=ends["last"], first=ends["first"])
