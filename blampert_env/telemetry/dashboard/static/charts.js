// The charts, drawn by plotly.js; its script is large, so tables come first and charts when it is there.
"use strict";

const PALETTE = ["#8b7dff", "#3ddc97", "#ffb454", "#4fb3ff", "#ff7a90", "#c792ea", "#5ad1cd", "#d4c05e", "#f78c6c", "#9aa7bd"];
const colours = new Map();
/** The colour of a name, the same in every chart. */
function colour(kind, name) {
  const key = `${kind}/${name}`;
  if (!colours.has(key)) colours.set(key, PALETTE[[...colours.keys()].filter((other) => other.startsWith(`${kind}/`)).length % PALETTE.length]);
  return colours.get(key);
}

// plotly takes a little markup in texts: a name is a name, and one that is too long for a legend is cut
const plain = (text) => (text.length > 28 ? `${text.slice(0, 27)}…` : text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const faded = (hex, alpha) => hex + Math.round(alpha * 255).toString(16).padStart(2, "0");
const line = (name, x, y, tint, more = {}) => ({ type: "scatter", mode: x.length > 1 ? "lines" : "markers", name: plain(name), x, y, line: { color: tint, width: 2.5 }, ...more });
const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };

// only what is in view is drawn, the rest when it is scrolled to: the page opens sooner and costs less while it is live
const inView = new Set(), newest = new Map();
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) { inView.delete(target.id); continue; }
    inView.add(target.id);
    newest.get(target.id)?.();
  }
}, { rootMargin: "0px" });
document.querySelectorAll(".chart").forEach((element) => watcher.observe(element));

function draw(id, label, traces, layout) {
  byId(id).setAttribute("aria-label", label);
  const render = () => { newest.delete(id); plot(byId(id), traces, layout); };
  newest.set(id, render);
  if (inView.has(id)) render();
}

function plot(element, traces, layout = {}) {
  const quiet = style("--quiet"), grid = style("--line");
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, tickfont: { size: 11 }, fixedrange: true };
  Plotly.react(element, traces, {
    margin: { l: 44, r: 10, t: 6, b: 30 }, height: 232, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: quiet, size: 12, family: "ui-sans-serif, system-ui, Inter, DejaVu Sans, sans-serif" }, hovermode: "x unified", dragmode: false,
    hoverlabel: { bgcolor: style("--card"), bordercolor: grid, font: { color: style("--text") } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 11 } }, showlegend: traces.filter((trace) => trace.showlegend !== false).length > 1,
    ...layout, xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis }, ...(layout.yaxis2 ? { yaxis2: { ...axis, ...layout.yaxis2 } } : {}),
  }, CONFIG);
}

const SHARE = { range: [-0.02, 1.05], tickformat: ".0%" };
const last = (values) => values.length ? values[values.length - 1] : null;

