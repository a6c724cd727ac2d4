"""Who of the staff (Adm, Ana, Cy) gets which page of a model in the admin; nobody else gets any."""

from __future__ import annotations

from dataclasses import dataclass

from sites.rules import Role
from tests.permission_world import STRANGER


@dataclass(frozen=True)
class Pages:
    """Letters of those who are shown the page: A administrator, M manager, S stranger."""

    listed: str
    opened: str
    add: str
    delete: str


PLACE = Pages("AMS", "AM", "AMS", "AM")
CHARTER = Pages("AMS", "AM", "A", "A")
DICTIONARY = Pages("AMS", "AMS", "A", "A")
LIBRARY = Pages("AMS", "AMS", "", "")
LOOK = Pages("AMS", "AM", "", "")
RECORD = Pages("A", "A", "", "")

ADMIN: dict[str, Pages] = {
    "sites.enterprise": CHARTER,
    "sites.site": CHARTER,
    "sites.room": PLACE,
    "sites.transformer": PLACE,
    "sites.circuit": PLACE,
    "sites.town": DICTIONARY,
    "sites.department": DICTIONARY,
    "sites.category": DICTIONARY,
    "sites.organisation": CHARTER,
    "sites.team": CHARTER,
    "sites.user": Pages("AMS", "AM", "A", ""),
    "sites.grant": Pages("A", "A", "A", ""),
    "sites.apitoken": RECORD,
    "sites.signinrefusal": RECORD,
    "sites.numberseries": RECORD,
    "devices.gateway": PLACE,
    "devices.device": PLACE,
    "devices.datasource": PLACE,
    "devices.mqttbroker": PLACE,
    "devices.bus": Pages("AMS", "AM", "", "AM"),
    "devices.dtuprofile": DICTIONARY,
    "devices.dtudoor": RECORD,
    "devices.linkevent": LOOK,
    "devices.pollshard": RECORD,
    "devices.retention": LIBRARY,
    "devices.compactedhour": RECORD,
    "devices.rolledday": RECORD,
    "devices.sampleloss": RECORD,
    "devices.storageplan": RECORD,
    "devices.pointcode": LIBRARY,
    "devices.devicetemplate": LIBRARY,
    "devices.templateversion": LIBRARY,
    "alarms.rule": Pages("AMS", "AMS", "A", "A"),
    "alarms.ruleoverride": PLACE,
    "alarms.alarm": LOOK,
    "workorders.workorder": LOOK,
    "workorders.task": LOOK,
    "workorders.taskplan": LOOK,
}

STAFF = {"A": Role.ADMINISTRATOR.value, "M": Role.MANAGER.value, "S": STRANGER}
