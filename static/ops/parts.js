/* Parts that htmx loads: busy while they load, a skeleton after 200 ms, a box with a retry when it
   failed. The other parts of the page go on. */
import { $, $$, clock, element, icon } from "./dom.js";
import { toast } from "./toast.js";

const PATIENCE_MS = 200;
const timers = new WeakMap();

function skeleton() {
  const lines = element("div", "skel-lines");
  lines.dataset.skeleton = "";
  lines.setAttribute("aria-hidden", "true");
  for (const width of ["w60", "w80", "w40", "w80", "w60"]) {
    lines.append(element("span", `skel ${width}`));
  }
  return lines;
}

function busy(target) {
  target.setAttribute("aria-busy", "true");
  clearTimeout(timers.get(target));
  const late = () => {
    target.classList.add("is-loading");
    if (!target.children.length) target.append(skeleton());
  };
  timers.set(target, setTimeout(late, PATIENCE_MS));
}

function ready(target) {
  clearTimeout(timers.get(target));
  target.removeAttribute("aria-busy");
  target.classList.remove("is-loading");
  for (const lines of $$(":scope > [data-skeleton]", target)) lines.remove();
}

/* ---------- what went wrong, and the way to try again ---------- */

const WORDS = {
  0: () => gettext("服务器没有应答，请检查网络后重试。"),
  403: () => gettext("您没有权限查看这部分。如有需要，请联系管理员授权。"),
  404: () => gettext("这部分已不存在，或您无权查看。"),
  429: () => gettext("请求过于频繁，请稍等一会儿再试。"),
};

function reason(status) {
  const known = WORDS[status];
  if (known) return known();
  return interpolate(gettext("没有加载出来（%s），请重试。"), [status]);
}

function box(config, status) {
  const shown = element("div", "note note-error part-error");
  shown.setAttribute("role", "alert");
  const text = element("span", "grow", reason(status));
  text.append(" ", element("span", "faint num", clock(Date.now())));
  const retry = element("button", "btn btn-line btn-xs");
  retry.type = "button";
  retry.append(icon("refresh", "ic-sm"), gettext("重试"));
  retry.addEventListener("click", () => {
    shown.remove();
    const { verb, path, elt, target } = config;
    window.htmx.ajax(verb, path, elt.isConnected ? { source: elt, target } : { target });
  });
  shown.append(icon("alert-circle"), text, retry);
  return shown;
}

function failed(event) {
  const { requestConfig, target } = event.detail;
  const status = event.detail.xhr?.status ?? 0;
  if (requestConfig?.verb !== "get" || !target?.isConnected || target === document.body) {
    toast(reason(status), { kind: "error" });
    return;
  }
  for (const old of $$(":scope > .part-error", target)) old.remove();
  target.prepend(box(requestConfig, status));
  showDrawer(target);
}

/* Also a drawer that could not be filled opens, and says so. */
function showDrawer(target) {
  if (target.id !== "drawer-body") return;
  $("#drawer-title").textContent = gettext("没有加载出来");
  window.bootstrap.Offcanvas.getOrCreateInstance($("#drawer")).show();
}

export function start() {
  const { body } = document;
  body.addEventListener("htmx:beforeRequest", (event) => busy(event.detail.target));
  body.addEventListener("htmx:afterRequest", (event) => ready(event.detail.target));
  body.addEventListener("htmx:beforeSwap", (event) => {
    // The session has ended: the sign-in page belongs into the window, not into a part of it.
    if (new URL(event.detail.xhr.responseURL).pathname.startsWith("/accounts/login/")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  // What somebody is typing into a dialog stays; its form knows the state that it was opened on.
  body.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.querySelector("dialog[open]")) event.detail.shouldSwap = false;
  });
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    body.addEventListener(name, failed);
  }
}
