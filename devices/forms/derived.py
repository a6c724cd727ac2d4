"""The form of a derived point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from devices.models import DerivedPoint

if TYPE_CHECKING:
    _DerivedForm = forms.ModelForm[DerivedPoint]
else:
    # Django's own classes take no type arguments at run time.
    _DerivedForm = forms.ModelForm


class DerivedForm(_DerivedForm):
    """Name, formula and unit; a new one is active. The service says what a formula may not be."""

    class Meta:
        model = DerivedPoint
        fields = ("name", "name_en", "formula", "unit", "decimals", "is_active")
        widgets = {
            "formula": forms.Textarea(
                attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"}
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            del self.fields["is_active"]