function drawCharts(data) {
  const c = data.curves, many = c.episodes_a_point > 1;
  const accent = style("--accent"), good = style("--good"), warn = style("--warn");
  draw("c-return", `Mean return of the last 100 episodes: ${signed(last(c.mean))}`, [
    ...(many ? [
      { ...line("lowest", c.x, c.low, accent), line: { width: 0 }, showlegend: false, hoverinfo: "skip" },
      { ...line("lowest to highest", c.x, c.high, accent), line: { width: 0 }, fill: "tonexty", fillcolor: faded(accent, .13), hoverinfo: "skip" },
    ] : []),
    line(many ? `mean of ${c.episodes_a_point} episodes` : "episode", c.x, c.ret, faded(accent, .5), { mode: many ? "lines" : "lines+markers", line: { color: faded(accent, .55), width: 1 }, marker: { size: 5 } }),
    line("mean of the last 100", c.x, c.mean, accent),
  ], { yaxis: { tickformat: "+.2f" } });
  draw("c-success", `Success rate ${percent(last(c.success_mean))}, tests passed ${percent(last(c.pass_rate))}`, [
    line("tests passed", c.x, c.pass_rate, faded(warn, .8), { line: { color: warn, width: 1.2 } }),
    line("solved, last 100 episodes", c.x, c.success_mean, good),
  ], { yaxis: SHARE });
  const projects = Object.entries(data.tests);
  draw("c-tests", projects.map(([name, p]) => `${name}: best ${p.best} of ${p.total}`).join(", "), projects.flatMap(([name, p]) => {
    const tint = colour("project", name), end = data.summary.steps || last(p.best_x) || 1;
    return [
      line(`${name}, episodes`, p.x, p.y, faded(tint, .4), { line: { color: faded(tint, .45), width: 1 }, showlegend: false, mode: p.x.length < 60 ? "lines+markers" : "lines", marker: { size: 4 } }),
      line(name, [...p.best_x, Math.max(end, last(p.best_x))], [...p.best_y, last(p.best_y)], tint, { line: { color: tint, width: 2.5, shape: "hv" }, mode: "lines" }),
    ];
  }), { yaxis: SHARE });
  drawStrategies(data.strategies);
  const lm = data.lm, blue = colour("lm", "latency");
  draw("c-lm", `Mean latency ${seconds(data.summary.latency_s)}`, [
    { type: "bar", name: "tokens an answer", x: lm.x, y: lm.tokens, yaxis: "y2", marker: { color: faded(warn, .28) } },
    line("slowest", lm.x, lm.slowest, faded(blue, .5), { line: { color: faded(blue, .55), width: 1 }, connectgaps: true }),
    line("mean seconds", lm.x, lm.mean, blue, { connectgaps: true, mode: "lines+markers", marker: { size: 4 } }),
  ], { yaxis: { rangemode: "tozero", ticksuffix: " s" }, yaxis2: { overlaying: "y", side: "right", showgrid: false, rangemode: "tozero", tickmode: "auto", nticks: 4, tickformat: ",.0f" }, margin: { l: 44, r: 40, t: 6, b: 30 }, bargap: .25 });
}

function drawStrategies({ rows, x, shares }) {
  const total = rows.reduce((sum, row) => sum + row.count, 0), earning = [...rows].sort((a, b) => a.reward - b.reward);
  const low = Math.min(0, ...rows.map((row) => row.reward)), high = Math.max(0, ...rows.map((row) => row.reward)), span = high - low || 1;
  draw("c-earn", earning.map((row) => `${row.strategy}: ${signed(row.reward)}, chosen ${row.count} times`).reverse().join("; "), [{
    type: "bar", orientation: "h", y: earning.map((row) => plain(row.strategy)), x: earning.map((row) => row.reward), marker: { color: earning.map((row) => colour("strategy", row.strategy)) },
    hoverinfo: "skip",
  }, { // beside the bars, also of those below zero, where the names are
    type: "scatter", mode: "text", y: earning.map((row) => plain(row.strategy)), x: earning.map((row) => Math.max(0, row.reward)), textposition: "middle right",
    text: earning.map((row) => ` ${signed(row.reward, 3)} · ${number(row.count)}× (${percent(row.count / total)})`), hoverinfo: "skip", cliponaxis: false,
  }], { hovermode: false, showlegend: false, xaxis: { tickformat: "+~g", nticks: 6, range: [low - span * .04, high + span * .42] }, yaxis: { ticklabelstandoff: 6, automargin: true }, bargap: .28, margin: { l: 20, r: 12, t: 4, b: 26 } });
  const widths = x.map((end, i) => end - (i ? x[i - 1] : 0));
  draw("c-chosen", rows.map((row) => `${row.strategy} ${percent(row.count / total)}`).join(", "), rows.map((row) => (
    { type: "bar", name: plain(row.strategy), x, width: widths, offset: widths.map((width) => -width), y: shares[row.strategy], marker: { color: colour("strategy", row.strategy) }, hovertemplate: "%{y:.0%}" }
  )), { barmode: "stack", bargap: 0, yaxis: { range: [0, 1], tickformat: ".0%" }, legend: { orientation: "h", y: -0.16, yanchor: "top", x: 0, font: { size: 10.5 } }, margin: { l: 44, r: 10, t: 6, b: 56 } });
}

function drawQuality(quality) {
  const parts = [["documentation", "documentation"], ["error_handling", "error handling"], ["structure", "structure"]];
  draw("c-quality", `Mean code quality ${percent(quality.mean)}`, [
    ...parts.map(([key, name]) => line(name, quality.x, quality[key], colour("quality", key), { line: { color: faded(colour("quality", key), .8), width: 1.2 }, mode: "lines+markers", marker: { size: 4 } })),
    line("score", quality.x, quality.score, style("--text"), { mode: "lines+markers" }),
  ], { yaxis: SHARE });
}
