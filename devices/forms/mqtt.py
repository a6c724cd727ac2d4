"""Forms of brokers and their mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from devices.models import MqttBroker, MqttMapping

if TYPE_CHECKING:
    _BrokerForm = forms.ModelForm[MqttBroker]
    _MappingForm = forms.ModelForm[MqttMapping]
else:
    # Django's own classes take no type arguments at run time.
    _BrokerForm = _MappingForm = forms.ModelForm


class BrokerForm(_BrokerForm):
    """How a broker is reached. The password is written, never read."""

    password = forms.CharField(
        label=_("密码"),
        required=False,
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("加密保存，不再显示；留空则不变。"),
    )

    class Meta:
        model = MqttBroker
        fields = (
            "host",
            "port",
            "username",
            "password",
            "client_id",
            "uses_tls",
            "is_enabled",
            "ca_certificate",
        )
        widgets = {"ca_certificate": forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})}

    def clean(self) -> dict[str, Any]:
        """A password belongs to an address and a user: with another of them it is asked for again."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        to_whom = {"host", "port", "username", "uses_tls"}
        is_kept = bool(self.instance.sealed_password) and not cleaned.get("password")
        if is_kept and cleaned.get("username") and to_whom & set(self.changed_data):
            self.add_error("password", _("地址、用户名或 TLS 已修改，请重新输入密码。"))
        return cleaned

    @property
    def password_given(self) -> str | None:
        """What to save: None keeps the former one, which goes with the user name."""
        if not self.cleaned_data.get("username"):
            return ""
        return self.cleaned_data["password"] or None


class MappingForm(_MappingForm):
    """A mapping, and a message to try it with."""

    class Meta:
        model = MqttMapping
        fields = (
            "topic",
            "form",
            "records_path",
            "device_key",
            "time_path",
            "time_form",
            "values_path",
            "name_path",
            "value_path",
            "points",
            "aliases",
            "sample_topic",
            "sample_payload",
        )
        widgets = {
            "points": forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
            "aliases": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
            "sample_payload": forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        }
