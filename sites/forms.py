"""Forms of people about themselves."""

from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from sites.models import User


def zones() -> list[tuple[str, str]]:
    """Zones of the world by name, China's own first."""
    first = ["Asia/Shanghai", "Asia/Urumqi", "UTC"]
    rest = sorted(zone for zone in available_timezones() if "/" in zone and zone not in first)
    return [(zone, zone) for zone in [*first, *rest]]


class ProfileForm(forms.ModelForm):
    """What a person may change about himself."""

    timezone = forms.ChoiceField(label=_("时区"), choices=zones)

    class Meta:
        model = User
        fields = [
            "name",
            "phone",
            "language",
            "timezone",
            "theme",
            "density",
            "has_shortcuts",
            "has_alarm_sound",
            "has_alarm_notice",
        ]


class ViewForm(forms.Form):
    """A saved view of a list, as its dialog sends it."""

    name = forms.CharField(label=_("名称"), max_length=40)
    is_shared = forms.BooleanField(label=_("共享"), required=False)
    is_first = forms.BooleanField(label=_("打开列表时先显示"), required=False)
