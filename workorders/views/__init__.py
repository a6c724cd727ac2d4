"""Order pages: the list, a new one, one order, its moves and photos."""

from workorders.views.creating import order_create
from workorders.views.details import order_detail
from workorders.views.lists import order_list
from workorders.views.moves import order_move, order_note
from workorders.views.photos import photo_add, photo_image, photo_thumbnail

__all__ = [
    "order_create",
    "order_detail",
    "order_list",
    "order_move",
    "order_note",
    "photo_add",
    "photo_image",
    "photo_thumbnail",
]
