/* Dialogs, questions before an act, the drawer, and forms that are sent only once. */
import { $, $$, element } from "./dom.js";

/* ---------- dialogs: a link to a form that is already in the page ---------- */

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog?.tagName !== "DIALOG") return false;
  if (!dialog.open) dialog.showModal();
  return true;
}

function openers() {
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
}

/* ---------- a question before an act, with a reason where one is asked for ---------- */

/* Resolves to null when the person leaves it, to the reason otherwise ("" where none is asked). */
export function ask({ title, words = "", act = gettext("确定"), reason = "", isRequired = true }) {
  const dialog = $("#ask");
  $("#ask-title").textContent = title;
  const text = $("[data-ask-words]", dialog);
  text.textContent = words;
  text.hidden = !words;
  const field = $("[data-ask-reason]", dialog);
  const input = $("textarea", field);
  field.hidden = !reason;
  $("label", field).textContent = reason;
  input.value = "";
  input.required = Boolean(reason) && isRequired;
  $("[data-ask-act]", dialog).textContent = act;
  return new Promise((resolve) => {
    const form = $("form", dialog);
    const answer = (event) => {
      event.preventDefault();
      event.stopPropagation();
      form.removeEventListener("submit", answer);
      resolve(input.value.trim());
      dialog.close();
    };
    form.addEventListener("submit", answer);
    const left = () => {
      form.removeEventListener("submit", answer);
      resolve(null);
    };
    dialog.addEventListener("close", left, { once: true });
    dialog.showModal();
    (reason ? input : $("[data-ask-act]", dialog)).focus();
  });
}

/* The words of the question stand on the form: data-ask (title), data-ask-words, data-ask-act and,
   for a reason, data-ask-reason (its label) with data-ask-name (the field that it is sent in). */
async function askFirst(form, submitter) {
  const { ask: title, askWords: words, askAct: act, askReason: reason, askName: name } = form.dataset;
  const answer = await ask({ title, words, act, reason, isRequired: !("askOptional" in form.dataset) });
  if (answer === null) return;
  if (reason) {
    let field = form.elements[name ?? "reason"];
    if (!field) {
      field = element("input");
      Object.assign(field, { type: "hidden", name: name ?? "reason" });
      form.append(field);
    }
    field.value = answer;
  }
  form.dataset.asked = "1";
  form.requestSubmit(submitter);
  delete form.dataset.asked;
}

function questions() {
  // Before htmx and before the rule that a form is sent once.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.dataset.ask || form.dataset.asked || !$("#ask")) return;
      event.preventDefault();
      event.stopPropagation();
      askFirst(form, event.submitter);
    },
    { capture: true },
  );
  document.body.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question || !$("#ask")) return;
    event.preventDefault();
    const answer = await ask({ title: event.detail.question });
    if (answer !== null) event.detail.issueRequest(true);
  });
}

/* A form is sent once, however often its button is pressed; what answers with a file leaves its page. */
function once() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || "file" in (event.submitter?.dataset ?? {})) return;
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

/* ---------- drawer: opened by what is loaded into it; the page beside it goes on ---------- */

export const closeDrawer = () => {
  const shown = $("#drawer.show, #drawer.showing");
  if (!shown) return false;
  const hide = () => window.bootstrap.Offcanvas.getInstance(shown)?.hide();
  // One that still slides in would end its way open.
  if (shown.classList.contains("showing")) {
    shown.addEventListener("shown.bs.offcanvas", hide, { once: true });
  } else hide();
  return true;
};

function drawer() {
  const shown = $("#drawer");
  if (!shown) return;
  let opener = null;
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target.id === "drawer-body" && !shown.contains(event.detail.elt)) {
      opener = event.detail.elt;
    }
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "drawer-body") return;
    const title = $("[data-drawer-title]", shown);
    $("#drawer-title").textContent = title?.dataset.drawerTitle ?? "";
    window.bootstrap.Offcanvas.getOrCreateInstance(shown).show();
  });
  shown.addEventListener("shown.bs.offcanvas", () => shown.removeAttribute("aria-modal"));
  shown.addEventListener("hidden.bs.offcanvas", () => {
    if (opener?.isConnected && !document.activeElement?.closest("main a, main button")) {
      opener.focus();
    }
    opener = null;
  });
}

export function start() {
  openers();
  questions();
  once();
  drawer();
}
