/* Behaviour of every page: theme, dialogs, drawer, live news, keys. Pages work without it. */
import * as charts from "./charts.js";
import * as live from "./live.js";
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

/* ---------- news of alarms and orders ---------- */

function isBusy(list) {
  const focus = document.activeElement;
  return scrollY > 80 || document.hidden || (focus && list.contains(focus)) || $("dialog[open]");
}

/* New rows wait behind a bar, unless nobody is reading: top of the page, no focus in the list. */
function lists() {
  for (const list of $$("[data-news]")) {
    const waiting = new Set();
    let timer = 0;
    const refresh = () => {
      waiting.clear();
      window.htmx.trigger(list, "refresh");
    };
    const notice = () => {
      const bar = $(`[data-newbar-of="${list.id}"]`);
      if (!bar) return;
      bar.hidden = !waiting.size;
      const words = ngettext("有 %s 条新告警，点击显示", "有 %s 条新告警，点击显示", waiting.size);
      $("[data-newbar-text]", bar).textContent = interpolate(words, [waiting.size]);
    };
    document.body.addEventListener(list.dataset.news, (event) => {
      const { id, ev } = event.detail;
      const isNew = ev === "raised" || ev === "created";
      if (isNew) waiting.add(id);
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (!isBusy(list)) refresh();
        else if (isNew) notice();
      }, 300);
      if (isNew && isBusy(list)) notice();
    });
    document.body.addEventListener("live-restored", () => (isBusy(list) ? notice() : refresh()));
    document.addEventListener("click", (event) => {
      if (event.target.closest(`[data-newbar-of="${list.id}"]`)) refresh();
    });
  }
}

/* A page about one alarm or order asks again for its part when that row changes. */
function subjects() {
  for (const part of $$("[data-subject]")) {
    const ask = () => window.htmx.trigger(part, "refresh");
    document.body.addEventListener(part.dataset.news, (event) => {
      if (String(event.detail.id) === part.dataset.subject) ask();
    });
    document.body.addEventListener("live-restored", ask);
  }
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
lists();
subjects();
photos();
keys();
filters();
charts.start();
if ($("[data-live-state]")) live.start();
