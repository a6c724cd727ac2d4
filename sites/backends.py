"""How people prove who they are: allauth's backend, which counts and limits failures."""

from allauth.account.auth_backends import AuthenticationBackend


class AccountBackend(AuthenticationBackend):
    """Username and password; inactive users are refused."""
