/* Keyboard shortcuts: pages register keys with words; off while somebody types, in dialogs, with
   Ctrl, Alt or Meta, and for everybody who switched them off in the profile (WCAG 2.1.4).

     register("j", gettext("下一条"), (event) => …, { group: gettext("列表") });

   A key is what KeyboardEvent.key says, in small letters: "j", "enter", "?"; "shift+j" with Shift;
   "g h" one after the other. The answer is a function that takes the key away again. A run that
   returns false lets the browser have the key. Links with data-go="h" are reached by G and H. */
import { $, $$, element } from "./dom.js";

const SEQUENCE_MS = 1200;
const root = document.documentElement;
const known = new Map();
let first = "";
let timer = 0;

export const isOn = () => root.dataset.shortcuts !== "off";

export function register(key, words, run, { group = gettext("本页") } = {}) {
  const entry = { key, words, run, group };
  known.set(key, entry);
  return () => {
    if (known.get(key) === entry) known.delete(key);
  };
}

const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select";

function isElsewhere(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest(TYPING) || target.isContentEditable) return true;
  return Boolean($("dialog[open], .dropdown-menu.show"));
}

/* Enter and Space belong to what has the focus, when that can be pressed. */
function isPressed(event) {
  return (
    /^(Enter| )$/.test(event.key) && event.target.closest("a, button, summary, input, [role=button]")
  );
}

function nameOf(event) {
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  const isLetter = /^[a-z]$|^.{2,}$/.test(key);
  return event.shiftKey && isLetter ? `shift+${key}` : key;
}

function find(name) {
  const pair = first ? `${first} ${name}` : "";
  clearTimeout(timer);
  first = "";
  if (pair && known.has(pair)) return known.get(pair);
  const begins = [...known.keys()].some((key) => key.startsWith(`${name} `));
  if (begins) {
    first = name;
    timer = setTimeout(() => (first = ""), SEQUENCE_MS);
    return null;
  }
  return known.get(name) ?? null;
}

function hear(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.isComposing || event.key === "Shift") return;
  if (isElsewhere(event.target) || isPressed(event)) return;
  const name = nameOf(event);
  if (!isOn() && name !== "escape") return;
  const entry = find(name);
  if (entry && entry.run(event) !== false) event.preventDefault();
}

/* ---------- the list of keys ---------- */

function caps(key) {
  const shown = element("span", "keycaps");
  for (const part of key.split(/[ +]/)) {
    const name = { enter: "Enter", escape: "Esc", space: "Space", shift: "Shift" }[part];
    shown.append(element("kbd", "", name ?? part.toUpperCase()));
  }
  return shown;
}

function rows() {
  const groups = new Map();
  for (const entry of known.values()) {
    groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  }
  return [...groups].map(([group, entries]) => {
    const part = element("section", "key-group");
    const list = element("dl", "key-list");
    for (const entry of entries) {
      const term = element("dt");
      term.append(caps(entry.key));
      list.append(term, element("dd", "", entry.words));
    }
    part.append(element("h3", "", group), list);
    return part;
  });
}

export function help() {
  const dialog = $("#keys-help");
  if (!dialog || dialog.open) return;
  $("[data-keys]", dialog).replaceChildren(...rows());
  $("[data-keys-off]", dialog).hidden = isOn();
  dialog.showModal();
}

function goTo() {
  const group = gettext("前往");
  for (const link of $$(".side [data-go]")) {
    const words = $("span", link)?.textContent ?? link.title;
    register(`g ${link.dataset.go}`, words, () => link.click(), { group });
  }
}

export function start() {
  document.addEventListener("keydown", hear);
  goTo();
  const everywhere = { group: gettext("各页") };
  register("?", gettext("显示快捷键"), help, everywhere);
  for (const opener of $$("[data-keys-help]")) {
    opener.hidden = false;
    opener.addEventListener("click", help);
  }
}
