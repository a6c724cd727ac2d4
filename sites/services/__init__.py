"""Writes: numbers, grants, tokens, signing in, background jobs."""

from sites.services.documents import (
    add_document,
    purge_documents,
    remove_document,
    restore_document,
)
from sites.services.grants import end_grant, grant
from sites.services.jobs import cancel_job, submit_job, sweep_jobs
from sites.services.lists import (
    choose_columns,
    delete_view,
    edit_view,
    save_view,
    set_first_view,
)
from sites.services.numbers import take_numbers
from sites.services.profile import edit_profile, mark_notices_seen
from sites.services.running import run_job
from sites.services.sign_in import record_refusal, sign_in, switch_off_second_step
from sites.services.tokens import issue_token, note_use, revoke_token

__all__ = [
    "add_document",
    "cancel_job",
    "choose_columns",
    "delete_view",
    "edit_profile",
    "edit_view",
    "end_grant",
    "grant",
    "issue_token",
    "mark_notices_seen",
    "note_use",
    "purge_documents",
    "record_refusal",
    "remove_document",
    "restore_document",
    "revoke_token",
    "run_job",
    "save_view",
    "set_first_view",
    "sign_in",
    "submit_job",
    "sweep_jobs",
    "switch_off_second_step",
    "take_numbers",
]
