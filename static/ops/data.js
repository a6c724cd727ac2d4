/* Live data and curves: the tree by keyboard and as one left it, limits of values that change, the
   drawer's second click, zoom and the picker of the curves page. */
import { $, $$, element, icon } from "./dom.js";
import { picture } from "./charts.js";

/* ---------- the tree ---------- */

const KEPT = "dianwu-tree";

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function remember(details) {
  const states = kept();
  states[details.dataset.node] = details.open;
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(states));
  } catch {
    // A full or forbidden store only forgets.
  }
}

function restore(from) {
  const states = kept();
  for (const details of $$("details[data-node]", from)) {
    if (states[details.dataset.node] === true) details.open = true;
    if (states[details.dataset.node] === false && !$("[aria-current]", details))
      details.open = false;
  }
}

const isSeen = (link) => link.getClientRects().length > 0;

/* Arrows as in any tree: up and down over what is visible, right opens, left closes or goes up. */
function walk(event) {
  const tree = event.target.closest("[data-tree]");
  const link = event.target.closest(".t-link");
  if (!tree || !link || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = $$(".t-link", tree).filter(isSeen);
  const place = links.indexOf(link);
  const details = $(":scope > details", link.parentElement);
  const goTo = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: links.length - 1 }[
    event.key
  ];
  if (goTo !== undefined) links[goTo]?.focus();
  else if (event.key === "ArrowRight" && details) {
    if (details.open) links[place + 1]?.focus();
    else details.open = true;
  } else if (event.key === "ArrowLeft") {
    if (details?.open) details.open = false;
    else $(".t-link", link.closest("ul")?.closest("li"))?.focus();
  } else return;
  event.preventDefault();
}

function trees() {
  restore(document);
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches?.("[data-tree] details[data-node]")) remember(event.target);
    },
    true,
  );
  document.addEventListener("keydown", walk);
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.closest("[data-tree]")) restore(event.target);
  });
}

/* ---------- limits of values that change ---------- */

const isPassed = (limit, value) =>
  limit.eq ? Math.round(value) === limit.v : limit.low ? value < limit.v : value > limit.v;

function judge(shown, value) {
  const cell = shown.closest(".lv");
  if (!cell || !shown.dataset.limits) return;
  const limit = value === null ? null : JSON.parse(shown.dataset.limits).find((one) => isPassed(one, value));
  const tone = limit?.tone ?? "";
  if ((cell.dataset.tone ?? "") === tone && cell.dataset.judged) return;
  cell.dataset.judged = "1";
  cell.dataset.tone = tone;
  cell.className = `lv${limit ? ` is-over lv-${tone}` : ""}${cell.classList.contains("has-stale") ? " has-stale" : ""}`;
  const words = $(".lv-over", cell);
  if (limit) words.replaceChildren(icon(`sev-${tone}`), limit.word);
  else words.replaceChildren();
}

function tell() {
  for (const part of $$("#device[data-show]")) {
    const shown = part.dataset.show;
    const rows = $$("[data-row]", part);
    const stays = (row) =>
      !shown ||
      (shown === "abnormal"
        ? row.classList.contains("is-abnormal") || $(".is-over", row)
        : $(".live-value.is-stale", row));
    let left = 0;
    for (const row of rows) {
      const isShown = Boolean(stays(row));
      row.hidden = !isShown;
      left += isShown ? 1 : 0;
    }
    for (const section of $$(".lt-sec", part))
      section.hidden = Boolean(shown) && !$("[data-row]:not([hidden])", section);
    const nothing = $("[data-nothing]", part);
    if (nothing) nothing.hidden = !shown || left > 0;
    for (const count of $$("[data-abnormal]", part))
      count.textContent = String($$(".is-over", part).length);
  }
}

function values() {
  document.addEventListener("live-value", (event) => judge(event.target, event.detail.value));
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "device") tell();
  });
  setInterval(tell, 2000);
  tell();
}

/* ---------- the drawer: a second click opens the whole page ---------- */

function curves() {
  document.addEventListener(
    "click",
    (event) => {
      const opener = event.target.closest("[data-curve]");
      if (!opener) return;
      // While it slides in, it is open for whoever clicks fast.
      const open = $("#drawer:is(.show, .showing) [data-curve-of]");
      if (open?.dataset.curveOf !== opener.dataset.curve) return;
      event.preventDefault();
      event.stopPropagation();
      location.href = $("[data-curve-page]", open)?.href ?? opener.href;
    },
    true,
  );
}

/* ---------- the explorer: period, points, picture ---------- */

/* The part asks for itself again; on its own page the address follows. */
function ask(part, search) {
  const params = new URLSearchParams(search);
  const shown = params.toString();
  const width = Math.round($("figure", part)?.clientWidth ?? part.clientWidth);
  if (width >= 200) params.set("width", String(Math.min(width, 4000)));
  window.htmx.ajax("GET", `${part.dataset.explorer}?${params}`, {
    target: part.dataset.into,
    swap: part.dataset.swap,
  });
  if (part.dataset.page) history.replaceState(history.state, "", `?${shown}`);
}

const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(/\.\d+Z/, "Z");

function explorers() {
  document.addEventListener("chart-zoom", (event) => {
    const part = event.target.closest("[data-explorer]");
    if (!part || event.detail.to - event.detail.from < 30) return;
    const params = new URLSearchParams(part.dataset.query);
    params.delete("range");
    params.set("from", iso(event.detail.from));
    params.set("to", iso(event.detail.to));
    ask(part, params);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ask]");
    const part = link?.closest("[data-explorer]");
    if (!part || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask(part, new URL(link.href).search);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-ask]");
    if (form && event.target.matches("select, input[type=date]")) form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-ask]");
    if (!form) return;
    event.preventDefault();
    const params = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...params]) if (value === "") params.delete(name);
    const day = params.get("compare-day");
    params.delete("compare-day");
    if (day) params.set("compare", day);
    ask(form.closest("[data-explorer]"), params);
  });
}

function picker() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    const part = $("[data-explorer][data-page]");
    if (!button || !part) return;
    event.preventDefault();
    const params = new URLSearchParams(part.dataset.query);
    const points = params.getAll("point");
    if (points.includes(button.dataset.pick)) {
      params.delete("point");
      for (const point of points) if (point !== button.dataset.pick) params.append("point", point);
    } else params.append("point", button.dataset.pick);
    ask(part, params);
  });
  const mark = () => {
    const part = $("[data-explorer][data-page]");
    if (!part) return;
    const points = new URLSearchParams(part.dataset.query).getAll("point");
    for (const button of $$("[data-pick]"))
      button.setAttribute("aria-pressed", String(points.includes(button.dataset.pick)));
  };
  mark();
  document.body.addEventListener("htmx:afterSettle", mark);
}

function pictures() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-picture-of]");
    if (!button) return;
    const url = picture(document.getElementById(button.dataset.pictureOf));
    if (!url) return;
    const link = element("a");
    link.href = url;
    link.download = button.dataset.name;
    link.click();
  });
}

trees();
values();
curves();
explorers();
picker();
pictures();
