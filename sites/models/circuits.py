"""Transformers, and the tree of circuits below them."""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sites.models.access import SiteScopedQuerySet
from sites.models.changes import keeps_changes
from sites.models.places import Place, Room

# Bulk writers pass no clean(); the message is for their log, Circuit.clean() speaks to people.
_FITS = """
IF NEW.transformer_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM sites_transformer t WHERE t.id = NEW.transformer_id AND t.room_id = NEW.room_id
) THEN
    RAISE EXCEPTION 'circuit has a transformer of another room'
        USING ERRCODE = 'check_violation';
END IF;
IF NEW.parent_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM sites_circuit p
    JOIN sites_room pr ON pr.id = p.room_id
    JOIN sites_room r ON r.id = NEW.room_id AND r.site_id = pr.site_id
    WHERE p.id = NEW.parent_id
) THEN
    RAISE EXCEPTION 'circuit has a parent at another site'
        USING ERRCODE = 'check_violation';
END IF;
IF NEW.parent_id IS NOT NULL AND EXISTS (
    WITH RECURSIVE above (id, parent_id) AS (
        SELECT c.id, c.parent_id FROM sites_circuit c WHERE c.id = NEW.parent_id
        UNION
        SELECT c.id, c.parent_id FROM sites_circuit c JOIN above ON above.parent_id = c.id
    )
    SELECT 1 FROM above WHERE above.id = NEW.id
) THEN
    RAISE EXCEPTION 'circuit would be its own ancestor'
        USING ERRCODE = 'check_violation';
END IF;
IF EXISTS (
    SELECT 1 FROM sites_circuit c
    JOIN sites_room cr ON cr.id = c.room_id
    JOIN sites_room r ON r.id = NEW.room_id AND r.site_id <> cr.site_id
    WHERE c.parent_id = NEW.id
) THEN
    RAISE EXCEPTION 'circuit has children at another site'
        USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
"""


class RoomScopedQuerySet(SiteScopedQuerySet):
    site_path = "room__site__"


@keeps_changes()
class Transformer(Place):
    """A power transformer; `rated_kva` is the base of its loading."""

    class Kind(models.TextChoices):
        DRY = "dry", _("干式")
        OIL = "oil", _("油浸式")

    room = models.ForeignKey(
        Room, models.CASCADE, related_name="transformers", verbose_name=_("配电室")
    )
    rated_kva = models.PositiveIntegerField(_("额定容量 (kVA)"), validators=[MinValueValidator(1)])
    vector_group = models.CharField(_("联结组别"), max_length=12, default="Dyn11")
    kind = models.CharField(_("类型"), max_length=8, choices=Kind, default=Kind.DRY)

    objects = RoomScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("变压器")
        verbose_name_plural = pgettext_lazy("plural", "变压器")
        ordering = ["room_id", "name"]


@keeps_changes()
class Circuit(Place):
    """An LV circuit (回路); circuits form a tree from the incomer down.

    Invariants (database): the parent is of the same site and no descendant, the transformer of the
    same room.
    """

    class Kind(models.TextChoices):
        INCOMER = "incomer", _("进线")
        FEEDER = "feeder", _("出线")
        TIE = "tie", _("母联")
        CAPACITOR = "capacitor", _("电容补偿")

    search_of = ("code", "name", "name_en")

    room = models.ForeignKey(
        Room, models.CASCADE, related_name="circuits", verbose_name=_("配电室")
    )
    transformer = models.ForeignKey(
        Transformer,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="circuits",
        verbose_name=_("变压器"),
    )
    parent = models.ForeignKey(
        "self",
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("上级回路"),
    )
    code = models.CharField(_("编号"), max_length=20, blank=True)
    kind = models.CharField(_("类型"), max_length=12, choices=Kind, default=Kind.FEEDER)
    rated_current_a = models.FloatField(_("额定电流 (A)"), null=True, blank=True)
    nominal_voltage_v = models.PositiveIntegerField(
        _("额定电压 (V)"),
        null=True,
        blank=True,
        help_text=_("为空时取站点的额定电压。"),
    )

    objects = RoomScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("回路")
        verbose_name_plural = pgettext_lazy("plural", "回路")
        ordering = ["room_id", "code", "name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(parent=models.F("id")),
                name="circuit_not_its_own_parent",
                violation_error_message=_("回路不能是自己的上级。"),
            )
        ]
        triggers = [
            pgtrigger.Trigger(
                name="circuit_fits_its_place",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert
                | pgtrigger.UpdateOf("room_id", "transformer_id", "parent_id"),
                func=_FITS,
            )
        ]

    def clean(self) -> None:
        """What the trigger refuses, said beside the field. Raises ValidationError.

        The room may be one that is being made together with its circuits.
        """
        if getattr(self, "room", None) is None:
            return
        wrong: dict[str, Any] = {}
        if self.transformer and self.transformer.room_id != self.room_id:
            wrong["transformer"] = _("变压器必须在同一配电室。")
        if self.parent and self.parent.room.site_id != self.room.site_id:
            wrong["parent"] = _("上级回路必须属于同一站点。")
        elif self.pk and self.pk in self._ancestors():
            wrong["parent"] = _("上级回路不能是自己或自己的下级。")
        if self.pk and self._has_children_elsewhere():
            wrong["room"] = _("下级回路属于另一站点，不能移动。")
        if wrong:
            raise ValidationError(wrong)

    def _ancestors(self) -> set[int]:
        """Ids from the parent up; the site's circuits in one query, a stored cycle ends the walk."""
        parents = dict(
            Circuit.objects.filter(room__site_id=self.room.site_id).values_list("pk", "parent_id")
        )
        found: set[int] = set()
        at = self.parent_id
        while at is not None and at not in found:
            found.add(at)
            at = None if at == self.pk else parents.get(at)
        return found

    def _has_children_elsewhere(self) -> bool:
        return self.children.exclude(room__site_id=self.room.site_id).exists()
