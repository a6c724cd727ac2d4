/* Charts on canvas, with colours from the tokens and a tooltip of DOM nodes: the page's policy
   allows no style attribute, and ECharts' own tooltip is made of them. */
import {
  $,
  $$,
  clock,
  day,
  element,
  isStill,
  minute,
  moment,
  number,
  token,
  zoneOf,
} from "./dom.js";

const drawn = new Map();

const text = () => ({
  fontFamily: getComputedStyle(document.body).fontFamily,
  color: token("text-2"),
  fontSize: 12,
});

const base = () => ({
  animation: !isStill(),
  animationDuration: 250,
  textStyle: text(),
  aria: { enabled: false },
});

const axis = (facts) => ({
  axisLine: { lineStyle: { color: token("axis-line") } },
  axisTick: { show: false },
  axisLabel: { color: token("text-2"), fontSize: 11.5, hideOverlap: true },
  splitLine: { lineStyle: { color: token("grid-line") } },
  nameTextStyle: { color: token("text-2"), fontSize: 11.5 },
  ...facts,
});

function tip(head, rows) {
  const box = element("div", "ct");
  box.append(element("div", "ct-h", head));
  for (const [colour, name, value] of rows) {
    const row = element("div", "ct-r");
    const mark = element("span", "ct-m");
    mark.style.backgroundColor = colour;
    row.append(mark, element("span", "", name), element("span", "ct-v num", value));
    box.append(row);
  }
  return box;
}

const tooltip = (formatter, pointer = "line") => ({
  trigger: "axis",
  confine: true,
  backgroundColor: token("surface"),
  borderColor: token("line-strong"),
  borderWidth: 1,
  padding: [8, 12],
  extraCssText: "box-shadow:none",
  axisPointer: {
    type: pointer,
    lineStyle: { color: token("text-3"), type: "dashed" },
    shadowStyle: { color: token("surface-3"), opacity: 0.7 },
  },
  formatter,
});

/* ---------- bars per hour, stacked by severity ---------- */

function bars(data) {
  const levels = data.levels.slice().reverse();
  return {
    ...base(),
    grid: { left: 30, right: 4, top: 10, bottom: 22 },
    tooltip: tooltip(
      (items) =>
        tip(
          data.titles[items[0].dataIndex],
          items
            .slice()
            .reverse()
            .map((item) => [item.color, item.seriesName, item.value ?? 0]),
        ),
      "shadow",
    ),
    xAxis: axis({
      type: "category",
      data: data.labels,
      axisLabel: { color: token("text-2"), fontSize: 11.5, interval: "auto", hideOverlap: true },
    }),
    yAxis: axis({ type: "value", minInterval: 1, splitNumber: 3 }),
    series: levels.map((level) => ({
      name: level.name,
      type: "bar",
      stack: "all",
      // An empty hour draws nothing, not even the bar's edge.
      data: level.counts.map((count) => count || null),
      barMaxWidth: 16,
      barCategoryGap: "35%",
      itemStyle: {
        color: token(level.key),
        borderColor: token(level.key === "minor" ? "minor-edge" : level.key),
        borderWidth: 0.5,
      },
    })),
  };
}

/* ---------- curves of points ---------- */

const PHASES = { a: "ph-a", b: "ph-b", c: "ph-c", n: "ph-n" };
const DASHES = ["solid", "solid", "solid", [6, 3], [2, 2], [8, 3, 2, 3]];

const colourOf = (series, position) => token(PHASES[series.phase] ?? `c${(position % 6) + 1}`);

/* A value of null is a hole where data is missing. */
const pairs = (series) => series.at.map((at, i) => [at * 1000, series.value[i]]);

const limitLine = (limit) => ({
  yAxis: limit.value,
  lineStyle: { color: token(limit.tone), type: "dashed", width: 1.5 },
  label: {
    formatter: limit.label,
    position: "insideStartTop",
    color: token(`${limit.tone}-text`),
    fontSize: 11.5,
    fontWeight: 600,
  },
});

