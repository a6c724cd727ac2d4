"""The socket of a page: values once a second, news, counters, a heartbeat.

The browser says `sub` (what it shows; replaces what it said before) and `snapshot`. It is sent:
`sub` (granted and refused), `snap` and `v` (rows of values), `alarm`, `order`, `task`, `news`
(several of these at once), `count`, `hb`, `error`. Nothing is sent that the person could not open as a page; rights are asked again every
minute and when a grant ends.
"""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import redis
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth import HASH_SESSION_KEY
from django.db import DatabaseError
from django.utils import timezone

from core.groups import NEWS
from devices import live
from reports.counting import counting
from reports.selectors import watching
from sites.models import User

logger = logging.getLogger(__name__)

PULSE_S = 1.0
HEARTBEAT_S = 10.0
RECHECK_S = 60.0
WATCH_S = 90.0
# Closing code for nobody, or somebody whose session or account has ended.
NOBODY = 4401
TOPICS = frozenset({"alarms", "orders", "tasks"})


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """One browser window."""

    pulse: asyncio.Task[None] | None = None
    counting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Leave however it ends: what is sent to a window that has just gone raises OSError."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.leave()

    async def connect(self) -> None:
        """Let in whoever is signed in; the refusal comes after accepting, so that it has a code."""
        self.wish = watching.Wish()
        self.watch = watching.Watch()
        self.rights = watching.Rights(user=User(), site_ids=frozenset(), ends_at=None)
        self.groups_joined: set[str] = set()
        self.pending: dict[int, bytes] = {}
        self.sequence = 0
        self.is_counting = False
        await self.accept()
        if await self.recheck():
            self.pulse = asyncio.create_task(self.beat())

    async def leave(self) -> None:
        """Stop the pulse and the counting, and leave the groups."""
        for task in (self.pulse, self.counting):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self.pulse is not None:
            for group in self.groups_joined:
                await self.channel_layer.group_discard(group, self.channel_name)

    # --- what the browser says

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        try:
            return json.loads(text_data)
        except ValueError:
            return None

    async def receive_json(self, content: Any, **_facts: Any) -> None:
        """Answer `sub` and `snapshot`; anything else is told to be malformed."""
        if self.pulse is None:
            return
        operation = content.get("op") if isinstance(content, dict) else None
        if operation == "snapshot":
            await self.send_snapshot()
            return
        try:
            if operation != "sub":
                raise ValueError("unknown operation")
            self.wish = watching.parse_wish(content)
        except ValueError as reason:
            await self.send_json({"t": "error", "code": "malformed", "reason": str(reason)})
            return
        await self.subscribe()
        await self.send_snapshot()
        self.is_counting = True

    async def subscribe(self) -> None:
        """Grant what may be granted, join the groups of it, name the rest."""
        self.watch = await database_sync_to_async(watching.watch)(
            user=self.rights.user, wish=self.wish
        )
        self.pending = {pk: data for pk, data in self.pending.items() if pk in self.watch.codes}
        topics = self.wish.topics & TOPICS
        groups = {f"site.{pk}" for pk in self.watch.site_of.values()}
        await self.join(groups | {NEWS} if topics else groups)
        await self.keep_watching()
        refused = [*self.watch.refused, *sorted(self.wish.topics - TOPICS)]
        granted = sorted(self.watch.codes)
        await self.send_json(
            {"t": "sub", "devices": granted, "topics": sorted(topics), "refused": refused}
        )

    async def join(self, groups: set[str]) -> None:
        """Be in exactly these groups."""
        for group in groups - self.groups_joined:
            await self.channel_layer.group_add(group, self.channel_name)
        for group in self.groups_joined - groups:
            await self.channel_layer.group_discard(group, self.channel_name)
        self.groups_joined = groups

    async def send_snapshot(self) -> None:
        rows = await database_sync_to_async(watching.snapshot)(codes=self.watch.codes)
        await self.send_json({"t": "snap", "s": self.sequence, "d": rows})

    # --- what the groups say

    async def site_values(self, event: dict[str, Any]) -> None:
        """Keep the newest sample of each watched device until the next pulse."""
        for name, data in event["devices"].items():
            if (device_id := int(name)) in self.watch.codes:
                self.pending[device_id] = data

    async def site_alarms(self, event: dict[str, Any]) -> None:
        if "alarms" not in self.wish.topics:
            return
        news = [
            {
                "t": "alarm",
                "ev": alarm["event"],
                "id": alarm["alarm"],
                "site": alarm["site"],
                "sev": alarm["severity"],
                "n": alarm["count"],
            }
            for alarm in event["alarms"]
            if self.rights.cover(alarm["site"])
        ]
        if news:
            await self.send_json(news[0] if len(news) == 1 else {"t": "news", "d": news})
            self.is_counting = True

    async def site_order(self, event: dict[str, Any]) -> None:
        if "orders" not in self.wish.topics or not self.rights.cover(event["site"]):
            return
        await self.send_json(
            {
                "t": "order",
                "ev": event["event"],
                "id": event["order"],
                "site": event["site"],
                "state": event["state"],
            }
        )
        self.is_counting = True

    async def site_task(self, event: dict[str, Any]) -> None:
        if "tasks" not in self.wish.topics or not self.rights.cover(event["site"]):
            return
        await self.send_json(
            {
                "t": "task",
                "ev": event["event"],
                "id": event["task"],
                "site": event["site"],
                "state": event["state"],
            }
        )

    # --- the pulse

    async def beat(self) -> None:
        """Once a second what is new; a heartbeat; from time to time the question of rights."""
        loop = asyncio.get_running_loop()
        heartbeat_at, recheck_at = loop.time(), loop.time() + self.recheck_in()
        while True:
            try:
                if loop.time() >= recheck_at:
                    if not await self.recheck():
                        return
                    recheck_at = loop.time() + self.recheck_in()
                await self.send_changes()
                if loop.time() >= heartbeat_at:
                    await self.send_json({"t": "hb", "ts": round(timezone.now().timestamp(), 3)})
                    heartbeat_at += HEARTBEAT_S
            except (DatabaseError, redis.RedisError, OSError) as reason:
                # The services may be restarting; the browser sees no heartbeat meanwhile.
                logger.warning("live.pulse_failed error=%r", reason)
            await asyncio.sleep(PULSE_S)

    async def send_changes(self) -> None:
        if self.pending:
            packed, self.pending = self.pending, {}
            rows = await database_sync_to_async(watching.changes)(
                packed=packed, codes=self.watch.codes
            )
            if rows:
                self.sequence += 1
                await self.send(text_data=f'{{"t": "v", "s": {self.sequence}, "d": {rows}}}')
        if self.is_counting and (self.counting is None or self.counting.done()):
            self.is_counting = False
            self.counting = asyncio.create_task(self.send_counts())

    async def send_counts(self) -> None:
        """Beside the pulse, which does not wait for its turn; tried again when it fails."""
        try:
            found = await counting().of(self.rights.user)
            await self.send_json({"t": "count", "n": asdict(found)})
        except (DatabaseError, OSError) as reason:
            self.is_counting = True
            logger.warning("live.count_failed error=%r", reason)

    def recheck_in(self) -> float:
        """Seconds until rights are asked again: a minute, or the end of a grant."""
        if self.rights.ends_at is None:
            return RECHECK_S
        left = (self.rights.ends_at - timezone.now()).total_seconds()
        return min(RECHECK_S, max(left, 0) + 0.1)

    async def recheck(self) -> bool:
        """Ask for rights anew; what is lost is dropped and told. False when the door is shut."""
        found = await database_sync_to_async(self.fresh_rights)(timezone.now())
        if found is None:
            await self.close(NOBODY)
            return False
        self.rights = found
        if self.wish != watching.Wish():
            before = self.watch
            await self.subscribe()
            if before.codes != self.watch.codes:
                await self.send_snapshot()
            self.is_counting = True
        return True

    def fresh_rights(self, now: datetime) -> watching.Rights | None:
        """None for nobody, and when the session was ended or the account closed."""
        session, user = self.scope.get("session"), self.scope.get("user")
        if session is None or user is None or not user.is_authenticated:
            return None
        found = watching.rights(user_id=user.pk, now=now)
        if found is None or not session.exists(session.session_key):
            return None
        stamp = session.get(HASH_SESSION_KEY, "")
        return found if stamp == found.user.get_session_auth_hash() else None

    async def keep_watching(self) -> None:
        """Ask the poll workers to publish the sites of the watched devices."""
        until = timezone.now() + timedelta(seconds=WATCH_S)
        for site_id in set(self.watch.site_of.values()):
            with suppress(redis.RedisError):
                await asyncio.to_thread(live.watch, site_id, until=until)
