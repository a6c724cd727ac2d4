# ruff: noqa: S608 - the SQL is ours
"""A random world: each figure of the hall equals a count in plain SQL, and the list behind its link."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from alarms.models import Rule
from alarms.states import Handling, Severity
from alarms.tests.factories import make_alarm, make_rule
from devices import live
from devices.models import Device, SiteTally
from devices.services import commissioning
from devices.tests.factories import (
    make_acceptance,
    make_bus,
    make_device,
    make_gateway,
    make_template_version,
)
from devices.tests.samples import make_batch
from reports import selectors
from reports.models import SiteGroup
from reports.services import groups, loads
from sites.models import Site
from sites.tests.factories import (
    People,
    make_enterprise,
    make_organisation,
    make_site,
    make_team,
    make_town,
    people,
)
from tests.pages import Figure, figures_of
from workorders.states import Kind, State, TaskState
from workorders.tests.factories import make_order, make_task

pytestmark = pytest.mark.django_db

OPEN_ORDERS = "('new', 'assigned', 'in_progress', 'on_hold', 'to_accept')"


def sql(query: str, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return int(cursor.fetchone()[0])


def build(chance: random.Random, cast: People, now: datetime) -> None:
    """Sites of Ana's company and of others, in towns or none, with whatever happens there."""
    towns = [make_town() for _ in range(3)]
    teams = [cast.team, make_team("二班", organisation=cast.organisation)]
    teams.append(make_team("外人", organisation=make_organisation()))
    version = make_template_version()
    rules = [make_rule(f"W_{severity}", severity=severity) for severity in Severity]
    for _ in range(14):
        enterprise = make_enterprise(town=chance.choice([*towns, None]))
        site = make_site(
            enterprise=enterprise, team=chance.choice(teams), state=chance.choice(Site.State.values)
        )
        devices = []
        for _ in range(chance.randrange(3)):
            gateway = make_gateway(
                site=site,
                is_online=chance.choice([True, False, None]),
                is_enabled=chance.random() < 0.8,
            )
            device = make_device(bus=make_bus(gateway=gateway), template_version=version)
            answers = chance.choice([True, False, None])
            Device.objects.filter(pk=device.pk).update(is_online=answers)
            devices.append(device)
            if chance.random() < 0.4:
                accepted = make_acceptance(device)
                if chance.random() < 0.3:
                    commissioning.withdraw(
                        acceptance=accepted, reason="误验收", by=cast.ana, now=now
                    )
        furnish(chance, cast, site, devices, rules, now)


def furnish(
    chance: random.Random,
    cast: People,
    site: Site,
    devices: list[Device],
    rules: list[Rule],
    now: datetime,
) -> None:
    for device in devices:
        for rule in chance.sample(rules, chance.randrange(3)):
            make_alarm(
                device=device,
                rule=rule,
                handling=chance.choice(list(Handling)),
                by=cast.adm,
                at=now - timedelta(hours=chance.uniform(0.1, 40)),
            )
    for _ in range(chance.randrange(3)):
        begun = now - timedelta(hours=chance.uniform(0.2, 30))
        if site.team_id == cast.team.pk:
            make_order(
                cast=cast,
                site=site,
                state=chance.choice(list(State)),
                kind=chance.choice(list(Kind)),
                now=begun,
                due_at=begun + timedelta(hours=chance.uniform(0.1, 60)),
            )
    for _ in range(chance.randrange(4) if site.team_id == cast.team.pk else 0):
        due_on = (now + timedelta(days=chance.choice([-40, -6, -1, 0, 0, 1, 9, 40]))).date()
        begun = now - timedelta(days=50)
        state = chance.choice(list(TaskState))
        make_task(cast=cast, site=site, state=state, due_on=due_on, now=begun)
    if chance.random() < 0.7:
        SiteTally.objects.create(
            site=site,
            day=now.astimezone(ZoneInfo(site.timezone)).date(),
            good=(good := chance.uniform(0, 900)),
            expected=good + chance.uniform(0, 100),
            counted_until=now,
        )


