/* The search of every page: a box over the page, a list under the words, arrows and Enter. */
import { $, $$, element } from "./dom.js";

const MOST_RECENT = 6;
const root = document.documentElement;
const store = `recent-${root.dataset.person}`;

/* Words only, in this window only: names of places are nobody else's business. */
function recent() {
  try {
    return JSON.parse(sessionStorage.getItem(store) ?? "[]");
  } catch {
    return [];
  }
}

function remember(words) {
  if (!words) return;
  const kept = [words, ...recent().filter((old) => old !== words)].slice(0, MOST_RECENT);
  sessionStorage.setItem(store, JSON.stringify(kept));
}

const options = () => $$("#search-hits a[role=option]");

function choose(option) {
  for (const old of $$("#search-hits [aria-selected=true]")) old.setAttribute("aria-selected", "false");
  const input = $("#search-words");
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = options();
  if (!all.length) return;
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  choose(all[(at + step + all.length) % all.length]);
}

function showRecent() {
  const place = $("[data-search-recent]");
  const words = recent();
  place.hidden = !words.length || Boolean($("#search-words").value);
  for (const old of $$("button", place)) old.remove();
  for (const text of words) {
    const again = element("button", "chip", text);
    again.type = "button";
    again.addEventListener("click", () => {
      $("#search-words").value = text;
      $("#search-words").focus();
      ask();
    });
    place.append(again);
  }
}

function ask() {
  showRecent();
  window.htmx.trigger("#search-words", "refresh");
}

export function open(words = "") {
  const dialog = $("#search-box");
  if (!dialog) return false;
  if (!dialog.open) dialog.showModal();
  const input = $("#search-words");
  input.value = words;
  input.focus();
  ask();
  return true;
}

function hear(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.isComposing) return;
  if (steps[event.key]) {
    event.preventDefault();
    move(steps[event.key]);
  } else if (event.key === "Enter") {
    const chosen = $("#search-hits a[aria-selected=true]");
    remember($("#search-words").value.trim());
    if (!chosen) return;
    event.preventDefault();
    chosen.click();
  }
}

export function start() {
  const dialog = $("#search-box");
  if (!dialog) return;
  const input = $("#search-words");
  input.addEventListener("keydown", hear);
  input.addEventListener("input", showRecent);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    else if (event.target.closest("a[role=option]")) remember(input.value.trim());
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "search-hits") choose(input.value ? options()[0] : null);
  });
  for (const opener of $$("[data-search-open]")) {
    opener.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open();
    });
  }
}