const raisedLine = (event) => ({
  xAxis: event.from * 1000,
  lineStyle: { color: token(event.tone), type: "solid", width: 1 },
  label: {
    formatter: event.label,
    position: "end",
    distance: 4,
    color: token(`${event.tone}-text`),
    fontSize: 11.5,
    fontWeight: 600,
  },
});

function areas(data) {
  const found = data.gaps.map(([from, to]) => [
    {
      xAxis: from * 1000,
      itemStyle: { color: token("gap-fill") },
      label: {
        show: to - from > (data.to - data.from) / 12,
        formatter: gettext("缺失"),
        color: token("text-2"),
        fontSize: 11.5,
      },
    },
    { xAxis: to * 1000 },
  ]);
  if (data.event) {
    found.push([
      {
        xAxis: data.event.from * 1000,
        itemStyle: { color: token(data.event.tone), opacity: 0.08 },
      },
      { xAxis: data.event.to * 1000 },
    ]);
  }
  return found;
}

/* An axis that holds the values and the limits, with round ends. */
function span(data) {
  const values = data.series.flatMap((series) => series.value.filter((value) => value !== null));
  values.push(...(data.limits ?? []).map((limit) => limit.value));
  if (!values.length) return {};
  const low = Math.min(...values);
  const high = Math.max(...values);
  const raw = (high - low || Math.abs(high) || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) * power;
  const room = (high - low) * 0.04;
  const bottom = Math.floor((low - room) / step) * step;
  return {
    min: low >= 0 ? Math.max(0, bottom) : bottom,
    max: Math.ceil((high + room) / step || 1) * step,
    interval: step,
  };
}

/* The strip under a tall curve that shows where one is. */
const slider = (label) => ({
  type: "slider",
  height: 22,
  bottom: 4,
  filterMode: "none",
  borderColor: token("line"),
  backgroundColor: token("surface-2"),
  fillerColor: "rgba(47,111,222,.08)",
  dataBackground: {
    lineStyle: { color: token("axis-line") },
    areaStyle: { color: token("axis-line"), opacity: 0.25 },
  },
  selectedDataBackground: {
    lineStyle: { color: token("c1") },
    areaStyle: { color: token("c1"), opacity: 0.15 },
  },
  handleStyle: { color: token("surface"), borderColor: token("ctl-line") },
  moveHandleSize: 0,
  labelFormatter: label,
  textStyle: { color: token("text-2"), fontSize: 11 },
});

function curve(data, zone, height) {
  const hasSlider = height > 250;
  const isLong = data.to - data.from > 26 * 3600;
  const label = (ms) => (isLong ? `${day(ms, zone)} ${minute(ms, zone)}` : minute(ms, zone));
  const unit = data.series[0]?.unit ?? "";
  const decimals = new Map(data.series.map((series) => [series.name, series.decimals]));
  return {
    ...base(),
    grid: { left: 52, right: 16, top: 30, bottom: hasSlider ? 56 : 24 },
    tooltip: tooltip((items) =>
      tip(
        moment(items[0].axisValue, zone),
        items
          .filter((item) => decimals.has(item.seriesName))
          .map((item) => [
            item.color,
            item.seriesName,
            item.value[1] === null
              ? gettext("缺失")
              : `${number(item.value[1], decimals.get(item.seriesName))} ${unit}`,
          ]),
      ),
    ),
    xAxis: axis({
      type: "time",
      min: data.from * 1000,
      max: data.to * 1000,
      axisLabel: { color: token("text-2"), fontSize: 11.5, formatter: label, hideOverlap: true },
      splitLine: { show: false },
    }),
    yAxis: axis({
      type: "value",
      name: data.axis,
      nameGap: 12,
      nameTextStyle: { align: "left", color: token("text-2"), fontSize: 11.5 },
      ...span(data),
    }),
    dataZoom: [{ type: "inside", filterMode: "none" }, ...(hasSlider ? [slider(label)] : [])],
    series: data.series.map((series, position) => ({
      name: series.name,
      type: "line",
      showSymbol: series.at.length < 3,
      connectNulls: false,
      step: series.is_state ? "end" : false,
      data: pairs(series),
      lineStyle: { width: 2, color: colourOf(series, position), type: DASHES[position % 6] },
      itemStyle: { color: colourOf(series, position) },
      ...(position === 0 && {
        markLine: {
          silent: true,
          symbol: "none",
          animation: false,
          data: [
            ...(data.limits ?? []).map(limitLine),
            ...(data.event ? [raisedLine(data.event)] : []),
          ],
        },
        markArea: { silent: true, data: areas(data) },
      }),
    })),
  };
}

