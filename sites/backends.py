"""How people prove who they are: allauth's backend, closed to those who may not come in."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from sites.selectors import may_enter


class AccountBackend(AuthenticationBackend):
    """Username and password. Django asks again on every request, so sessions end as well."""

    def user_can_authenticate(self, user: Any) -> bool:
        return may_enter(user)