def expected(org: int, now: datetime, zone: str) -> dict[str, int]:
    """The figures of everything that the company sees, in SQL that knows nothing of the product."""
    mine = "(SELECT s.id FROM sites_site s JOIN sites_team t ON t.id = s.team_id WHERE t.organisation_id = %s)"
    open_alarms = f"FROM alarms_alarm WHERE handling <> 'archived' AND site_id IN {mine}"
    open_orders = f"FROM workorders_workorder WHERE state IN {OPEN_ORDERS} AND site_id IN {mine}"
    sites = f"FROM sites_site s WHERE s.id IN {mine}"
    answering = "EXISTS (SELECT 1 FROM devices_gateway g WHERE g.site_id = s.id AND g.is_enabled AND g.is_online)"
    silent = (
        "EXISTS (SELECT 1 FROM devices_gateway g WHERE g.site_id = s.id AND g.is_enabled"
        f" AND NOT g.is_online) AND NOT {answering}"
    )
    severe = (
        "EXISTS (SELECT 1 FROM alarms_alarm a WHERE a.site_id = s.id AND a.handling <> 'archived'"
        " AND a.severity IN ('critical', 'major'))"
    )
    defect = (
        "EXISTS (SELECT 1 FROM workorders_workorder o WHERE o.site_id = s.id AND o.kind = 'defect'"
        f" AND o.state IN {OPEN_ORDERS})"
    )
    local = now.astimezone(ZoneInfo(zone))
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    found = {
        "alarms": sql(f"SELECT count(*) {open_alarms}", org),
        "unverified": sql(f"SELECT count(*) {open_alarms} AND handling = 'unverified'", org),
        "orders": sql(f"SELECT count(*) {open_orders}", org),
        "orders-overdue": sql(f"SELECT count(*) {open_orders} AND due_at < %s", org, now),
        "orders-today": sql(
            f"SELECT count(*) FROM workorders_workorder WHERE site_id IN {mine} AND created_at >= %s",
            org,
            today,
        ),
        "sites": sql(f"SELECT count(*) {sites}", org),
        "abnormal": sql(f"SELECT count(*) {sites} AND ({severe} OR ({silent}))", org),
        "offline": sql(f"SELECT count(*) {sites} AND {silent}", org),
        "accepted": sql(
            f"SELECT count(*) {sites} AND EXISTS (SELECT 1 FROM devices_acceptance a"
            " JOIN devices_device d ON d.id = a.device_id"
            " WHERE d.site_id = s.id AND a.withdrawn_at IS NULL)",
            org,
        ),
        "defect": sql(f"SELECT count(*) {sites} AND {defect}", org),
        "sites-online": sql(
            f"SELECT count(*) {sites} AND s.state = 'operation' AND {answering}", org
        ),
        "online": sql(
            f"SELECT count(*) FROM devices_device WHERE is_online AND is_enabled AND site_id IN {mine}",
            org,
        ),
    }
    found |= expected_tasks(org, now, today.date(), mine)
    for severity in Severity.values:
        found[f"open-{severity}"] = sql(
            f"SELECT count(*) {open_alarms} AND severity = %s", org, severity
        )
        hour = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        found[f"day-{severity}"] = sql(
            f"SELECT count(*) FROM alarms_alarm WHERE site_id IN {mine} AND severity = %s"
            " AND last_raised_at >= %s",
            org,
            severity,
            hour - timedelta(hours=23),
        )
    of_month = (
        f"SELECT count(*) FROM workorders_workorder WHERE site_id IN {mine} AND created_at >= %s"
    )
    found["orders-month"] = sql(of_month, org, month)
    for state in State.values:
        found[f"order-{state}"] = sql(f"{of_month} AND state = %s", org, month, state)
    for state in Site.State.values:
        found[f"site-{state}"] = sql(f"SELECT count(*) {sites} AND s.state = %s", org, state)
    return found


