"""A whole district for the pages: enterprises, sites, devices, alarms, orders, latest values.

Rows are written in bulk past the services, so they are made to fit what the services would have
left: the database's constraints hold, every alarm and order has its record.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection
from django.db.models import Model

from alarms.models import Alarm, Rule
from alarms.states import SEVERITY_RANK
from benchmarks.inside import papers
from benchmarks.inside.district import bench_version
from benchmarks.inside.papers import Made
from devices.models import Bus, Device, Gateway
from sites import services as site_services
from sites.models import (
    Category,
    Circuit,
    Department,
    Enterprise,
    Organisation,
    Room,
    Site,
    Team,
    Town,
    Transformer,
    User,
)
from sites.rules import Role
from workorders.models import WorkOrder

CHUNK = 2000
SEED = 20_261_125
FAMILIES = [
    "华",
    "恒",
    "泰",
    "瑞",
    "隆",
    "盛",
    "兴",
    "达",
    "昌",
    "源",
    "正",
    "和",
    "信",
    "诚",
    "鼎",
    "宏",
    "嘉",
    "永",
    "安",
    "康",
]
TRADES = ["纺织", "印染", "机械", "塑料", "食品", "电子", "五金", "化工", "建材", "物流"]
FEEDERS = ["照明", "空调", "空压机", "水泵", "生产线", "冷库", "办公", "充电桩"]
PLACES = [
    "东郊",
    "西岭",
    "南湾",
    "北塘",
    "上林",
    "下河",
    "石桥",
    "柳溪",
    "青湖",
    "白沙",
    "龙泉",
    "凤台",
]
# A rectangle that is nowhere in particular; the demo's district lies in it too.
SOUTH_DEG, WEST_DEG, HEIGHT_DEG, WIDTH_DEG = 30.0, 120.0, 0.6, 0.8


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each."""

    enterprises: int
    sites: int
    devices: int
    alarms: int
    open_alarms: int
    orders: int
    open_orders: int
    tasks: int
    companies: int
    towns: int


# As many gateways, one per site, as the field of benchmarks/district.py has, with three meters each.
DISTRICT = Size(
    enterprises=17_761,
    sites=17_761,
    devices=53_283,
    alarms=100_000,
    open_alarms=6_000,
    orders=20_000,
    open_orders=2_500,
    tasks=40_000,
    companies=12,
    towns=16,
)
DEMO = Size(
    enterprises=40,
    sites=60,
    devices=200,
    alarms=800,
    open_alarms=60,
    orders=150,
    open_orders=30,
    tasks=300,
    companies=3,
    towns=4,
)


@dataclass(frozen=True, slots=True)
class Region:
    """What was made, and who looks at it."""

    people: dict[str, User]
    sites: list[Site]
    devices: list[Device]


def build(size: Size, *, now: datetime) -> Region:
    """Make all of it; about a minute for a district."""
    dice = random.Random(SEED)
    # Neither keys nor records of changes are looked after: a third of the time.
    _execute("SET session_replication_role = replica")
    companies = [_company(n) for n in range(size.companies)]
    teams = [team for company in companies for team in company]
    sites = _sites(size, teams, dice)
    devices = _devices(size, sites, dice)
    people = _people(teams, sites[0], now)
    workers = _workers(teams)
    alarms = _alarms(size, devices, now, dice)
    _orders(size, alarms, workers, now, dice)
    papers.write(Made(sites, teams, workers, people, size.tasks, now))
    _execute("SET session_replication_role = DEFAULT")
    _execute("VACUUM ANALYZE")
    return Region(people=people, sites=sites, devices=devices)


def _save(model: type[Model], rows: list[Any]) -> list[Any]:
    return model.objects.bulk_create(rows, batch_size=CHUNK)  # type: ignore[attr-defined]


def _company(number: int) -> list[Team]:
    """An O&M company with its teams; the first one is the largest."""
    company = Organisation.objects.create(
        name=f"{PLACES[number % len(PLACES)]}电力运维有限公司", kind=Organisation.Kind.OM_COMPANY
    )
    teams = 8 if number == 0 else 2
    return [
        Team.objects.create(organisation=company, name=f"{PLACES[number]}{n + 1}班")
        for n in range(teams)
    ]


