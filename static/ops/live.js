/* The socket of a page: values once a second, news of alarms and orders, counters, a heartbeat.

   An element with data-live="<device>:<code>" shows that point; its row or itself carries
   data-period (seconds). A value older than two periods is grey with its age, a bad one is a dash. */
import { $, $$, clock, duration, isStill, number } from "./dom.js";

const STALE_PERIODS = 2;
const GONE_PERIODS = 10;
const BANNER_AFTER_MS = 5000;
const SILENCE_MS = 25000;
const FLASHES_PER_S = 10;

const state = {
  socket: null,
  seq: null,
  attempt: 0,
  lostAt: 0,
  heardAt: Date.now(),
  offsetMs: 0,
  retry: 0,
  isRefused: false,
  flashes: 0,
  points: new Map(),
  watched: "",
};

const now = () => Date.now() + state.offsetMs;

/* ---------- what the page shows ---------- */

function collect() {
  state.points = new Map();
  for (const shown of $$("[data-live]")) {
    const list = state.points.get(shown.dataset.live) ?? [];
    list.push(shown);
    state.points.set(shown.dataset.live, list);
  }
}

function subscribe() {
  collect();
  const wanted = JSON.stringify({
    op: "sub",
    points: [...state.points.keys()],
    topics: ["alarms", "orders", "tasks"],
  });
  if (wanted === state.watched || state.socket?.readyState !== WebSocket.OPEN) return;
  state.watched = wanted;
  state.socket.send(wanted);
}

function flash(shown) {
  if (document.hidden || isStill() || state.flashes >= FLASHES_PER_S) return;
  state.flashes += 1;
  shown.classList.remove("flash");
  void shown.offsetWidth;
  shown.classList.add("flash");
}

function show(device, code, value, at, quality) {
  for (const shown of state.points.get(`${device}:${code}`) ?? []) {
    shown.dataset.at = at;
    const isGood = quality === 0 && value !== null;
    const words = shown.dataset.words ? JSON.parse(shown.dataset.words) : null;
    let text = isGood ? number(value, Number(shown.dataset.decimals ?? 1)) : "—";
    if (isGood && words) text = words[String(Math.round(value))] ?? text;
    shown.dataset.good = isGood ? "1" : "";
    if (shown.textContent !== text) {
      shown.textContent = text;
      if (isGood) flash(shown);
    }
    age(shown);
    const detail = { value: isGood ? value : null };
    shown.dispatchEvent(new CustomEvent("live-value", { bubbles: true, detail }));
  }
}

/* Old data looks old: grey with its age after two periods, a dash after ten. */
function age(shown) {
  const at = Number(shown.dataset.at || 0) * 1000;
  const period = Number(shown.closest("[data-period]")?.dataset.period || 60);
  const seconds = (now() - at) / 1000;
  const isLost = Boolean(state.lostAt) && Date.now() - state.lostAt > BANNER_AFTER_MS;
  const isStale = !at || seconds > STALE_PERIODS * period;
  shown.classList.toggle("is-stale", isStale || isLost);
  const isGone = !at || seconds > GONE_PERIODS * period;
  if (isGone && shown.dataset.good) {
    shown.textContent = "—";
    shown.dataset.good = "";
  }
  const labels = $$(`[data-age-of="${CSS.escape(shown.dataset.live)}"]`);
  if (!labels.length || !at) return;
  let words = clock(at);
  if (isGone || !shown.dataset.good) {
    words = interpolate(
      gettext("最后 %(clock)s · %(age)s"),
      { clock: words, age: duration(seconds) },
      true,
    );
  } else if (isStale) {
    words = `${words} · ${duration(seconds)}`;
  }
  for (const label of labels) {
    if (label.textContent !== words) label.textContent = words;
    label.classList.toggle("is-stale", isStale || isLost);
  }
}

function tick() {
  state.flashes = 0;
  for (const list of state.points.values()) list.forEach(age);
  if (state.socket?.readyState === WebSocket.OPEN) {
    for (const word of $$("[data-live-clock]")) word.textContent = clock(now());
    if (Date.now() - state.heardAt > SILENCE_MS) state.socket.close();
  }
  banner();
}

