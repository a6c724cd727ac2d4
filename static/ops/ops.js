/* Behaviour of every page: each module its own matter. Pages work without it. */
import * as bell from "./bell.js";
import * as charts from "./charts.js";
import * as dialogs from "./dialogs.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as map from "./map.js";
import * as news from "./news.js";
import * as parts from "./parts.js";
import * as search from "./search.js";
import * as session from "./session.js";
import * as toast from "./toast.js";
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

/* ---------- photos: what was chosen is shown before it is sent ---------- */

function preview(input) {
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
}

function photos() {
  document.addEventListener("change", (event) => {
    const input = event.target.closest("input[type=file][data-preview]");
    if (input) preview(input);
  });
  // Somebody may have been quicker than this script, or come back to a half-filled form.
  $$("input[type=file][data-preview]").filter((input) => input.files.length).forEach(preview);
}

/* Selects of a filter act at once; without script the form has its button. */
function filters() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-auto] select")) event.target.form.requestSubmit();
  });
}

/* ---------- keys of every page ---------- */

function shortcuts() {
  const group = gettext("各页");
  keys.register("/", gettext("搜索"), () => search.open(), { group });
  keys.register("escape", gettext("关闭抽屉"), dialogs.closeDrawer, { group });
}

themes();
tree();
photos();
filters();
toast.start();
dialogs.start();
parts.start();
news.start();
shortcuts();
keys.start();
search.start();
bell.start();
session.start();
charts.start();
map.start();
if ($("[data-live-state]")) live.start();
