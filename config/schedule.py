"""What runs when, and in which queue. Every entry is an idempotent query by due time."""

from config import env

POLL_TICK_S = 1.0

TASK_ROUTES = {
    "alarms.tasks.*": {"queue": "notify"},
    "reports.tasks.*": {"queue": "reports"},
    # Long work has a worker of its own: it must not hold up a sweep.
    "sites.tasks.run_job": {"queue": "reports"},
}

BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    # The heartbeat of collecting: one small task per shard; the worker polls what is due.
    **{
        f"poll-{shard}": {
            "task": "devices.tasks.poll_shard",
            "schedule": POLL_TICK_S,
            "kwargs": {"shard": shard},
            "options": {"queue": f"poll.{shard}", "expires": POLL_TICK_S},
        }
        for shard in range(env.POLL_SHARDS)
    },
    # A dead poll worker must not hide a silent gateway.
    "sweep-links": {
        "task": "devices.tasks.sweep_links",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    # Switchings that nobody executed in time; those whose process died are read back.
    "sweep-control": {
        "task": "devices.tasks.sweep_control",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    # Clocks of meters, each once a day. No whole minute: else a sweep always meets the same second,
    # and some seconds are no time to set a clock. Beside long jobs: answers may take seconds.
    "check-clocks": {
        "task": "devices.tasks.check_clocks",
        "schedule": 47.0,
        "options": {"queue": "reports", "expires": 47},
    },
    # Ignored alarms come back when their time is over.
    "sweep-alarms": {
        "task": "alarms.tasks.sweep_alarms",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    # The platform's own disk, spool and collectors; two DTUs with one id.
    "check-platform": {
        "task": "alarms.tasks.check_platform",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    # Devices with data that cannot be believed.
    "check-values": {
        "task": "alarms.tasks.check_values",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    # Jobs whose worker died; results past their time.
    "sweep-jobs": {
        "task": "sites.tasks.sweep_jobs",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    # Planned work becomes tasks ahead of its due day; often, since each site has its own midnight.
    "generate-tasks": {
        "task": "workorders.tasks.generate_tasks",
        "schedule": 900.0,
        "options": {"expires": 900},
    },
    # Partitions ahead of time, old ones dropped.
    "keep-partitions": {
        "task": "devices.tasks.keep_partitions",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    # Closed hours into blocks. Beside long jobs, so that no sweep waits for it.
    "compact": {
        "task": "devices.tasks.compact",
        "schedule": 120.0,
        "options": {"queue": "reports", "expires": 120},
    },
    # What stands in blocks is looked at: frozen values, counters that went backwards, jumps.
    "judge-values": {
        "task": "devices.tasks.judge_values",
        "schedule": 120.0,
        "options": {"queue": "reports", "expires": 120},
    },
    "roll-days": {
        "task": "devices.tasks.roll_days",
        "schedule": 300.0,
        "options": {"queue": "reports", "expires": 300},
    },
    # Data completeness: the hours that samples came into are counted again.
    "count-samples": {
        "task": "devices.tasks.count_samples",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    # The load of all sites, once for everybody who looks.
    "take-loads": {
        "task": "reports.tasks.take_loads",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    # Not behind long jobs, as other tasks of the reports: somebody relies on them.
    "look-at-collection": {
        "task": "reports.tasks.look_at_collection",
        "schedule": 20.0,
        "options": {"queue": "default", "expires": 20},
    },
    "beat-heart": {
        "task": "reports.tasks.beat_heart",
        "schedule": 60.0,
        "options": {"queue": "default", "expires": 50},
    },
    "purge-documents": {
        "task": "sites.tasks.purge_documents",
        "schedule": 6 * 3600.0,
        "options": {"expires": 3600},
    },
    "forget-tallies": {
        "task": "devices.tasks.forget_tallies",
        "schedule": 6 * 3600.0,
        "options": {"expires": 3600},
    },
}
