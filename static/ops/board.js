/* The board of orders. A card is moved by its menu, by Shift and an arrow, or by drag: the server
   decides, says why not in a sentence, or asks for what the move needs. */
import { $, $$, element, icon } from "./dom.js";
import { toast } from "./toast.js";

const state = { dragged: null, isStale: false, timer: 0 };

const board = () => $("[data-board]");
const csrf = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];

function refresh() {
  if (state.dragged || $("dialog[open], .dropdown-menu.show")) {
    state.isStale = true;
    return;
  }
  state.isStale = false;
  window.htmx.trigger(board(), "refresh");
}

function refuse(words) {
  const note = element("div", "note note-error");
  note.append(icon("alert-circle"), element("span", "", words));
  $("#board-said").replaceChildren(note);
}

/* The form that a move needs, over the board. */
async function ask(address) {
  const here = new URL(address, location.href);
  here.searchParams.set("next", location.pathname + location.search);
  await window.htmx.ajax("GET", here.pathname + here.search, {
    target: "#board-ask-body",
    swap: "innerHTML",
  });
  const dialog = $("#board-ask");
  if ($("form", dialog) && !dialog.open) dialog.showModal();
}

async function drop(card, target) {
  if (!target || target === card.dataset.state || card.classList.contains("is-busy")) return;
  $("#board-said").replaceChildren();
  card.classList.add("is-busy");
  try {
    const answer = await fetch(card.dataset.drop.replace("STATE", target), {
      method: "POST",
      headers: { "X-CSRFToken": csrf(), Accept: "application/json" },
      body: new URLSearchParams({ seen: card.dataset.seen }),
    });
    const said = await answer.json();
    if (said.ask) await ask(said.ask);
    else if (said.refused) refuse(said.refused);
    else toast(gettext("已流转。"));
  } catch {
    refuse(gettext("服务器没有应答，请检查网络后重试。"));
  }
  card.classList.remove("is-busy");
  refresh();
}

function dragging() {
  document.addEventListener("dragstart", (event) => {
    const card = event.target.closest?.("[data-card]");
    if (!card) return;
    state.dragged = card;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.dataset.card);
    card.classList.add("is-dragged");
  });
  document.addEventListener("dragover", (event) => {
    const column = event.target.closest?.("[data-column]");
    for (const other of $$(".b-col.is-target")) {
      if (other !== column) other.classList.remove("is-target");
    }
    if (!state.dragged || !column) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    if (column.dataset.column !== state.dragged.dataset.state) column.classList.add("is-target");
  });
  document.addEventListener("drop", (event) => {
    const column = event.target.closest?.("[data-column]");
    const card = state.dragged;
    if (!card || !column) return;
    event.preventDefault();
    end();
    drop(card, column.dataset.column);
  });
  document.addEventListener("dragend", end);
}

function end() {
  state.dragged?.classList.remove("is-dragged");
  for (const column of $$(".b-col.is-target")) column.classList.remove("is-target");
  const wasDragged = state.dragged;
  state.dragged = null;
  if (wasDragged && state.isStale) refresh();
}

function menu() {
  document.addEventListener("click", (event) => {
    const item = event.target.closest("[data-ask-move]");
    if (!item || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    ask(item.dataset.askMove);
  });
  $("#board-ask").addEventListener("close", () => {
    $("#board-ask-body").replaceChildren();
    if (state.isStale) refresh();
  });
  document.addEventListener("hidden.bs.dropdown", () => state.isStale && refresh());
}

/* Arrows go from card to card; with Shift, left and right take the card along. */
function keys() {
  document.addEventListener("keydown", (event) => {
    const card = event.target.closest("[data-card]");
    if (!card || !event.target.matches(".b-title") || event.ctrlKey || event.altKey) return;
    const columns = $$("[data-column]");
    const at = columns.indexOf(card.closest("[data-column]"));
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.shiftKey && by) {
      event.preventDefault();
      drop(card, columns[at + by]?.dataset.column);
      return;
    }
    const titles = $$(".b-title", columns[at]);
    const place = titles.indexOf(event.target);
    const next = by
      ? $(".b-title", columns[at + by] ?? columns[at])
      : titles[place + ({ ArrowUp: -1, ArrowDown: 1 }[event.key] ?? NaN)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

function news() {
  const later = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(refresh, 300);
  };
  document.body.addEventListener("order-news", later);
  document.body.addEventListener("live-restored", later);
}

dragging();
menu();
keys();
news();
