"""Reading all devices of a gateway on trial, in the background."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from devices import selectors
from devices.services import commissioning
from sites.models import Job
from sites.services.jobs import Outcome, Progress, Work, register

COMMISSION = "commission"


def register_work() -> None:
    """Make the kind of job known."""
    part = "devices/_commission_verdict.html"
    register(Work(COMMISSION, gettext_lazy("逐台试读"), _read_all, part=part))


def _read_all(job: Job, progress: Progress) -> Outcome:
    """One after the other, as the line demands; who may no longer do so is refused."""
    gateway = selectors.gateway_to_commission(user=job.owner, pk=job.facts["gateway"])
    wanted = set(job.facts["devices"])
    devices = [one for one in selectors.devices_behind(gateway) if one.pk in wanted]
    answered = clean = 0
    for number, device in enumerate(devices):
        progress(number, len(devices), _("试读"))
        setting = commissioning.setting_of(device)
        if setting is None:
            continue
        trial = commissioning.try_read(
            device=device, setting=setting, by=job.owner, now=timezone.now()
        )
        answered += not trial.error
        clean += not trial.error and not trial.objections
    text = ngettext(
        "%(count)d 台中 %(answered)d 台应答，%(clean)d 台无异议。",
        "%(count)d 台中 %(answered)d 台应答，%(clean)d 台无异议。",
        len(devices),
    )
    facts = {"count": len(devices), "answered": answered, "clean": clean}
    return Outcome(text % facts, {"gateway": gateway.pk})
