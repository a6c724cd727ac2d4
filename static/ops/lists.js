/* Lists: selection by box, Shift range and keys, the bulk bar, keys on the current row.

   A list is an element with data-list that holds rows with data-row, each with a box data-select.
   A row's buttons with data-key are pressed by their letter; with rows selected the letter goes to
   the button of the bulk bar. What is selected outlives the refreshing of the list. */
import { $, $$ } from "./dom.js";

const state = { list: null, chosen: new Set(), current: null, anchor: null, isAll: false };

const rows = () => $$("[data-row]", state.list).filter((row) => row.tagName === "TR");
const idOf = (row) => row?.dataset.row ?? null;
const rowOf = (id) => rows().find((row) => row.dataset.row === id);

/* ---------- selection ---------- */

function show() {
  const shown = rows();
  for (const row of shown) {
    const isChosen = state.isAll || state.chosen.has(row.dataset.row);
    row.classList.toggle("sel", isChosen);
    const box = $("[data-select]", row);
    if (box) box.checked = isChosen;
    row.classList.toggle("cur", row.dataset.row === state.current);
  }
  const page = $("[data-select-page]", state.list);
  const count = shown.filter((row) => row.classList.contains("sel")).length;
  if (page) {
    page.checked = count > 0 && count === shown.length;
    page.indeterminate = count > 0 && count < shown.length;
  }
  bar();
}

function bar() {
  const found = $("[data-bulk]", state.list);
  if (!found) return;
  const total = Number(found.dataset.total);
  const count = state.isAll ? total : state.chosen.size;
  const wasHidden = found.hidden;
  found.hidden = !count;
  if (!count && wasHidden) return;
  const words = ngettext("已选 %s 条", "已选 %s 条", count);
  $("[data-bulk-count]", found).textContent = interpolate(words, [count]);
  const all = $("[data-bulk-all]", found);
  if (all) all.hidden = state.isAll || count >= total;
}

function choose(id, isChosen) {
  if (state.isAll) {
    state.isAll = false;
    state.chosen = new Set(rows().map(idOf));
  }
  if (isChosen) state.chosen.add(id);
  else state.chosen.delete(id);
}

function range(to, isChosen) {
  const ids = rows().map(idOf);
  const from = ids.indexOf(state.anchor ?? to);
  const [first, last] = [from < 0 ? ids.indexOf(to) : from, ids.indexOf(to)].sort((a, b) => a - b);
  for (const id of ids.slice(first, last + 1)) choose(id, isChosen);
}

function clear() {
  state.chosen.clear();
  state.isAll = false;
  show();
}

function clicked(event) {
  const box = event.target.closest("[data-select]");
  if (box) {
    const id = idOf(box.closest("[data-row]"));
    if (event.shiftKey) range(id, box.checked);
    else choose(id, box.checked);
    state.anchor = id;
    state.current = id;
    show();
    return;
  }
  const page = event.target.closest("[data-select-page]");
  if (page) {
    for (const row of rows()) choose(idOf(row), page.checked);
    show();
    return;
  }
  if (event.target.closest("[data-bulk-all]")) {
    state.isAll = true;
    show();
    return;
  }
  if (event.target.closest("[data-bulk-clear]")) {
    clear();
    return;
  }
  const act = event.target.closest("[data-bulk-url]");
  if (act) {
    event.preventDefault();
    bulk(act.dataset.bulkUrl);
    return;
  }
  const row = event.target.closest("[data-row]");
  if (row && !event.target.closest("a, button, input, label")) move(row);
}

/* The dialog of a bulk action comes from the server, which counts again. */
function bulk(url) {
  const query = new URLSearchParams();
  if (state.isAll) query.set("query", $("[data-bulk]", state.list).dataset.query);
  else for (const id of state.chosen) query.append("id", id);
  if (state.isAll) query.set("all", "1");
  const target = new URL(url, location.href);
  for (const [name, value] of query) target.searchParams.append(name, value);
  act(target.pathname + target.search);
}

/* A form of the server in a dialog of the page. */
export async function act(address) {
  const dialog = $("#act");
  await window.htmx.ajax("GET", address, { target: "#act-body", swap: "innerHTML" });
  if ($("#act-body form") && !dialog.open) dialog.showModal();
}

/* ---------- keys ---------- */

function move(row, isExtending = false) {
  if (!row) return;
  const before = state.current;
  state.current = idOf(row);
  if (isExtending) {
    if (before) choose(before, true);
    choose(state.current, true);
  }
  for (const other of rows()) other.tabIndex = other === row ? 0 : -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  show();
  if ($("#drawer.show")) preview(row);
}

function step(by, isExtending) {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.row === state.current);
  move(all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)], isExtending);
}

const preview = (row) => $("[data-preview]", row)?.click();

function press(key) {
  const where = state.chosen.size || state.isAll ? $("[data-bulk]", state.list) : rowOf(state.current);
  const button = where && $(`[data-key="${key}"]`, where);
  button?.click();
  return Boolean(button);
}

const KEYS = {
  j: (event) => step(1, event.shiftKey),
  k: (event) => step(-1, event.shiftKey),
  arrowdown: (event) => onRow(event) && step(1, event.shiftKey),
  arrowup: (event) => onRow(event) && step(-1, event.shiftKey),
  x: () => {
    if (!state.current) step(1, false);
    choose(state.current, !state.chosen.has(state.current));
    state.anchor = state.current;
    show();
  },
  enter: (event) => onRow(event) && $("[data-open]", rowOf(state.current))?.click(),
  " ": (event) => onRow(event) && preview(rowOf(state.current)),
  escape: () => {
    if (!state.chosen.size && !state.isAll) return false;
    clear();
    return true;
  },
};

/* Enter and Space keep their meaning on links, buttons and boxes. */
function onRow(event) {
  if (event.target.matches("a, button, input, label, summary")) return false;
  return rowOf(state.current) !== undefined;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.documentElement.dataset.keys === "off" || $("dialog[open]")) return;
  const field = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (field) return;
  const key = event.key.toLowerCase();
  const made = KEYS[key];
  const isDone = made ? made(event) !== false : key.length === 1 && press(key);
  if (isDone) event.preventDefault();
}

/* ---------- columns ---------- */

function columns() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move-up], [data-move-down]");
    if (!button) return;
    const item = button.closest("li");
    if (button.matches("[data-move-up]")) item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    button.focus();
  });
}

function start() {
  state.list = $("[data-list]");
  columns();
  if (!state.list) return;
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressed);
  document.body.addEventListener("htmx:afterSettle", () => {
    state.list = $("[data-list]");
    if (state.list) show();
  });
  show();
}

start();
