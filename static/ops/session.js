/* Says in time that the session ends, and prolongs it when the person wants to stay. */
import { $ } from "./dom.js";
import { toast } from "./toast.js";

const WARN_S = 300;
const FIRST_LOOK_MS = 60000;
const LONGEST_MS = 2 ** 31 - 1;

let ends = 0;
let timer = 0;

const left = () => Math.round((ends - Date.now()) / 1000);

async function request(method) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  const answer = await fetch(document.documentElement.dataset.session, {
    method,
    headers,
    redirect: "manual",
  });
  if (!answer.ok) return 0;
  return (await answer.json()).seconds_left;
}

function words() {
  const minutes = Math.max(1, Math.ceil(left() / 60));
  const text = ngettext(
    "登录将在 %s 分钟后失效，未保存的内容会丢失。",
    "登录将在 %s 分钟后失效，未保存的内容会丢失。",
    minutes,
  );
  return interpolate(text, [minutes]);
}

function show() {
  const dialog = $("#session");
  const isOver = left() <= 0;
  $("[data-session-words]", dialog).textContent = isOver
    ? gettext("登录已失效，请重新登录。未保存的内容可以先复制下来。")
    : words();
  $("[data-session-stay]", dialog).hidden = isOver;
  $("[data-session-again]", dialog).hidden = !isOver;
  if (!dialog.open) dialog.showModal();
  if (!isOver) timer = setTimeout(show, Math.min(30000, left() * 1000 + 500));
}

function plan(seconds) {
  ends = Date.now() + seconds * 1000;
  clearTimeout(timer);
  timer = setTimeout(look, Math.max(0, Math.min((seconds - WARN_S) * 1000, LONGEST_MS)));
}

/* Another window may have prolonged it: the server is asked before anybody is disturbed. */
export async function look() {
  try {
    const seconds = await request("GET");
    plan(seconds);
    if (seconds <= WARN_S) {
      clearTimeout(timer);
      show();
    }
  } catch {
    timer = setTimeout(look, FIRST_LOOK_MS);
  }
}

async function stay() {
  const seconds = await request("POST");
  if (!seconds) {
    ends = Date.now();
    show();
    return;
  }
  plan(seconds);
  $("#session").close();
  toast(gettext("登录已延长。"));
}

export function start() {
  const dialog = $("#session");
  if (!dialog) return;
  $("[data-session-stay]", dialog).addEventListener("click", stay);
  timer = setTimeout(look, FIRST_LOOK_MS);
  addEventListener("session-look", look);
}
