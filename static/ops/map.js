/* Sites on a map without a base map: a plain grid in WGS-84. The list of sites has the same facts. */
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

let map;
let group;
let shown = "";

/* Leaflet takes the inside of a marker as HTML: only names of ours go into it. */
function shape(state) {
  if (!ICONS[state]) return "";
  return `<svg class="mk-${state}"><use href="${document.documentElement.dataset.icons}#${ICONS[state]}"></use></svg>`;
}

function worst(markers) {
  return markers.map((marker) => marker.options.state).sort((a, b) => ORDER[b] - ORDER[a])[0];
}

function cluster(of) {
  const state = worst(of.getAllChildMarkers());
  const inside = shape(state) || '<i class="dotn"></i>';
  return window.L.divIcon({
    className: `cl cl-${state}`,
    iconSize: [44, 24],
    html: `${inside}<span class="num">${of.getChildCount()}</span>`,
  });
}

function popup(site) {
  const box = element("div");
  const facts = element("dl", "kv");
  for (const [name, value] of site.facts) facts.append(element("dt", "", name), element("dd", "num", value));
  const link = element("a", "btn btn-line btn-xs w-100", gettext("打开站点"));
  link.href = site.url;
  box.append(element("strong", "", site.name), facts, link);
  return box;
}

function marker(site) {
  const made = window.L.marker([site.latitude, site.longitude], {
    icon: window.L.divIcon({ className: `pin pin-${site.state}`, iconSize: [24, 24], html: shape(site.state) }),
    title: `${site.name} · ${site.word}`,
    alt: `${site.name} · ${site.word}`,
    zIndexOffset: ORDER[site.state],
    keyboard: site.state !== "normal",
    state: site.state,
  });
  return made.bindPopup(() => popup(site));
}

function begin(place) {
  map = window.L.map(place, { zoomControl: false, zoomSnap: 0.25, minZoom: 4, maxZoom: 17 });
  map.attributionControl.setPrefix(false).addAttribution(gettext("无底图 · WGS-84"));
  const words = { position: "topright", zoomInTitle: gettext("放大"), zoomOutTitle: gettext("缩小") };
  window.L.control.zoom(words).addTo(map);
  window.L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  group = window.L.markerClusterGroup({
    maxClusterRadius: 26,
    disableClusteringAtZoom: 15,
    showCoverageOnHover: false,
    animate: false,
    iconCreateFunction: cluster,
  }).addTo(map);
}

function draw() {
  const source = $("#map-sites");
  const place = $("#map");
  if (!source || !place || !window.L || source.textContent === shown) return;
  const sites = JSON.parse(source.textContent);
  const isFirst = !map;
  if (isFirst) begin(place);
  shown = source.textContent;
  group.clearLayers();
  group.addLayers(sites.map(marker));
  if (!isFirst) return;
  if (sites.length) map.fitBounds(group.getBounds(), { paddingTopLeft: [96, 24], paddingBottomRight: [24, 40], maxZoom: 14 });
  else map.setView([0, 0], 4);
}

export function start() {
  draw();
  document.body.addEventListener("htmx:afterSettle", draw);
}
