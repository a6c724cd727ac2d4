/* Behaviour of every page: theme, dialogs, drawer, live news, keys. Pages work without it. */
import * as charts from "./charts.js";
import * as live from "./live.js";
import * as map from "./map.js";
import { $, $$, element } from "./dom.js";

const root = document.documentElement;

/* ---------- theme ---------- */

function themes() {
  for (const form of $$("[data-theme-form]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
      root.dataset.bsTheme = theme;
      root.dataset.theme = theme;
      const body = new FormData(form);
      body.set("theme", theme);
      fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    if (root.dataset.theme === "auto") root.dataset.bsTheme = event.matches ? "dark" : "light";
  });
}

/* ---------- dialogs: a link to a form that is already in the page ---------- */

function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog?.tagName !== "DIALOG") return false;
  if (!dialog.open) dialog.showModal();
  return true;
}

function dialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener && openDialog(opener.dataset.dialog)) event.preventDefault();
    const closer = event.target.closest("[data-close]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog")?.close();
    }
  });
  const started = $("dialog[data-open]");
  if (started) openDialog(started.id);
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    for (const button of $$("button[type=submit]", form)) button.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of $$("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of $$("[aria-busy]", form)) button.removeAttribute("aria-busy");
    }
  });
}

/* ---------- drawer: opened by what is loaded into it ---------- */

function drawer() {
  const shown = $("#drawer");
  if (!shown) return;
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "drawer-body") return;
    const title = $("[data-drawer-title]", shown);
    $("#drawer-title").textContent = title?.dataset.drawerTitle ?? "";
    window.bootstrap.Offcanvas.getOrCreateInstance(shown).show();
  });
}

/* The chosen device of the tree, when its table comes without a new page. */
function tree() {
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-tree-item]");
    if (!chosen) return;
    for (const item of $$("[data-tree-item][aria-current]")) item.removeAttribute("aria-current");
    chosen.setAttribute("aria-current", "true");
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "device") return;
    event.target.parentElement.classList.add("has-device");
    if (innerWidth < 1200) $("#device").scrollIntoView();
  });
}

/* ---------- news of alarms and orders ---------- */

/* Parts with data-news ask again for themselves. A part about one row (data-subject) does so when
   that row changes; a list waits behind its bar for new rows while somebody reads it. */
const waiting = new Map();
const timers = new Map();

function isBusy(part) {
  const focus = document.activeElement;
  return scrollY > 80 || document.hidden || part.contains(focus) || Boolean($("dialog[open]"));
}

function refresh(part) {
  waiting.delete(part.id);
  window.htmx.trigger(part, "refresh");
}

function announce(part) {
  const bar = $(`[data-newbar-of="${part.id}"]`);
  const count = waiting.get(part.id)?.size ?? 0;
  if (!bar || !count) return;
  bar.hidden = false;
  const words = ngettext("有 %s 条新告警，点击显示", "有 %s 条新告警，点击显示", count);
  $("[data-newbar-text]", bar).textContent = interpolate(words, [count]);
}

function settle(id) {
  const part = document.getElementById(id);
  if (!part) return;
  if (isBusy(part)) announce(part);
  else refresh(part);
}

function hear(name, detail) {
  for (const part of $$(`[data-news~="${name}"]`)) {
    if (part.dataset.subject) {
      if (part.dataset.subject === String(detail.id)) refresh(part);
      continue;
    }
    if (detail.ev === "raised" || detail.ev === "created") {
      waiting.set(part.id, (waiting.get(part.id) ?? new Set()).add(detail.id));
    }
    clearTimeout(timers.get(part.id));
    timers.set(part.id, setTimeout(settle, 300, part.id));
  }
}

function news() {
  for (const name of ["alarm-news", "order-news"]) {
    document.body.addEventListener(name, (event) => hear(name, event.detail));
  }
  document.body.addEventListener("live-restored", () => {
    for (const part of $$("[data-news]")) if (part.dataset.subject || !isBusy(part)) refresh(part);
  });
  document.addEventListener("click", (event) => {
    const bar = event.target.closest("[data-newbar-of]");
    if (bar) refresh(document.getElementById(bar.dataset.newbarOf));
  });
  setInterval(() => {
    for (const part of $$("[data-every-minute]")) if (!isBusy(part)) refresh(part);
  }, 60000);
}

/* ---------- answers that are not what was asked for ---------- */

function say(words) {
  const place = $("#messages");
  if (!place) return;
  const note = element("div", "note note-error", words);
  note.setAttribute("role", "alert");
  place.replaceChildren(note);
}

function answers() {
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // The session has ended: the sign-in page belongs into the window, not into a part of it.
    if (new URL(event.detail.xhr.responseURL).pathname.startsWith("/accounts/login/")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  // What somebody is typing into a dialog stays; its form knows the state that it was opened on.
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.querySelector("dialog[open]")) event.detail.shouldSwap = false;
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    say(interpolate(gettext("没有加载出来（%s），请重试。"), [event.detail.xhr.status]));
  });
  document.body.addEventListener("htmx:sendError", () => {
    say(gettext("服务器没有应答，请检查网络后重试。"));
  });
}

/* ---------- photos: what was chosen is shown before it is sent ---------- */

function photos() {
  document.addEventListener("change", (event) => {
    const input = event.target.closest("input[type=file][data-preview]");
    if (!input) return;
    const place = document.getElementById(input.dataset.preview);
    place.replaceChildren();
    for (const file of input.files) {
      const reader = new FileReader();
      reader.addEventListener("load", () => {
        const image = element("img", "preview");
        image.src = reader.result;
        image.alt = file.name;
        place.append(image);
      });
      reader.readAsDataURL(file);
    }
  });
}

/* ---------- keys ---------- */

function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const field = $("[data-search]") ?? $("#search");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}

/* Selects of a filter act at once; without script the form has its button. */
function filters() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-auto] select")) event.target.form.requestSubmit();
  });
}

themes();
dialogs();
drawer();
tree();
news();
answers();
photos();
keys();
filters();
charts.start();
map.start();
if ($("[data-live-state]")) live.start();
