"""Who may what of `alarms`: alarms, and what is done about them."""

from __future__ import annotations

from tests.permission_routes.facts import (
    ignoring,
    note,
)
from tests.permission_table import (
    COMMENT,
    FORBIDDEN,
    HANDLE,
    VERDICT,
    VIEW,
    Case,
    prefixed,
    read,
    signed_in,
    write,
)
from tests.permission_world import STRANGER
from workorders.tests.factories import picture

PAGES: dict[str, list[Case]] = {
    "alarms:alarm-list": [read()],
    "alarms:alarm-detail": [read("alarm")],
    "alarms:alarm-preview": [read("alarm")],
    "alarms:alarm-curve": [read("alarm", shows=False)],
    "alarms:photo-image": [read("alarm_photo", shows=False)],
    "alarms:photo-thumbnail": [read("alarm_photo", shows=False)],
    "alarms:alarm-bulk": [
        Case(
            VIEW,
            at={"move": "=verify"},
            query=lambda world: {"id": world.alarm.pk},
        ),
        Case(
            HANDLE,
            "POST",
            at={"move": "=verify"},
            query=lambda world: {"id": world.alarm.pk},
            body=lambda _world: prefixed("verify", VERDICT),
            ok=302,
            changes=True,
        ),
    ],
    "alarms:alarm-sheet": [
        Case(signed_in(), "POST", query=lambda _world: {"export": "csv"}, ok=302, changes=True)
    ],
    "alarms:alarm-undo": [write("", signed_in(), changes=False)],
    "alarms:alarm-verify": [write("alarm", HANDLE, lambda _world: prefixed("verify", VERDICT))],
    "alarms:alarm-ignore": [
        write("alarm", HANDLE, lambda _world: prefixed("ignore", {"hours": 4, "note": "检修"}))
    ],
    "alarms:alarm-archive": [
        write("recovered_alarm", HANDLE, lambda _world: prefixed("archive", {"note": ""}))
    ],
    "alarms:alarm-comment": [write("alarm", COMMENT, note)],
}

API: dict[str, list[Case]] = {
    "api-alarms": [read()],
    "api-alarm": [read("alarm")],
    "api-alarm-log": [read("alarm", shows=False)],
    "api-alarm-verify": [write("alarm", HANDLE, lambda _world: VERDICT, ok=200)],
    "api-alarm-ignore": [write("alarm", HANDLE, ignoring, ok=200)],
    "api-alarm-archive": [write("recovered_alarm", HANDLE, ok=200)],
    "api-alarms-bulk": [
        write(
            "",
            HANDLE | {STRANGER: FORBIDDEN},
            lambda world: VERDICT | {"move": "verify", "ids": [world.alarm.pk]},
            ok=200,
        )
    ],
    "api-alarms-sheet": [read(shows=False), write("", signed_in(), ok=202)],
    "api-alarm-photo": [read("alarm_photo", shows=False)],
    # Nobody of the matrix has just moved it: those who might are told that nothing is to undo.
    "api-alarm-undo": [write("alarm", HANDLE, ok=409, changes=False)],
    "api-alarm-nearby": [read("alarm", shows=False)],
    "api-alarm-past": [read("alarm", shows=False)],
    "api-alarm-photos": [
        write("alarm", COMMENT, lambda _world: {"file": picture(), "note": ""}, ok=201)
    ],
    "api-alarm-comments": [write("alarm", COMMENT, note, ok=201)],
}
