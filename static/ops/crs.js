/* Coordinates: what is stored is WGS-84; base maps in China are shifted. Each provider says its own
   system, and only what is drawn is shifted. GCJ-02 is not published: this is the usual approximation,
   good to about a metre. [latitude, longitude] in degrees. */
const A = 6378245.0;
const EE = 0.00669342162296594323;
const BD = (Math.PI * 3000) / 180;

const isOutside = ([lat, lon]) => lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271;

function waves(x) {
  return ((20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * 2) / 3;
}

function shift([lat, lon]) {
  const x = lon - 105;
  const y = lat - 35;
  const root = Math.sqrt(Math.abs(x));
  const north =
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves(x) +
    ((20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * 2) / 3 +
    ((160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * 2) / 3;
  const east =
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves(x) +
    ((20 * Math.sin(x * Math.PI) + 40 * Math.sin((x / 3) * Math.PI)) * 2) / 3 +
    ((150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * 2) / 3;
  const phi = (lat / 180) * Math.PI;
  const magic = 1 - EE * Math.sin(phi) ** 2;
  return [
    (north * 180) / (((A * (1 - EE)) / (magic * Math.sqrt(magic))) * Math.PI),
    (east * 180) / ((A / Math.sqrt(magic)) * Math.cos(phi) * Math.PI),
  ];
}

export function wgs84ToGcj02(at) {
  if (isOutside(at)) return at;
  const [north, east] = shift(at);
  return [at[0] + north, at[1] + east];
}

/* The inverse of a smooth shift: a few steps of guessing are exact to a millimetre. */
function back(forward, target) {
  let guess = target;
  for (let step = 0; step < 8; step += 1) {
    const [lat, lon] = forward(guess);
    guess = [guess[0] - (lat - target[0]), guess[1] - (lon - target[1])];
  }
  return guess;
}

export const gcj02ToWgs84 = (at) => back(wgs84ToGcj02, at);

export function gcj02ToBd09([lat, lon]) {
  const radius = Math.hypot(lon, lat) + 0.00002 * Math.sin(lat * BD);
  const angle = Math.atan2(lat, lon) + 0.000003 * Math.cos(lon * BD);
  return [radius * Math.sin(angle) + 0.006, radius * Math.cos(angle) + 0.0065];
}

export const wgs84ToBd09 = (at) => gcj02ToBd09(wgs84ToGcj02(at));
export const bd09ToWgs84 = (at) => gcj02ToWgs84(back(gcj02ToBd09, at));

/* Where to draw a stored place on a base map of this system. */
export const toDraw = { wgs84: (at) => at, gcj02: wgs84ToGcj02, bd09: wgs84ToBd09 };
