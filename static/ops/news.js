/* News of alarms and orders: parts with data-news ask again for themselves. */
import { $, $$ } from "./dom.js";

/* Parts with data-news ask again for themselves. A part about one row (data-subject) does so when
   that row changes; a list waits behind its bar for new rows while somebody reads it. */
const waiting = new Map();
const timers = new Map();

function isBusy(part) {
  const focus = document.activeElement;
  const isChoosing = Boolean($("dialog[open], main .dropdown-menu.show"));
  return scrollY > 80 || document.hidden || part.contains(focus) || isChoosing;
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

export function start() {
  for (const name of ["alarm-news", "order-news", "task-news"]) {
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