def expected_tasks(org: int, now: datetime, today: date, mine: str) -> dict[str, int]:
    """Of the month by stage and late, of today, and all late ones."""
    tasks = f"FROM workorders_task WHERE site_id IN {mine}"
    late = "state NOT IN ('done', 'cancelled') AND due_at < %s"
    first = today.replace(day=1)
    due = "due_on >= %s AND due_on < (%s + interval '1 month')"
    found = {
        "tasks-today": sql(
            f"SELECT count(*) {tasks} AND due_on = %s AND state <> 'cancelled'", org, today
        ),
        "tasks-today-done": sql(
            f"SELECT count(*) {tasks} AND due_on = %s AND state = 'done'", org, today
        ),
        "tasks-overdue": sql(f"SELECT count(*) {tasks} AND {late}", org, now),
        "tasks-month": sql(
            f"SELECT count(*) {tasks} AND {due} AND state <> 'cancelled'", org, first, first
        ),
    }
    for state in TaskState.values:
        of_state = f"SELECT count(*) {tasks} AND {due} AND state = %s"
        found[f"task-{state}"] = sql(of_state, org, first, first, state)
        if count := sql(f"{of_state} AND {late}", org, first, first, state, now):
            found[f"task-late-{state}"] = count
    return found


def count_of(response: Any) -> int:
    return int(response.context["list"].total)


@pytest.fixture(params=["counted", "kept"])
def keep(request: pytest.FixtureRequest) -> Callable[[datetime], None]:
    """Keeps the figures of sites as a large platform does, or leaves them to whoever looks."""
    few_sites = 0 if request.param == "kept" else groups.FEW_SITES

    def take(now: datetime) -> None:
        loads.take(now=now, few_sites=few_sites)

    return take


