/* Sites on a map: our own sketch of the district, or the tiles of a provider (data of the page).
   Stored places are WGS-84; what is drawn is shifted to the provider's system (crs.js). The list of
   sites has the same facts. */
import { toDraw } from "./crs.js";
import { $, element } from "./dom.js";

const ICONS = {
  critical: "sev-critical",
  major: "sev-major",
  minor: "sev-minor",
  info: "sev-info",
  offline: "plug-connected-x",
  maint: "tool",
};
const ORDER = { critical: 900, major: 800, minor: 700, info: 650, offline: 600, maint: 300, normal: 0 };
const SYSTEMS = { wgs84: "WGS-84", gcj02: "GCJ-02", bd09: "BD-09" };
const REFRESH_MS = 60000;
const NEWS_MS = 3000;
/* A sketch has its classes by kind, from back to front. */
const KINDS = ["town", "water", "river", "rail", "road-edge", "road"];
const CLASSES = {
  town: "bm-block",
  water: "bm-water",
  river: "bm-river",
  rail: "bm-rail",
  "road-edge": "bm-road-e",
  road: "bm-road",
};

const state = { map: null, group: null, place: null, tiles: null, shown: "", timer: 0 };

/* Leaflet takes the inside of a marker as HTML: only names of ours go into it. */
function shape(name) {
  if (!ICONS[name]) return "";
  return `<svg class="mk-${name}"><use href="${document.documentElement.dataset.icons}#${ICONS[name]}"></use></svg>`;
}

function worst(markers) {
  return markers.map((marker) => marker.options.state).sort((a, b) => ORDER[b] - ORDER[a])[0];
}

function cluster(of) {
  const name = worst(of.getAllChildMarkers());
  const inside = shape(name) || '<i class="dotn"></i>';
  return window.L.divIcon({
    className: `cl cl-${name}`,
    iconSize: [44, 24],
    html: `${inside}<span class="num">${of.getChildCount()}</span>`,
  });
}

/* The facts of one site come when somebody asks for them. */
async function fill(popup, id) {
  const box = element("div", "popup", gettext("正在加载…"));
  popup.setContent(box);
  try {
    const answer = await fetch(state.place.dataset.popup.replace("/0/", `/${id}/`));
    if (!answer.ok) throw new Error(String(answer.status));
    box.innerHTML = await answer.text();
  } catch (failure) {
    box.textContent = interpolate(gettext("没有加载出来（%s），请重试。"), [failure.message]);
  }
  popup.update();
}

function marker([id, name, latitude, longitude, worstState, alarms], words) {
  const count = alarms ? ` · ${interpolate(gettext("%s 条告警"), [alarms])}` : "";
  const title = `${name} · ${words[worstState]}${count}`;
  const made = window.L.marker(toDraw[state.tiles.crs]([latitude, longitude]), {
    icon: window.L.divIcon({ className: `pin pin-${worstState}`, iconSize: [24, 24], html: shape(worstState) }),
    title,
    alt: title,
    zIndexOffset: ORDER[worstState],
    keyboard: worstState !== "normal",
    state: worstState,
  });
  return made.bindPopup("", { minWidth: 232 }).on("popupopen", ({ popup }) => fill(popup, id));
}

/* ---------- background ---------- */

async function sketch() {
  const answer = await fetch(state.place.dataset.sketch);
  if (!answer.ok) return;
  const { features } = await answer.json();
  const isEnglish = document.documentElement.lang === "en";
  const renderer = window.L.svg({ padding: 1 });
  for (const kind of KINDS) {
    const source = kind === "road-edge" ? "road" : kind;
    window.L.geoJSON(
      features.filter((feature) => feature.properties.kind === source),
      { renderer, interactive: false, style: () => ({ className: CLASSES[kind], fill: ["town", "water"].includes(kind) }) },
    ).addTo(state.map);
  }
  for (const { properties, geometry } of features.filter((f) => f.properties.kind === "label")) {
    const words = isEnglish ? properties.name_en : properties.name;
    window.L.tooltip({ permanent: true, direction: "center", className: "maplabel", interactive: false })
      .setLatLng([geometry.coordinates[1], geometry.coordinates[0]])
      .setContent(element("span", "", words))
      .addTo(state.map);
  }
}

function background() {
  const { kind, url, attribution, crs } = state.tiles;
  const system = SYSTEMS[crs];
  if (kind === "none") {
    state.map.attributionControl.addAttribution(`${gettext("离线示意图")} · ${system}`);
    sketch();
    return;
  }
  window.L.tileLayer(url, { maxZoom: 18, referrerPolicy: "no-referrer" }).addTo(state.map);
  const words = element("span", "", `${attribution} · ${system}`);
  state.map.attributionControl.addAttribution(words.innerHTML);
}

function begin(place) {
  state.place = place;
  state.tiles = JSON.parse($("#map-tiles").textContent);
  state.map = window.L.map(place, { zoomControl: false, zoomSnap: 0.25, minZoom: 4, maxZoom: 18 });
  state.map.setView([30, 120], 11);
  state.map.attributionControl.setPrefix(false);
  background();
  const words = { position: "topright", zoomInTitle: gettext("放大"), zoomOutTitle: gettext("缩小") };
  window.L.control.zoom(words).addTo(state.map);
  window.L.control.scale({ imperial: false, position: "bottomright" }).addTo(state.map);
  state.group = window.L.markerClusterGroup({
    maxClusterRadius: 26,
    disableClusteringAtZoom: 15,
    showCoverageOnHover: false,
    animate: false,
    chunkedLoading: true,
    iconCreateFunction: cluster,
  }).addTo(state.map);
}

/* ---------- sites ---------- */

function put(text) {
  const isFirst = !state.shown;
  if (text === state.shown) return;
  state.shown = text;
  const { sites, words } = JSON.parse(text);
  state.group.clearLayers();
  state.group.addLayers(sites.map((site) => marker(site, words)));
  if (!isFirst || !sites.length) return;
  const bounds = window.L.latLngBounds(sites.map((site) => toDraw[state.tiles.crs]([site[2], site[3]])));
  state.map.fitBounds(bounds, { paddingTopLeft: [36, 28], paddingBottomRight: [44, 44], maxZoom: 14 });
}

async function refresh() {
  clearTimeout(state.timer);
  state.timer = setTimeout(refresh, REFRESH_MS);
  if (document.hidden || $(".leaflet-popup", state.place)) return;
  try {
    const answer = await fetch(state.place.dataset.sites, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    put(await answer.text());
    state.place.dataset.drawn = "1";
  } catch (failure) {
    state.place.dataset.failed = failure.message;
  }
}

export function start() {
  const place = $("#map");
  if (!place || !window.L) return;
  begin(place);
  refresh();
  document.body.addEventListener("alarm-news", () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(refresh, NEWS_MS);
  });
}