const kinds = { bars, curve };

/* ---------- the same data as words ---------- */

function legend(figure, data) {
  const place = $(`[data-legend-of="${figure.id}"]`);
  if (!place) return;
  place.replaceChildren(
    ...data.series.map((series, position) => {
      const entry = element("span");
      const line = element("i", "lg-line");
      line.style.setProperty("--k", colourOf(series, position));
      entry.append(line, element("span", "", series.name));
      return entry;
    }),
  );
}

function table(figure, data) {
  const place = $(`[data-table-of="${figure.id}"]`);
  if (!place) return;
  const zone = zoneOf(figure);
  const made = element("table", "tbl");
  const head = element("tr");
  head.append(element("th", "", gettext("时间")));
  for (const series of data.series)
    head.append(element("th", "r", `${series.name} (${series.unit || "—"})`));
  made.append(element("thead"), element("tbody"));
  $("thead", made).append(head);
  const first = data.series[0];
  const last = Math.min(first?.at.length ?? 0, 500);
  for (let i = 0; i < last; i += 1) {
    const row = element("tr");
    row.append(element("td", "num", moment(first.at[i] * 1000, zone)));
    for (const series of data.series)
      row.append(element("td", "r num", number(series.value[i] ?? null, series.decimals)));
    $("tbody", made).append(row);
  }
  place.replaceChildren(made);
}

/* ---------- drawing, again when the theme changes, gone with its element ---------- */

function note(figure, words) {
  const shown = $(".chart-note", figure) ?? figure.appendChild(element("p", "chart-note"));
  shown.textContent = words;
  shown.hidden = !words;
}

function draw(figure, data) {
  const canvas = $("div", figure);
  const isEmpty =
    data.series && !data.series.some((series) => series.value.some((v) => v !== null));
  note(figure, isEmpty ? gettext("该时段没有数据") : "");
  let chart = drawn.get(figure)?.chart;
  if (!chart) {
    chart = window.echarts.init(canvas, null, { renderer: "canvas" });
    new ResizeObserver(() => chart.isDisposed() || chart.resize()).observe(figure);
  }
  drawn.set(figure, { chart, data });
  chart.setOption(kinds[figure.dataset.chart](data, zoneOf(figure), figure.clientHeight), true);
  if (data.series) {
    legend(figure, data);
    table(figure, data);
  }
  figure.dataset.drawn = "1";
}

async function load(figure) {
  figure.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(figure.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    draw(figure, { ...(await answer.json()), ...extra(figure) });
  } catch (failure) {
    note(figure, interpolate(gettext("曲线没有加载出来（%s），请重试。"), [failure.message]));
    figure.dataset.failed = clock(Date.now());
  } finally {
    figure.removeAttribute("aria-busy");
  }
}

function extra(figure) {
  const source = figure.dataset.extra && document.getElementById(figure.dataset.extra);
  return source ? JSON.parse(source.textContent) : {};
}

export function drawAll(from = document) {
  if (!window.echarts) return;
  for (const figure of $$("figure[data-chart]", from)) {
    if (drawn.has(figure)) continue;
    drawn.set(figure, {});
    if (figure.dataset.url) load(figure);
    else draw(figure, extra(figure));
  }
}

export function start() {
  drawAll();
  document.body.addEventListener("htmx:afterSettle", (event) => drawAll(event.target));
  document.body.addEventListener("htmx:beforeCleanupElement", (event) => {
    drawn.get(event.target)?.chart?.dispose();
    drawn.delete(event.target);
  });
  new MutationObserver(() => {
    for (const [figure, { data }] of drawn) if (data) draw(figure, data);
  }).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
}
