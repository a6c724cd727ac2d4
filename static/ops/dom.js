/* Small words of every script: elements, icons, tokens, moments in the page's zone. */
const root = document.documentElement;

export const $ = (selector, from = document) => from.querySelector(selector);
export const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
export const token = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/* An element with classes and text; never HTML. */
export function element(tag, classes = "", text = "") {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text !== "") made.textContent = text;
  return made;
}

export function icon(name, classes = "") {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  svg.setAttribute("class", `ic ${classes}`);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${root.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/* The zone of the page: the site's where one site is shown, the person's elsewhere. */
export const zoneOf = (from = root) =>
  from.closest("[data-zone]")?.dataset.zone ?? root.dataset.zone;

const formats = new Map();

function parts(ms, zone) {
  if (!formats.has(zone)) {
    formats.set(
      zone,
      new Intl.DateTimeFormat("en-GB", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      }),
    );
  }
  const found = formats.get(zone).formatToParts(ms);
  return Object.fromEntries(found.map((part) => [part.type, part.value]));
}

export function clock(ms, zone = zoneOf()) {
  const p = parts(ms, zone);
  return `${p.hour}:${p.minute}:${p.second}`;
}

export function minute(ms, zone = zoneOf()) {
  const p = parts(ms, zone);
  return `${p.hour}:${p.minute}`;
}

export function day(ms, zone = zoneOf()) {
  const p = parts(ms, zone);
  return `${p.month}-${p.day}`;
}

export const moment = (ms, zone = zoneOf()) => `${day(ms, zone)} ${clock(ms, zone)}`;

/* Seconds in words, as the server says them. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return interpolate(gettext("%(seconds)s 秒"), { seconds: whole }, true);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return interpolate(gettext("%(minutes)s 分"), { minutes }, true);
  const facts = { hours: Math.floor(minutes / 60), minutes: minutes % 60 };
  return interpolate(gettext("%(hours)s 小时 %(minutes)s 分"), facts, true);
}

export function number(value, decimals) {
  if (value === null || !Number.isFinite(value)) return "—";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}
