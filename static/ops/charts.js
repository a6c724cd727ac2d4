/* Charts on canvas, with colours from the tokens and a tooltip of DOM nodes: the page's policy
   allows no style attribute, and ECharts' own tooltip is made of them. */
import {
  $,
  $$,
  clock,
  day,
  duration,
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

const PHASES = { a: "ph-a", b: "ph-b", c: "ph-c", n: "ph-n", before: "text-3", earlier: "text-3" };
/* Times to compare with: grey, the nearer in longer dashes. */
const PAST = {
  before: { dash: [6, 3], css: " lg-dash" },
  earlier: { dash: [2, 3], css: " lg-dot" },
};
const DASHES = ["solid", "solid", "solid", [6, 3], [2, 2], [8, 3, 2, 3]];

const colourOf = (series, position) => token(PHASES[series.phase] ?? `c${(position % 6) + 1}`);

/* A value of null is a hole where data is missing. */
const pairs = (series) => series.at.map((at, i) => [at * 1000, series.value[i]]);

/* Labels of neighbours stand at opposite ends. */
const limitLine = (limit, place = 0) => ({
  yAxis: limit.value,
  lineStyle: { color: token(limit.tone), type: "dashed", width: 1.5 },
  label: {
    formatter: limit.label,
    position: place % 2 ? "insideEndTop" : "insideStartTop",
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
      lineStyle: {
        width: PAST[series.phase] ? 1.5 : 2,
        color: colourOf(series, position),
        type: PAST[series.phase]?.dash ?? DASHES[position % 6],
      },
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

/* ---------- several points of several devices: stacked panels on one time axis ---------- */

const seriesOf = (data) => data.series ?? data.panels?.flatMap((panel) => panel.series) ?? [];

/* Phases have their colours as long as no two curves would share one. */
function inkOf(data) {
  const all = seriesOf(data);
  const phases = all.map((series) => PHASES[series.phase]);
  const byPhase = phases.every(Boolean) && new Set(phases).size === all.length;
  return new Map(
    all.map((series, position) => [
      series.id,
      {
        color: token(byPhase ? phases[position] : `c${(position % 6) + 1}`),
        type: DASHES[position % 6] === "solid" && position < 6 ? "solid" : [6, 3],
      },
    ]),
  );
}

/* Stretches in which every one of the series misses. */
function common(lists) {
  return lists.reduce((left, right) =>
    left.flatMap(([from, to]) =>
      right
        .map(([begin, end]) => [Math.max(from, begin), Math.min(to, end)])
        .filter(([begin, end]) => end > begin),
    ),
  );
}

/* The limits next to the values on either side: farther ones would press the curve flat. */
function nearLimits(several) {
  const values = several.flatMap((series) => series.value.filter((value) => value !== null));
  const limits = several.flatMap((series) => series.limits);
  if (!values.length) return limits;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const above = Math.min(...limits.map((limit) => limit.value).filter((value) => value >= high));
  const below = Math.max(...limits.map((limit) => limit.value).filter((value) => value <= low));
  return limits.filter(({ value }) => value >= below && value <= above);
}

/* What was left out of a curve: hollow where it stood, with its word; what was put in has its word too. */
const leftOut = (series) =>
  (series.said ?? []).flatMap(({ from, to, left_out: numbers }) =>
    numbers.length
      ? [
          [from * 1000, numbers[0]],
          [to * 1000, numbers[numbers.length - 1]],
        ]
      : [],
  );

/* Words for a moment: those of the stretch it lies in, give or take a pixel. */
const saidAt = (series, at, slack) =>
  (series.said ?? []).find(({ from, to }) => at >= from - slack && at <= to + slack)?.words;

/* What is missing or alarmed in a panel. */
function panelAreas(panel, data) {
  const shown = data.to - data.from;
  const gaps = common(panel.series.map((series) => series.gaps)).filter(
    ([from, to]) => to - from > shown / 400,
  );
  let free = data.from;
  const hasRoom = (band) => {
    const fits = band.to - band.from > shown / 8 && band.from >= free;
    if (fits) free = band.to;
    return fits;
  };
  const ids = new Set(panel.series.map((series) => series.id));
  const words = (seconds) =>
    interpolate(gettext("缺失 %(lasting)s"), { lasting: duration(seconds) }, true);
  return [
    ...gaps.slice(0, 60).map(([from, to]) => [
      {
        xAxis: from * 1000,
        itemStyle: { color: token("gap-fill") },
        label: {
          show: to - from > shown / 12,
          formatter: words(to - from),
          position: "insideTop",
          color: token("text-2"),
          fontSize: 11.5,
        },
      },
      { xAxis: to * 1000 },
    ]),
    ...data.bands
      .filter((band) => ids.has(band.point))
      .map((band) => [
        {
          xAxis: band.from * 1000,
          itemStyle: { color: token(band.tone), opacity: 0.1 },
          label: {
            show: hasRoom(band),
            formatter: band.label,
            position: "insideBottom",
            color: token(`${band.tone}-text`),
            fontSize: 11.5,
          },
        },
        { xAxis: band.to * 1000 },
      ]),
  ];
}

const namedLimit = (limit, decimals, place) =>
  limitLine({ ...limit, label: `${limit.name} ${number(limit.value, decimals)}` }, place);

function panelLines(panel, index, firstAxis, data, ink) {
  const told = new Set();
  const near = new Set(nearLimits(panel.series));
  return panel.series.flatMap((series, position) => {
    const sorted = series.limits.filter((limit) => near.has(limit));
    sorted.sort((one, other) => one.value - other.value);
    const limits = sorted.filter((limit) => {
      const key = `${series.axis} ${limit.value} ${limit.tone}`;
      return !told.has(key) && told.add(key);
    });
    const shared = {
      type: "line",
      xAxisIndex: index,
      yAxisIndex: firstAxis + series.axis,
      connectNulls: false,
      step: series.is_state ? "end" : false,
    };
    const style = ink.get(series.id);
    const own = {
      ...shared,
      id: series.id,
      name: series.name,
      showSymbol: series.at.length < 3,
      data: pairs(series),
      lineStyle: { width: 2, ...style },
      itemStyle: { color: style.color },
      markLine: {
        silent: true,
        symbol: "none",
        animation: false,
        data: limits.map((limit, place) => namedLimit(limit, series.decimals, place)),
      },
      ...(position === 0 && { markArea: { silent: true, data: panelAreas(panel, data) } }),
    };
    const out = leftOut(series);
    const doubtful = {
      ...shared,
      id: `${series.id} left out`,
      name: `${series.name} · ${gettext("可疑")}`,
      type: "scatter",
      step: undefined,
      symbol: "emptyDiamond",
      symbolSize: 9,
      data: out,
      itemStyle: { color: style.color },
    };
    const owns = out.length ? [own, doubtful] : [own];
    if (!series.compare) return owns;
    return [
      {
        ...shared,
        id: `${series.id} compared`,
        name: `${series.name} · ${series.compare.label}`,
        showSymbol: false,
        silent: true,
        data: pairs(series.compare),
        lineStyle: { width: 1.5, color: token("text-3"), type: "dashed" },
        itemStyle: { color: token("text-3") },
      },
      ...owns,
    ];
  });
}

function panelAxes(panel, index) {
  return panel.axes.map((title, side) => {
    const own = panel.series.filter((series) => series.axis === side);
    const seen = own.flatMap((series) => [series, ...(series.compare ? [series.compare] : [])]);
    const isState = own.some((series) => series.is_state);
    return axis({
      type: "value",
      gridIndex: index,
      position: side ? "right" : "left",
      name: title,
      nameGap: 10,
      nameTextStyle: { align: side ? "right" : "left", color: token("text-2"), fontSize: 11.5 },
      splitLine: { show: !side, lineStyle: { color: token("grid-line") } },
      ...(isState
        ? { min: 0, max: 1, interval: 1 }
        : span({ series: seen, limits: nearLimits(own) })),
    });
  });
}

function panelTip(data, zone, ink) {
  const known = new Map();
  for (const series of seriesOf(data)) {
    known.set(series.id, series);
    known.set(`${series.id} compared`, series);
    known.set(`${series.id} left out`, series);
  }
  const slack = (data.to - data.from) / 600;
  return tooltip((items) =>
    tip(
      moment(items[0].axisValue, zone),
      items
        .filter((item) => known.has(item.seriesId))
        .map((item) => {
          const series = known.get(item.seriesId);
          const value = item.value[1];
          const said = saidAt(series, item.value[0] / 1000, slack);
          const plain = value === null ? gettext("缺失") : number(value, series.decimals);
          const isOwn = !item.seriesId.endsWith(" compared");
          const words = said && isOwn ? `${said} ${value === null ? "" : plain}` : plain;
          const colour = item.seriesId !== `${series.id} compared` ? ink.get(series.id).color : token("text-3");
          return [colour, item.seriesName, `${words} ${value === null ? "" : series.unit}`];
        }),
    ),
  );
}

function panels(data, zone, height) {
  const ink = inkOf(data);
  const count = data.panels.length;
  const [top, bottom, between] = [30, 30, 34];
  // States need no more than a strip.
  const weights = data.panels.map((panel) => (panel.series.every((one) => one.is_state) ? 0.35 : 1));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const room = height - top - bottom - between * (count - 1);
  const talls = weights.map((weight) => Math.max(30, (room * weight) / whole));
  const tops = talls.map((_tall, i) =>
    talls.slice(0, i).reduce((sum, tall) => sum + tall + between, top),
  );
  const isLong = data.to - data.from > 26 * 3600;
  const label = (ms) => (isLong ? `${day(ms, zone)} ${minute(ms, zone)}` : minute(ms, zone));
  const firstAxes = data.panels.map((_panel, i) =>
    data.panels.slice(0, i).reduce((sum, panel) => sum + panel.axes.length, 0),
  );
  const hasRight = data.panels.some((panel) => panel.axes.length > 1);
  return {
    ...base(),
    animation: false,
    grid: data.panels.map((_panel, i) => ({
      left: 56,
      right: hasRight ? 56 : 18,
      top: tops[i],
      height: talls[i],
    })),
    tooltip: panelTip(data, zone, ink),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    // Out of sight: its brush is switched on by the page, its icons are not needed.
    toolbox: { top: -60, feature: { dataZoom: { yAxisIndex: false, filterMode: "none" } } },
    xAxis: data.panels.map((_panel, i) =>
      axis({
        type: "time",
        gridIndex: i,
        min: data.from * 1000,
        max: data.to * 1000,
        axisLabel: {
          show: i === count - 1,
          color: token("text-2"),
          fontSize: 11.5,
          formatter: label,
          hideOverlap: true,
        },
        splitLine: { show: false },
      }),
    ),
    yAxis: data.panels.flatMap(panelAxes),
    dataZoom: [
      {
        type: "inside",
        xAxisIndex: data.panels.map((_panel, i) => i),
        filterMode: "none",
        zoomOnMouseWheel: "ctrl",
        moveOnMouseMove: false,
        moveOnMouseWheel: false,
        preventDefaultMouseMove: false,
      },
    ],
    series: data.panels.flatMap((panel, i) => panelLines(panel, i, firstAxes[i], data, ink)),
  };
}

/* A stretch drawn with the mouse, or the wheel with Ctrl: the page asks again for that period. */
function zoomable(figure, chart) {
  if (figure.dataset.chart !== "panels") return;
  let settled = 0;
  chart.dispatchAction({
    type: "takeGlobalCursor",
    key: "dataZoomSelect",
    dataZoomSelectActive: true,
  });
  chart.off("datazoom");
  chart.on("datazoom", () => {
    clearTimeout(settled);
    settled = setTimeout(() => {
      if (chart.isDisposed()) return;
      const { startValue, endValue } = chart.getOption().dataZoom[0];
      const detail = { from: startValue / 1000, to: endValue / 1000 };
      figure.dispatchEvent(new CustomEvent("chart-zoom", { bubbles: true, detail }));
    }, 350);
  });
}

/* The picture as a file. */
export function picture(figure) {
  const chart = drawn.get(figure)?.chart;
  return chart?.getDataURL({ pixelRatio: 2, backgroundColor: token("surface") });
}

const kinds = { bars, curve, panels };

/* ---------- the same data as words ---------- */

function legend(figure, data) {
  const place = $(`[data-legend-of="${figure.id}"]`);
  if (!place) return;
  place.replaceChildren(
    ...data.series.map((series, position) => {
      const entry = element("span");
      const line = element("i", `lg-line${PAST[series.phase]?.css ?? ""}`);
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
  const all = seriesOf(data);
  const isEmpty = all.length > 0 && !all.some((series) => series.value.some((v) => v !== null));
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
  if (data.panels) {
    for (const [id, style] of inkOf(data))
      for (const mark of $$(`[data-colour-of="${CSS.escape(id)}"]`))
        mark.style.setProperty("--k", style.color);
    zoomable(figure, chart);
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