def _sites(size: Size, teams: list[Team], dice: random.Random) -> list[Site]:
    towns = [
        Town.objects.create(code=f"town-{n}", name=f"{PLACES[n % len(PLACES)]}镇{n or ''}")
        for n in range(size.towns)
    ]
    departments = [
        Department.objects.create(code=f"department-{n}", name=f"主管部门{n}") for n in range(8)
    ]
    categories = [Category.objects.create(code=f"category-{n}", name=f"类别{n}") for n in range(6)]
    names = (f"{a}{b}{trade}" for a in FAMILIES for b in FAMILIES for trade in TRADES)
    kept = list(names)
    dice.shuffle(kept)
    enterprises = _save(
        Enterprise,
        [
            Enterprise(
                number=f"QY{n:06d}",
                name=f"{kept[n % len(kept)]}有限公司{n // len(kept) or ''}",
                town=dice.choice(towns),
                department=dice.choice(departments),
                category=dice.choice(categories),
                address=f"{dice.choice(PLACES)}路 {dice.randint(1, 400)} 号",
            )
            for n in range(size.enterprises)
        ],
    )
    return _save(Site, [_site(n, enterprises, teams, dice) for n in range(size.sites)])


def _site(n: int, enterprises: list[Enterprise], teams: list[Team], dice: random.Random) -> Site:
    enterprise = enterprises[n % len(enterprises)]
    states = Site.State
    return Site(
        enterprise=enterprise,
        number=f"ZD{n:06d}",
        name=f"{enterprise.name.removesuffix('有限公司')}{n // len(enterprises) + 1}号站",
        team=teams[n % len(teams)],
        state=states.OPERATION if n % 20 else dice.choice(list(states)),
        latitude_deg=SOUTH_DEG + HEIGHT_DEG * dice.random(),
        longitude_deg=WEST_DEG + WIDTH_DEG * dice.random(),
        nominal_voltage_v=400,
    )


