/* Lists: selection by box, Shift range and keys, the bulk bar, keys on the current row.

   A list is an element with data-list that holds rows with data-row, each with a box data-select.
   A row's buttons with data-key are pressed by their letter; with rows selected the letter goes to
   the button of the bulk bar. What is selected outlives the refreshing of the list.

   On a phone rows are cards; a button data-pick starts the selection, then a touch selects. */
import { closeDrawer } from "./dialogs.js";
import { $, $$ } from "./dom.js";
import { register } from "./keys.js";

const state = {
  list: null,
  chosen: new Set(),
  current: null,
  anchor: null,
  isAll: false,
  isPicking: false,
};

// A desk shows the rows of the table, a phone its cards.
const rows = () => $$("[data-row]", state.list).filter((row) => row.getClientRects().length > 0);
const idOf = (row) => row?.dataset.row ?? null;
const rowOf = (id) => rows().find((row) => row.dataset.row === id);

/* ---------- selection ---------- */

function show() {
  const shown = rows();
  state.list.classList.toggle("is-picking", state.isPicking);
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
  found.hidden = !count && !state.isPicking;
  if (found.hidden && wasHidden) return;
  for (const button of $$("[data-bulk-url]", found)) button.disabled = !count;
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
  state.isPicking = false;
  show();
}

/* A touch on a card while one selects. */
function touched(event) {
  const card = state.isPicking && event.target.closest("[data-row]:not(tr)");
  if (!card || event.target.closest("[data-select]")) return false;
  event.preventDefault();
  choose(idOf(card), !card.classList.contains("sel"));
  show();
  return true;
}

function clicked(event) {
  if (touched(event)) return;
  if (event.target.closest("[data-pick]")) {
    state.isPicking = true;
    show();
    return;
  }
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
  const opener = event.target.closest("[data-bulk-url]");
  if (opener) {
    bulk(opener.dataset.bulkUrl);
    return;
  }
  const form = event.target.closest("a[data-act]");
  if (form && $("#act") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    act(form.getAttribute("href"));
    return;
  }
  const row = event.target.closest("[data-row]");
  if (row && !event.target.closest("a, button, input, label")) move(row);
}

/* The form of a bulk action comes from the server, which counts again. */
function bulk(url) {
  const target = new URL(url, location.href);
  if (state.isAll) {
    target.searchParams.set("all", "1");
    target.searchParams.set("query", $("[data-bulk]", state.list).dataset.query);
  } else {
    for (const id of state.chosen) target.searchParams.append("id", id);
  }
  target.searchParams.set("next", location.pathname + location.search);
  act(target.pathname + target.search);
}

/* A form of the server, shown in the page's dialog; what it did is told by a toast. */
async function act(address) {
  await window.htmx.ajax("GET", address, { target: "#act-body", swap: "innerHTML" });
}

/* A menu that is open stays open while the list behind it is drawn anew. */
function menus() {
  const nameOf = (button) => `${button.closest("[data-row]")?.dataset.row} ${button.textContent}`;
  const buttons = () => $$("[data-list] [data-bs-toggle=dropdown]");
  let name = null;
  document.body.addEventListener("htmx:beforeSwap", () => {
    const open = buttons().find((button) => button.classList.contains("show"));
    name = open ? nameOf(open) : null;
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    const button = buttons().find((one) => nameOf(one) === name);
    name = null;
    if (button && !button.classList.contains("show")) {
      window.bootstrap.Dropdown.getOrCreateInstance(button).show();
    }
  });
}

function acts() {
  const dialog = $("#act");
  if (!dialog) return;
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "act-body" || dialog.open) return;
    dialog.showModal();
    $("input:not([type=hidden]), textarea, button[type=submit]", dialog)?.focus();
  });
  // An act is over when its outcome comes: the list asks again and keeps its place.
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "act-outcome") return;
    dialog.close();
    clear();
    if (state.list) window.htmx.trigger(state.list, "refresh");
    const row = rowOf(state.current);
    row?.focus({ preventScroll: true });
  });
  dialog.addEventListener("close", () => {
    $("#act-body").replaceChildren();
    rowOf(state.current)?.focus({ preventScroll: true });
  });
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
  if ($("#drawer.show, #drawer.showing")) preview(row);
}

function step(by, isExtending = false) {
  const all = rows();
  if (!all.length) return false;
  const at = all.findIndex((row) => row.dataset.row === state.current);
  move(all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)], isExtending);
  return true;
}

const preview = (row) => $("[data-preview]", row)?.click();

/* The button of the bulk bar while rows are selected, else of the current row. */
function press(key) {
  const isMany = state.chosen.size > 0 || state.isAll;
  const where = isMany ? $("[data-bulk]", state.list) : rowOf(state.current);
  const button = where && $(`[data-key="${key}"]`, where);
  button?.click();
  return Boolean(button);
}

function toggle() {
  if (!state.current) return step(1);
  choose(state.current, !state.chosen.has(state.current));
  state.anchor = state.current;
  show();
  return true;
}

function escape() {
  if (!state.chosen.size && !state.isAll && !state.isPicking) return closeDrawer();
  clear();
  return true;
}

function onCurrent(run) {
  return () => {
    const row = rowOf(state.current);
    if (!row) return false;
    run(row);
    return true;
  };
}

/* The way back of the newest toast. */
function undo() {
  const button = $$("#toasts form button").pop();
  button?.click();
  return Boolean(button);
}

const WORDS = () => ({
  e: gettext("查核"),
  i: gettext("忽略"),
  w: gettext("建工单"),
  a: gettext("归档"),
});

function keys() {
  const group = gettext("列表");
  const on = (key, words, run) => register(key, words, run, { group });
  on("j", gettext("下一行"), () => step(1));
  on("k", gettext("上一行"), () => step(-1));
  on("shift+j", gettext("选到下一行"), () => step(1, true));
  on("shift+k", gettext("选到上一行"), () => step(-1, true));
  if ($("[data-select]", state.list)) on("x", gettext("选择这一行"), toggle);
  on("enter", gettext("打开"), onCurrent((row) => $("[data-open]", row)?.click()));
  if ($("[data-preview]", state.list)) on("space", gettext("预览"), onCurrent(preview));
  on("escape", gettext("取消选择，关闭抽屉"), escape);
  on("u", gettext("撤销刚才的操作"), undo);
  const known = new Set($$("[data-key]", state.list).map((button) => button.dataset.key));
  for (const key of known) on(key, WORDS()[key] ?? key, () => press(key));
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
  acts();
  menus();
  // The fresh list comes with empty boxes and settles a moment later: neither is to be seen.
  for (const name of ["htmx:afterSwap", "htmx:afterSettle"]) {
    document.body.addEventListener(name, () => {
      state.list = $("[data-list]");
      if (state.list) show();
    });
  }
  show();
}

start();
// After the keys of every page, so that Esc lets go of the selection first.
document.addEventListener("DOMContentLoaded", () => state.list && keys());
