/* A short word about what was done: four seconds, ten with a way back; it waits while it is looked
   at. Django's messages of success become toasts, and so does an answer's HX-Trigger "toast".

     toast(gettext("已归档。"), { undo: { url: "/alarms/3/undo/", label: gettext("撤销") } });

   undo.fields are sent along; undo.refresh is the id of the part that asks again afterwards. Without
   it the whole page is sent and comes back. kind: success, info, warning, error. */
import { $, $$, element, icon } from "./dom.js";

const STAYS_MS = 4000;
const STAYS_WITH_UNDO_MS = 10000;
const MOST = 4;
const ICONS = {
  success: "circle-check",
  info: "info-circle",
  warning: "sev-major",
  error: "alert-circle",
};

function csrf() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}

function hidden(name, value) {
  const field = element("input");
  Object.assign(field, { type: "hidden", name, value });
  return field;
}

function undoForm({ url, label = gettext("撤销"), fields = {}, refresh = "" }, done) {
  const form = element("form");
  Object.assign(form, { method: "post", action: url });
  const next = location.pathname + location.search;
  const sent = { csrfmiddlewaretoken: csrf(), next, ...fields };
  form.append(...Object.entries(sent).map(([name, value]) => hidden(name, value)));
  const button = element("button", "btn btn-ghost btn-xs");
  button.type = "submit";
  button.append(icon("arrow-back-up", "ic-sm"), label);
  form.append(button);
  if (refresh) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(form));
      window.htmx.ajax("POST", url, { values, swap: "none" }).then(() => {
        window.htmx.trigger(`#${CSS.escape(refresh)}`, "refresh");
        done();
      });
    });
  }
  return form;
}

/* Time that stops while a pointer or the focus is on it. */
function lifetime(shown, stays, done) {
  let timer = 0;
  const run = () => (timer = setTimeout(done, stays));
  const hold = () => clearTimeout(timer);
  shown.addEventListener("pointerenter", hold);
  shown.addEventListener("focusin", hold);
  shown.addEventListener("pointerleave", run);
  shown.addEventListener("focusout", run);
  run();
}

export function toast(words, { undo = null, kind = "success" } = {}) {
  const place = $("#toasts");
  if (!place) return;
  const shown = element("div", `toast-note toast-${kind}`);
  shown.append(icon(ICONS[kind] ?? ICONS.info), element("span", "grow", words));
  const done = () => shown.remove();
  if (undo?.form) shown.append(undo.form);
  else if (undo?.url) shown.append(undoForm(undo, done));
  const close = element("button", "btn btn-ghost btn-xs btn-icon");
  Object.assign(close, { type: "button", ariaLabel: gettext("关闭") });
  close.append(icon("x", "ic-sm"));
  close.addEventListener("click", done);
  shown.append(close);
  place.append(shown);
  while (place.children.length > MOST) place.firstElementChild.remove();
  if (kind !== "error") lifetime(shown, undo ? STAYS_WITH_UNDO_MS : STAYS_MS, done);
}

/* What the server said with this page; errors and warnings stay where they are. */
function fromMessages() {
  for (const note of $$("#messages .note-success, #messages .note-info")) {
    const form = $("form", note);
    const kind = note.classList.contains("note-info") ? "info" : "success";
    toast($("span", note).textContent, { undo: form ? { form } : null, kind });
    note.remove();
  }
}

export function start() {
  document.body.addEventListener("toast", (event) => {
    const { words, kind, undo } = event.detail;
    toast(words, { kind, undo });
  });
  if ($("#toasts")) fromMessages();
}
