"""Choices on pages read as Django itself writes them."""

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from core.forms import FormRenderer

CHOICES = [
    ("", "—"),
    (1, "<一>"),
    ("a\"'&", "A & B"),
    ("组", [("x", mark_safe("<b>x</b>")), (2.5, 2.5)]),
]


@pytest.mark.parametrize(
    "field",
    [
        forms.ChoiceField(choices=CHOICES, required=False),
        forms.ChoiceField(
            choices=CHOICES, widget=forms.Select(attrs={"data-x": "<", "hidden": True})
        ),
        forms.MultipleChoiceField(choices=CHOICES),
        forms.ChoiceField(choices=[]),
        forms.ChoiceField(choices=CHOICES, disabled=True, widget=forms.Select(attrs={"a": False})),
        forms.ChoiceField(choices=CHOICES, widget=forms.RadioSelect),
        forms.CharField(),
    ],
)
@pytest.mark.parametrize("value", ["", "1", "a\"'&", "x", ["1", "x"]])
def test_a_field_is_what_django_makes_of_it(field: forms.Field, value: object) -> None:
    shape = type("Shape", (forms.Form,), {"field": field})

    ours = shape(initial={"field": value}, renderer=FormRenderer())
    plain = shape(initial={"field": value}, renderer=DjangoTemplates())

    assert "".join(str(ours["field"]).split()) == "".join(str(plain["field"]).split())
