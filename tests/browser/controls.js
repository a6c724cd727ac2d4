/* For test_controls.py: finds what can be used without changing data, uses it, reads what is shown.

   Harmless by what it is: it opens, toggles or asks with GET. A button that sends a form is not,
   unless its form asks first: then the question is opened and left. */
const HARMLESS = [
  "summary",
  "button[type=button]",
  "[data-dialog]",
  "[data-bs-toggle]",
  "[data-act]",
  "[data-ask-move]",
  "[data-preview]",
  "[data-curve]",
  "[data-search-open]",
  "a[hx-get]",
  "[data-explorer] a[href^='?']",
  "input[data-select]",
  "input[data-select-page]",
  "form[data-ask] [type=submit]",
].join();
const OPEN = "dialog[open], .offcanvas.show, .dropdown-menu.show";
const WORDS = ["aria-label", "title", "placeholder", "alt", "data-confirm", "data-ask",
  "data-ask-words", "data-ask-act", "data-ask-reason"];
const CHINESE = /[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]/;

const opened = () => [...document.querySelectorAll(OPEN)].at(-1);
const isSeen = (node) =>
  node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && node.getClientRects().length > 0;

/* Two controls that differ in the row that they belong to are one. */
function kindOf(node) {
  const address = node.getAttribute("hx-get") ?? node.getAttribute("href") ?? "";
  const names = address.replace(/=[^&]*/g, "").replace(/\d+/g, "N");
  const data = Object.keys(node.dataset).filter((name) => !/^(key|bs[A-Z]|try)/.test(name)).sort();
  const which = node.dataset.dialog ?? node.dataset.bsTarget ?? node.dataset.bulkUrl ?? "";
  const words = node.matches("button, form [type=submit]") && !data.length ? node.getAttribute("aria-label") ?? node.textContent.trim() : "";
  const place = node.closest("[id]:not(tr):not(li):not(details)")?.id.replace(/\d+/g, "N") ?? "";
  return [node.localName, place, data, which, names, words, node.className].join(" ").replace(/\s+/g, " ");
}

async function idle() {
  const isBusy = () => document.querySelector(
    ".htmx-request, .htmx-swapping, .htmx-settling, .collapsing, .showing, .hiding, [aria-busy=true]:not([type=submit])",
  );
  for (let turn = 0, calm = 0; turn < 500 && calm < 2; turn += 1) {
    await new Promise((done) => setTimeout(done, 8));
    calm = isBusy() ? 0 : calm + 1;
  }
}

/* Chinese that a reader sees or hears, also of what is only said by an attribute. */
function chinese() {
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const home = node.parentElement;
    if (CHINESE.test(node.data) && !home.closest("script, style, pre, code, [lang=zh-Hans]") && isSeen(home)) found.add(node.data);
  }
  for (const name of WORDS) {
    for (const node of document.querySelectorAll(`[${name}]`)) {
      const words = node.getAttribute(name);
      if (CHINESE.test(words) && (node.matches("form") || isSeen(node))) found.add(words);
    }
  }
  return [...found];
}

window.controls = {
  used: new Set(),
  chinese,
  /* Uses the next control of what is on top that was not used yet. Null when there is none. */
  async next(isWhole) {
    window.print = () => {};
    await idle();
    const top = opened();
    const from = top ?? (isWhole ? document.body : document.querySelector("main") ?? document.body);
    const wanted = [...from.querySelectorAll(HARMLESS)].find((node) =>
      !this.used.has(kindOf(node)) && !node.disabled && isSeen(node) &&
      !node.matches("[data-close], [data-bs-dismiss], [data-session-stay], [target=_blank], [download]"));
    if (!wanted) return null;
    const kind = kindOf(wanted);
    this.used.add(kind);
    // As a pointer does.
    wanted.focus();
    wanted.click();
    await idle();
    return { kind, isOpen: Boolean(opened()), chinese: chinese() };
  },
};
