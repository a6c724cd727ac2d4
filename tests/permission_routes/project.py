"""Who may what of the libraries' pages and of the project's own."""

from __future__ import annotations

from tests.permission_routes.facts import (
    ASKED_AGAIN,
    NONE_YET,
)
from tests.permission_table import (
    HIDDEN,
    OK,
    SIGN_IN,
    Case,
    everybody,
    nothing,
    read,
    signed_in,
)
from tests.permission_world import NOBODY, PEOPLE

ACCOUNTS: dict[str, list[Case]] = {
    "account_login": [
        Case(dict.fromkeys(PEOPLE, "status 302") | {NOBODY: OK}),
        Case(
            dict.fromkeys(PEOPLE, "status 302") | {NOBODY: OK},
            "POST",
            body=lambda _world: {"login": "", "password": ""},
        ),
    ],
    "account_logout": [
        Case(signed_in() | {NOBODY: "status 302"}),
        Case(everybody(), "POST", body=nothing, ok=302),
    ],
    "account_inactive": [read(who=everybody(), shows=False)],
    "account_reauthenticate": [read(shows=False), Case(signed_in(), "POST", body=nothing)],
    "account_change_password": [read(shows=False), Case(signed_in(), "POST", body=nothing)],
    # Whoever has a password is sent on to change it; without one there is nothing to change.
    "account_set_password": [
        Case(dict.fromkeys(PEOPLE, "status 302") | {NOBODY: SIGN_IN}),
    ],
    "mfa_index": [read(shows=False)],
    "mfa_reauthenticate": [read(who=ASKED_AGAIN, shows=False)],
    "mfa_activate_totp": [read(who=ASKED_AGAIN, shows=False)],
    "mfa_deactivate_totp": [read(who=NONE_YET, shows=False)],
    "mfa_view_recovery_codes": [read(who=NONE_YET, shows=False)],
    "mfa_generate_recovery_codes": [read(who=ASKED_AGAIN, shows=False)],
    "mfa_download_recovery_codes": [read(who=NONE_YET, shows=False)],
    "mfa_authenticate": [
        read(who=dict.fromkeys(PEOPLE, "status 302") | {NOBODY: SIGN_IN}, shows=False),
    ],
}

PROJECT: dict[str, list[Case]] = {
    "api-unknown": [Case(dict.fromkeys(PEOPLE, HIDDEN))],
    "api-docs": [read(shows=False)],
    "api-docs-group": [Case(signed_in(), at={"key": "=alarms"}, shows=False)],
    "api-schema": [read(who=everybody(), shows=False)],
}

REST_OF_DJANGO: dict[str, list[Case]] = {
    "set_language": [Case(everybody(), "POST", body=lambda _world: {"language": "en"}, ok=302)],
    "jsi18n": [read(who=everybody(), shows=False)],
}
