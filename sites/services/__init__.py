"""Writes: numbers, grants, tokens, signing in."""

from sites.services.grants import end_grant, grant
from sites.services.numbers import take_numbers
from sites.services.profile import edit_profile
from sites.services.sign_in import record_refusal, sign_in, switch_off_second_step
from sites.services.tokens import issue_token, note_use, revoke_token

__all__ = [
    "edit_profile",
    "end_grant",
    "grant",
    "issue_token",
    "note_use",
    "record_refusal",
    "revoke_token",
    "sign_in",
    "switch_off_second_step",
    "take_numbers",
]
