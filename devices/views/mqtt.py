"""The broker of a data source: its state, its mappings, and a mapping tried out before it is saved."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import NotFound
from devices import selectors
from devices.forms.mqtt import BrokerForm, MappingForm
from devices.models import DataSource, MqttBroker, MqttMapping
from devices.models.mqtt import broker_of
from devices.services import brokers
from sites.models import User


@login_required
@require_safe
def source_mqtt(request: HttpRequest, pk: int) -> HttpResponse:
    """How the bridge to the source's broker does, and what its messages name."""
    source = selectors.source_for(user=cast(User, request.user), pk=pk)
    page = selectors.broker_page(source=source)
    if page is None:
        return redirect("devices:source-mqtt-edit", pk=pk)
    context = {"source": source, "page": page, "zone": source.site.timezone}
    return render(request, "devices/source_mqtt.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def source_mqtt_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """How the broker is reached."""
    source = selectors.source_for(user=cast(User, request.user), pk=pk)
    broker = broker_of(source)
    form = BrokerForm(request.POST or None, instance=broker or MqttBroker(source=source))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                saved = form.save(commit=False)
                brokers.save_broker(broker=saved, password=form.password_given)
        except IntegrityError:
            # Somebody else was quicker: the page shows what there is.
            return redirect("devices:source-mqtt", pk=pk)
        messages.success(request, _("已保存。"))
        return redirect("devices:source-mqtt", pk=pk)
    context = {"form": form, "source": source, "is_new": broker is None}
    status = 400 if form.errors else 200
    return render(request, "devices/source_mqtt_form.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def source_mapping_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Another kind of topic."""
    source = selectors.source_for(user=cast(User, request.user), pk=pk)
    broker = broker_of(source)
    if broker is None:
        raise NotFound
    return _mapping(request, source, MqttMapping(broker=broker))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def source_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """One mapping."""
    mapping = selectors.mapping_for(user=cast(User, request.user), pk=pk)
    return _mapping(request, mapping.broker.source, mapping)


@login_required
@require_POST
def source_mapping_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Read its topics no more."""
    mapping = selectors.mapping_for(user=cast(User, request.user), pk=pk)
    source_id = mapping.broker.source_id
    brokers.remove_mapping(mapping=mapping)
    messages.success(request, _("映射已删除。"))
    return redirect("devices:source-mqtt", pk=source_id)


def _mapping(request: HttpRequest, source: DataSource, mapping: MqttMapping) -> HttpResponse:
    """Its form; `action=try` shows what it makes of the sample message and saves nothing."""
    is_new = mapping.pk is None
    form = MappingForm(request.POST or None, instance=mapping)
    trial: dict[str, Any] | None = None
    if request.method == "POST" and form.is_valid():
        if request.POST.get("action") != "try":
            form.save()
            messages.success(request, _("已保存，几秒内生效。"))
            return redirect("devices:source-mqtt", pk=source.pk)
        tried = brokers.try_out(mapping=mapping, now=timezone.now())
        faults = [(selectors.fault_words(fault.code), fault.about) for fault in tried.faults]
        trial = {"fits": tried.fits, "readings": tried.readings, "faults": faults}
    context = {
        "form": form,
        "source": source,
        "mapping": mapping,
        "is_new": is_new,
        "trial": trial,
        "zone": source.site.timezone,
    }
    status = 400 if form.errors else 200
    return render(request, "devices/source_mapping.html", context, status=status)
