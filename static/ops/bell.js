/* Under the bell: what waits. Sound and a notice of the desktop come for critical alarms alone, and
   only to those who asked for them in the profile. */
import { $, $$ } from "./dom.js";

const QUIET_MS = 5000;
const root = document.documentElement;
let context = null;
let soundedAt = 0;

/* ---------- sound: two tones made here; a browser allows them after a first click ---------- */

function tone(frequency_hz, start_s) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.type = "triangle";
  oscillator.frequency.value = frequency_hz;
  gain.gain.setValueAtTime(0, start_s);
  gain.gain.linearRampToValueAtTime(0.25, start_s + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.001, start_s + 0.4);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start_s);
  oscillator.stop(start_s + 0.42);
}

function play() {
  const start_s = context.currentTime + 0.02;
  [880, 660, 880].forEach((frequency_hz, i) => tone(frequency_hz, start_s + i * 0.3));
  root.dataset.sounded = String(Number(root.dataset.sounded ?? 0) + 1);
  return new Promise((resolve) => setTimeout(resolve, 1500));
}

/* Of several windows one sounds. */
function sound() {
  if (context?.state !== "running" || Date.now() - soundedAt < QUIET_MS) return;
  soundedAt = Date.now();
  if (navigator.locks) navigator.locks.request("alarm-sound", { ifAvailable: true }, (lock) => lock && play());
  else play();
}

function waitForClick() {
  const button = $("[data-sound-enable]");
  context = new AudioContext();
  const told = () => {
    if (button) button.hidden = context.state === "running";
  };
  context.addEventListener("statechange", told);
  const wake = () => context.resume();
  // Not when the pointer goes down: the button that goes away would move what is being clicked.
  for (const name of ["click", "keydown"]) addEventListener(name, wake, { once: true });
  told();
}

/* ---------- a notice of the desktop, while the page is in the background ---------- */

async function notify(id) {
  if (!document.hidden || Notification.permission !== "granted") return;
  const answer = await fetch(`/api/v1/alarms/${id}/`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const alarm = await answer.json();
  const shown = new Notification(`${gettext("紧急告警")} · ${alarm.rule.name}`, {
    body: alarm.site.name,
    tag: `alarm-${id}`,
  });
  shown.addEventListener("click", () => {
    window.focus();
    location.assign(`/alarms/${id}/`);
  });
}

/* The browser is asked when somebody presses the button beside the wish. */
function permission() {
  const button = $("[data-allow-notices]");
  if (!button) return;
  const told = () => {
    button.hidden = !("Notification" in window) || Notification.permission !== "default";
    const isDenied = "Notification" in window && Notification.permission === "denied";
    $("[data-notices-denied]").hidden = !isDenied || !$("[name=has_alarm_notice]")?.checked;
  };
  button.addEventListener("click", () => Notification.requestPermission().then(told));
  told();
}

function hear(event) {
  const { ev, sev, id } = event.detail;
  if (ev !== "raised" || sev !== "critical") return;
  if (root.dataset.sound === "on") sound();
  if (root.dataset.notice === "on" && "Notification" in window) notify(id);
}

export function start() {
  permission();
  if (!$("[data-bell]")) return;
  if (root.dataset.sound === "on") waitForClick();
  document.body.addEventListener("alarm-news", (event) => {
    hear(event);
    if ($("#notices.show")) window.htmx.trigger("#notices", "refresh");
  });
  for (const button of $$("[data-try-sound]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      context ??= new AudioContext();
      await context.resume();
      play();
    });
  }
}