def test_every_figure_is_the_count_in_sql_and_the_list_behind_it(
    keep: Callable[[datetime], None], client: Client
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    now = timezone.now()
    cast = people()
    build(random.Random(seed), cast, now)
    keep(now)
    client.force_login(cast.ana)

    page = client.get("/")
    figures: dict[str, Figure] = figures_of(page.content.decode())

    wanted = expected(cast.organisation.pk, now, cast.ana.timezone)
    shown = {name: figures[name].value for name in wanted}
    assert shown == wanted, f"seed {seed}"
    towns = {name: figure for name, figure in figures.items() if name.startswith("town-")}
    for what in ("total", "running", "abnormal", "defect"):
        key = {"total": "sites", "running": "site-operation"}.get(what, what)
        rows = [figure.value for name, figure in towns.items() if name.endswith(f"-{what}")]
        assert sum(rows) == wanted[key], f"seed {seed}: {what}"
    for name, figure in figures.items():
        if name == "online":
            continue
        assert count_of(client.get(figure.href)) == figure.value, f"seed {seed}: {name}"


def test_completeness_of_the_hall_is_that_of_the_sites(
    keep: Callable[[datetime], None], client: Client
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    now = timezone.now()
    cast = people()
    build(random.Random(seed), cast, now)
    keep(now)
    client.force_login(cast.ana)

    hall = client.get("/").context["hall"]

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.number, y.good, y.expected FROM devices_sitetally y"
            " JOIN sites_site s ON s.id = y.site_id JOIN sites_team t ON t.id = s.team_id"
            " WHERE t.organisation_id = %s",
            [cast.organisation.pk],
        )
        rows = [(number, good, whole) for number, good, whole in cursor.fetchall() if whole >= 1]
    good, whole = sum(row[1] for row in rows), sum(row[2] for row in rows)
    known = hall.completeness.today
    assert (known.good, known.expected) == pytest.approx((good, whole), abs=1), f"seed {seed}"
    lowest = sorted(rows, key=lambda row: (row[1] / row[2], row[0]))[:5]
    assert [low.site.number for low in hall.lowest] == [row[0] for row in lowest], f"seed {seed}"
    listed = client.get("/sites/?ordering=completeness").context["list"].lines
    assert [line.site.number for line in listed][: len(lowest)] == [row[0] for row in lowest]


@pytest.mark.parametrize(
    ("age_s", "period_s", "verdict"),
    [
        (4, 10, (False, False)),
        (300, 10, (True, False)),
        (1200, 10, (True, True)),
        (1200, 900, (False, False)),
    ],
)
def test_a_site_that_missed_much_today_is_judged_by_its_last_sample(
    age_s: int, period_s: int, verdict: tuple[bool, bool], client: Client
) -> None:
    cast, now = people(), timezone.now()
    version = make_template_version(value_codes=["Ua"], counter_codes=["EPI"])
    bus = make_bus(gateway=make_gateway(site=cast.site, period_s=period_s))
    device = make_device(bus=bus, template_version=version)
    SiteTally.objects.create(
        site=cast.site,
        day=now.astimezone(ZoneInfo(cast.site.timezone)).date(),
        good=40,
        expected=100,
        counted_until=now,
    )
    batch = make_batch(
        layout_id=version.layout_id,
        device_ids=[device.pk],
        site_ids=[cast.site.pk],
        at=[now.timestamp() - age_s],
        values=[[230.0]],
        counters=[[1.0]],
    )
    live.store(batch, now=now)
    client.force_login(cast.ana)

    (low,) = client.get("/").context["hall"].lowest

    assert (low.is_late, low.is_silent) == verdict


def test_the_month_before_shows_its_own_orders(client: Client) -> None:
    cast = people()
    now = timezone.now()
    first = now.astimezone(ZoneInfo(cast.ana.timezone)).replace(day=1, hour=0, minute=0)
    before = first - timedelta(days=3)
    make_order(cast=cast, state=State.CLOSED, now=before, due_at=before + timedelta(days=1))
    client.force_login(cast.ana)

    make_task(cast=cast, state=TaskState.DONE, due_on=before.date(), now=before - timedelta(days=9))

    figures = figures_of(client.get(f"/?month={before:%Y-%m}").content.decode())

    assert figures["task-done"].value == figures["tasks-month"].value == 1
    assert count_of(client.get(figures["task-done"].href)) == 1
    assert figures["order-closed"].value == 1
    assert count_of(client.get(figures["order-closed"].href)) == 1
    assert figures_of(client.get("/").content.decode())["order-closed"].value == 0


@pytest.mark.parametrize("period", ["24h", "7d", "month", "nonsense"])
def test_the_bars_hold_what_the_legend_says(period: str, client: Client) -> None:
    cast = people()
    now = timezone.now()
    rule = make_rule("B", severity=Severity.MAJOR)
    for hours in (0.2, 30, 100):
        site = make_site(team=cast.team)
        make_alarm(site=site, rule=rule, at=now - timedelta(hours=hours))
    client.force_login(cast.ana)

    page = client.get(f"/?period={period}")

    figure = figures_of(page.content.decode())["day-major"]
    bars = page.context["hall"].bars
    assert sum(bar.by_severity["major"] for bar in bars) == figure.value
    assert count_of(client.get(figure.href)) == figure.value
    assert all(a.end == b.start for a, b in zip(bars, bars[1:], strict=False))
    assert figure.value == {"7d": 3}.get(period, figure.value)


def test_what_is_kept_says_when_it_was_counted_and_not_for_long(client: Client) -> None:
    cast, now = people(), timezone.now()
    loads.take(now=now - timedelta(seconds=70), few_sites=0)
    make_site(team=cast.team)
    client.force_login(cast.ana)

    before = client.get("/")
    SiteGroup.objects.update(at=now - timedelta(minutes=3))
    after = client.get("/")

    assert "统计截至" in before.content.decode()
    assert "统计截至" not in after.content.decode()
    total = after.context["hall"].sites.total
    assert before.context["hall"].sites.total == total - 1


def test_everybody_has_the_counts_of_what_he_sees() -> None:
    cast, now = people(), timezone.now()
    make_site(team=cast.team)
    make_site(enterprise=cast.enterprise)
    loads.take(now=now, few_sites=0)
    everybody = [*cast.by_role().values(), cast.cy]

    halls = {user.username: selectors.hall(user=user, now=now) for user in everybody}

    found = {name: sum(row.sites.total for row in one.towns) for name, one in halls.items()}
    assert found == {user.username: Site.objects.visible_to(user).count() for user in everybody}
    assert {found["ana"], found["gu"], found["cy"], found["ed"]} == {2, 4, 1}