def _devices(size: Size, sites: list[Site], dice: random.Random) -> list[Device]:
    """A room, a transformer and a gateway per site; an incomer and feeders below it."""
    version = bench_version()
    rooms = _save(Room, [Room(site=site, name="一号配电室") for site in sites])
    transformers = _save(
        Transformer,
        [
            Transformer(room=room, name="1# 变压器", rated_kva=dice.choice((400, 630, 1000)))
            for room in rooms
        ],
    )
    gateways = _save(Gateway, [_gateway(n, site) for n, site in enumerate(sites)])
    buses = _save(Bus, [Bus(gateway=gateway) for gateway in gateways])
    places = [(n, n // len(sites)) for n in range(size.devices)]
    incomers: list[Circuit] = []
    circuits: list[Circuit] = []
    for floor in range(size.devices // len(sites) + 1):
        made = [n % len(sites) for n, of in places if of == floor]
        circuits += _save(
            Circuit,
            [
                Circuit(
                    room=rooms[s],
                    transformer=transformers[s],
                    parent=incomers[s] if floor else None,
                    kind=Circuit.Kind.FEEDER if floor else Circuit.Kind.INCOMER,
                    code=f"4{floor:02d}",
                    name=dice.choice(FEEDERS) if floor else "1# 进线",
                    rated_current_a=400,
                )
                for s in made
            ],
        )
        incomers = incomers or circuits[: len(sites)]
    return _save(
        Device,
        [
            Device(
                site=sites[n % len(sites)],
                room=rooms[n % len(sites)],
                circuit=circuits[n],
                bus=buses[n % len(sites)],
                unit_id=floor + 1,
                template_version=version,
                code=f"B{floor + 1:02d}",
                name=f"{circuits[n].name}电表",
                is_online=gateways[n % len(sites)].is_online,
            )
            for n, floor in places
        ],
    )


def _gateway(n: int, site: Site) -> Gateway:
    """One of thirty is silent, one of two hundred was never heard."""
    is_online = None if n % 200 == 7 else n % 30 != 11
    return Gateway(site=site, name="网关", host="gateway.invalid", period_s=60, is_online=is_online)


def _people(teams: list[Team], site: Site, now: datetime) -> dict[str, User]:
    """A dispatcher of the largest company and whoever maintains its sites, a viewer of the district,
    somebody of an enterprise.
    """
    scopes: dict[str, tuple[Role, Any]] = {
        "dispatcher": (Role.DISPATCHER, teams[0].organisation),
        "manager": (Role.MANAGER, teams[0].organisation),
        "district": (Role.DISTRICT_VIEWER, None),
        "enterprise": (Role.ENTERPRISE, site.enterprise),
    }
    made = {}
    for name, (role, scope) in scopes.items():
        made[name] = User.objects.create_user(username=name, name=name.title())
        site_services.grant(user=made[name], role=role, scope=scope, by=None, now=now)
    return made


def _workers(teams: list[Team]) -> list[User]:
    users = User.objects.bulk_create(
        User(username=f"worker-{n}", name=f"运维员{n}") for n in range(len(teams))
    )
    for user, team in zip(users, teams, strict=True):
        user.teams.add(team)
    return users


def _alarms(size: Size, devices: list[Device], now: datetime, dice: random.Random) -> list[Alarm]:
    """A year of them, denser lately; open ones are each of a place and rule of its own."""
    rules = list(Rule.objects.filter(kind=Rule.Kind.LIMIT, is_enabled=True))
    spots = [(device, rule) for rule in rules for device in devices[: size.open_alarms]]
    dice.shuffle(spots)
    rows = [_alarm(n, *spots[n], now, dice, is_open=True) for n in range(size.open_alarms)]
    rows += [
        _alarm(n, dice.choice(devices), dice.choice(rules), now, dice, is_open=False)
        for n in range(size.open_alarms, size.alarms)
    ]
    return _save(Alarm, rows)


def _alarm(
    n: int, device: Device, rule: Rule, now: datetime, dice: random.Random, *, is_open: bool
) -> Alarm:
    span_s = (3 if is_open else 365) * 86_400
    at = now - timedelta(seconds=60 + span_s * dice.random() ** 2)
    handling = dice.choice(("unverified", "unverified", "verified")) if is_open else "archived"
    is_active = is_open and n % 3 > 0
    code = rule.point_codes[0] if rule.point_codes else ""
    return Alarm(
        number=f"GJ-{at:%Y%m%d}-{n:06d}",
        rule=rule,
        severity=rule.severity,
        severity_rank=SEVERITY_RANK[rule.severity],
        scope_kind=Alarm.Scope.DEVICE,
        scope_id=device.pk,
        site_id=device.site_id,
        room_id=device.room_id,
        circuit_id=device.circuit_id,
        device=device,
        point_code=code,
        worst_code=code,
        value=(rule.threshold or 1.0) * 1.2,
        limit=rule.threshold,
        raised_at=at,
        last_raised_at=at,
        recovered_at=None if is_active else at + timedelta(minutes=20),
        condition="active" if is_active else "recovered",
        handling=handling,
        verdict="" if handling == "unverified" else "real",
        verified_at=None if handling == "unverified" else at + timedelta(minutes=9),
        archived_at=at + timedelta(minutes=40) if handling == "archived" else None,
        created_at=at,
        updated_at=at,
    )


def _orders(
    size: Size, alarms: list[Alarm], workers: list[User], now: datetime, dice: random.Random
) -> None:
    """Open ones on open alarms, closed ones on archived alarms."""
    numbers = count(1)
    verified = [alarm for alarm in alarms if alarm.handling == "verified"]
    archived = [alarm for alarm in alarms if alarm.handling == "archived"]
    on_open = verified[: size.open_orders]
    on_closed = archived[: size.orders - len(on_open)]
    rows = [
        _order(next(numbers), alarm, dice.choice(workers), now, dice)
        for alarm in (*on_open, *on_closed)
    ]
    _save(WorkOrder, rows)
    Alarm.objects.filter(pk__in=[alarm.pk for alarm in on_open]).update(handling="in_order")


def _order(n: int, alarm: Alarm, worker: User, now: datetime, dice: random.Random) -> WorkOrder:
    is_closed = alarm.handling == "archived"
    state = "closed" if is_closed else dice.choice(("new", "assigned", "in_progress", "to_accept"))
    has_result = state in {"closed", "to_accept"}
    at = alarm.raised_at + timedelta(minutes=10)
    return WorkOrder(
        number=f"GD-{at:%Y%m%d}-{n:06d}",
        kind=dice.choice(("repair", "defect", "inspection")),
        priority=dice.choice(("high", "normal", "low")),
        title=f"处理告警 {alarm.number}",
        site_id=alarm.site_id,
        device_id=alarm.device_id,
        alarm=alarm,
        state=state,
        due_at=at + timedelta(days=dice.choice((1, 3, 7))),
        assignee=None if state == "new" else worker,
        finding="触头松动" if has_result else "",
        measures="已紧固" if has_result else "",
        created_by=worker,
        created_at=at,
        closed_at=at + timedelta(hours=3) if is_closed else None,
        updated_at=min(at, now),
    )


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