/* ---------- connection state ---------- */

function say(name, word) {
  for (const shown of $$("[data-live-state]")) {
    shown.dataset.liveState = name;
    $("[data-live-word]", shown).textContent = word;
  }
}

function banner() {
  const shown = $("#connection");
  if (!shown || !state.lostAt || Date.now() - state.lostAt < BANNER_AFTER_MS) return;
  const text = state.isRefused
    ? gettext("登录已失效，请重新登录后继续查看实时数据。")
    : interpolate(
        gettext(
          "实时连接已断开。页面显示的是 %(clock)s 的数据，数值已停止更新。正在第 %(attempt)s 次重连…",
        ),
        { clock: clock(state.lostAt + state.offsetMs), attempt: state.attempt },
        true,
      );
  const place = $("[data-connection-text]", shown);
  if (place.textContent !== text) place.textContent = text;
  shown.hidden = false;
  shown.classList.remove("is-back");
  say("down", gettext("已断开"));
}

function restored() {
  const shown = $("#connection");
  if (!shown || shown.hidden) return;
  $("[data-connection-text]", shown).textContent = gettext("已恢复");
  shown.classList.add("is-back");
  setTimeout(() => {
    if (!state.lostAt) shown.hidden = true;
  }, 3000);
}

/* ---------- messages ---------- */

/* The first counters tell what happened after the page was made and before it listened. */
function counters(message) {
  let isBehind = false;
  for (const [name, value] of Object.entries(message.n)) {
    for (const shown of $$(`[data-count="${name}"]`)) {
      isBehind ||= shown.textContent !== String(value);
      shown.textContent = value;
      shown.hidden = !value && !shown.hasAttribute("data-count-zero");
    }
  }
  if (isBehind && !state.isCounted) tell("live-restored", {});
  state.isCounted = true;
}

function tell(name, detail) {
  document.body.dispatchEvent(new CustomEvent(name, { detail }));
}

function handle(message) {
  handlers[message.t]?.(message);
}

const handlers = {
  v(message) {
    if (state.seq !== null && message.s !== state.seq + 1) {
      state.socket.send(JSON.stringify({ op: "snapshot" }));
    }
    state.seq = message.s;
    message.d.forEach((row) => show(...row));
  },
  snap(message) {
    state.seq = message.s;
    message.d.forEach((row) => show(...row));
  },
  hb(message) {
    state.offsetMs = message.ts * 1000 - Date.now();
  },
  count: counters,
  alarm: (message) => tell("alarm-news", message),
  order: (message) => tell("order-news", message),
  task: (message) => tell("task-news", message),
  news: (message) => message.d.forEach(handle),
  sub: () => undefined,
  refused: () => undefined,
};

function open() {
  clearTimeout(state.retry);
  if (state.socket && state.socket.readyState <= WebSocket.OPEN) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/live/`);
  state.socket = socket;
  socket.addEventListener("open", () => {
    const wasLost = state.attempt > 0;
    Object.assign(state, { seq: null, isCounted: false, attempt: 0, lostAt: 0, heardAt: Date.now(), watched: "" });
    say("up", gettext("实时"));
    subscribe();
    restored();
    // What happened in between is asked again from the server.
    if (wasLost) tell("live-restored", {});
  });
  socket.addEventListener("message", (event) => {
    state.heardAt = Date.now();
    handle(JSON.parse(event.data));
  });
  socket.addEventListener("close", (event) => {
    if (state.socket !== socket) return;
    state.isRefused = event.code === 4401;
    state.lostAt = state.lostAt || state.heardAt || Date.now();
    state.attempt += 1;
    const wait = Math.min(30, 2 ** (state.attempt - 1)) * (0.75 + Math.random() / 2);
    if (!state.isRefused) state.retry = setTimeout(open, wait * 1000);
  });
}

export function start() {
  collect();
  open();
  setInterval(tick, 1000);
  document.body.addEventListener("htmx:afterSettle", subscribe);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && state.lostAt) open();
  });
  $("[data-reconnect]")?.addEventListener("click", () => {
    if (state.isRefused) location.reload();
    else open();
  });
}
