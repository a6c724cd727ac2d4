"""allauth's seams: no sign-up, refused sign-ins on record."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """People are created by an administrator."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
