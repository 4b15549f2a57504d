// What is shown, and when it is asked for again: every second while a run goes on, more rarely when it is over.
"use strict";

const LIVE_MS = 1000, REST_MS = 4000, QUALITY_EVERY = 5;
const STATES = { running: ["live good", "live"], finished: ["good", "finished"], over: ["quiet", "over"], interrupted: ["warn", "interrupted"], stopped: ["warn", "stopped"], failed: ["bad", "failed"] };
const page = { run: null, follow: true, data: null, quality: null, timer: 0, turn: 0 };
const plotly = new Promise((resolve) => {
  if (window.Plotly) resolve(); else byId("plotly").addEventListener("load", resolve);
});

function notice(text) { byId("notice").textContent = text; byId("notice").hidden = !text; }

async function update() {
  clearTimeout(page.timer);
  try {
    await showRuns();
    if (page.run) await showRun();
    if (page.run) notice("");
  } catch (error) {
    notice(`${error.message}. Trying again …`);
  }
  document.documentElement.dataset.shown = page.run || "";
  page.turn += 1;
  const live = page.data?.run.state === "running" && !document.hidden;
  page.timer = setTimeout(update, live || !page.run ? LIVE_MS : REST_MS);
}

async function showRuns() {
  const found = await ask("/api/runs");
  if (!found) return;
  if (page.follow) choose(found.current);
  const select = byId("run");
  fill(select, ...found.runs.map((run) => h("option", { value: run.id, selected: run.id === page.run }, `${run.id}${run.state === "running" ? "  ● live" : ""}`)));
  select.disabled = !found.runs.length;
  if (!found.runs.length) {
    fill(select, h("option", {}, "none yet"));
    byId("state").textContent = "waiting";
    notice("No runs yet. Start one with: blampert train");
  }
  fill(byId("runs"), table("Runs", ["run", "state", "algorithm", "projects", ">steps", ">mean reward"], found.runs.map((run) => [
    h("a", { href: `#${encodeURIComponent(run.id)}` }, run.id), run.state, run.algo, run.projects.join(", "), number(run.steps), signed(run.avg_reward, 3),
  ])));
}

function choose(run) {
  if (run === page.run) return;
  page.run = run; page.data = null; page.quality = null; page.turn = 0;
  tags.clear();
  fill(byId("edits"));
}

async function showRun() {
  const path = `/api/runs/${encodeURIComponent(page.run)}`;
  const wanted = page.run, data = await ask(path);
  if (wanted !== page.run) return;
  if (data) {
    page.data = data;
    showState(data);
    showKpis();
    showProjects(data);
    showTargets(data.targets);
    showStrategyTable(data.strategies.rows);
    showPicks(data.picks.after);
    showModel(data);
    showEdits(data.edits);
    showBus(data.status);
  }
  if (page.data) byId("age").textContent = `updated ${ago(page.data.status?.updated ?? page.data.run.updated)}`;
  if (data) { await plotly; drawCharts(data); document.documentElement.dataset.drawn = page.run; }
  if (page.turn % QUALITY_EVERY === 0 || !page.quality) await showQuality(path);
}

function showState({ run }) {
  const [look, word] = STATES[run.state] || ["quiet", run.state];
  byId("state").className = `pill ${look}`;
  byId("state").textContent = word;
  byId("about").textContent = [run.algo, run.model, run.projects.join(", "), run.seed === null ? "" : `seed ${run.seed}`, run.iterations ? `iteration ${run.iteration} of ${run.iterations}` : ""].filter(Boolean).join(" · ");
  document.title = `${run.id} · Blampert`;
}

function kpi(name, value, note, look = "") { return h("div", { class: "kpi" }, h("span", {}, name), h("b", { class: look }, value), h("span", {}, note)); }

function showKpis() {
  const { summary: s, tests } = page.data, projects = Object.values(tests), progress = s.progress, quality = page.quality;
  const passed = projects.reduce((sum, p) => sum + Math.max(0, p.best), 0), total = projects.reduce((sum, p) => sum + p.total, 0);
  const recent = `last ${Math.min(100, s.episodes)} episodes`;
  fill(byId("kpis"),
    kpi("Steps", number(s.steps), `${number(s.episodes)} episodes`),
    kpi("Mean return", signed(s.recent.ret), recent),
    kpi("Success rate", percent(s.recent.success_rate), recent),
    kpi("Test pass rate", percent(s.recent.test_pass_rate), recent),
    kpi("Best tests", `${passed} / ${total}`, `${projects.length} project${projects.length === 1 ? "" : "s"}`, passed === total && total ? "good" : ""),
    kpi("Code quality", quality?.mean === undefined ? "–" : percent(quality.mean), quality?.missing ? "needs ruff and radon" : "of gaining edits"),
    kpi("Learning progress", progress ? signed(progress.ret) : "–", progress ? "last third − first" : "from 6 episodes on", !progress || Math.abs(progress.ret) < .05 ? "" : progress.ret > 0 ? "good" : "bad"),
    kpi("LM answers", compact(s.calls), s.calls ? `${percent(s.pooled / s.calls)} pooled` : ""),
    kpi("Tokens written", compact(s.completion_tokens), s.calls ? `${number(s.completion_tokens / s.calls)} an answer` : ""));
}

function showProjects({ tests }) {
  fill(byId("projects"), ...Object.entries(tests).map(([name, p]) => h("div", { class: "bar" }, h("span", {}, name),
    h("progress", { max: p.total, value: p.best, "aria-label": `${name}: best tests passed` }), h("span", { class: "n" }, `${p.best} / ${p.total}`))));
}

function showTargets(rows) {
  const state = (row) => GOOD.has(row.outcome) || row.gained ? h("span", { class: "good nowrap" }, "✓ gained tests") : row.kept ? h("span", { class: "warn nowrap" }, "◐ kept, no gain") : h("span", { class: "bad nowrap" }, "✗ not yet");
  fill(byId("targets"), rows.length ? table("Targets", ["target", "state", "last outcome", "last strategy", ">tries", ">gains"], rows.map((row) => [
    h("span", { title: row.target }, h("span", { class: "quiet" }, `${row.project} `), row.target.split("::").pop()), state(row), chip(row.outcome), row.strategy, number(row.attempts), percent(row.gained / row.attempts),
  ])) : h("p", { class: "empty" }, "No attempt yet."));
}

function showStrategyTable(rows) {
  fill(byId("strategies"), table("Strategies", ["strategy", ">chosen", ">mean reward", ">kept", ">gained", ">tokens"], rows.map((row) => [
    row.strategy, number(row.count), signed(row.reward, 3), percent(row.kept), percent(row.gained), number(row.tokens),
  ])));
}

function showPicks(rows) {
  fill(byId("picks"), rows.length ? table("Picks", ["", "after", ">steps", "picks"], rows.map((row) => [
    row.evaluation ? "evaluation" : "training", row.after ? chip(row.after) : "at the start", number(row.steps),
    Object.entries(row.picks).map(([strategy, share]) => `${strategy} ${percent(share)}`).join(", "),
  ])) : h("p", { class: "empty" }, "No step yet."));
}

const fact = (name, value) => h("span", {}, `${name} `, h("b", {}, value));

function showModel({ summary: s, status, run }) {
  const circuit = status?.lm_circuit, ended = run.state !== "running", badge = byId("circuit");
  badge.className = `pill ${!circuit || ended ? "quiet" : circuit.open ? "bad" : "good"}`;
  badge.textContent = !circuit ? "circuit unknown" : ended ? `circuit was ${circuit.open ? "open" : "closed"}` : circuit.open ? `circuit open, next try in ${seconds(circuit.next_retry_sec)}` : "circuit closed";
  fill(byId("lm"), fact("latency", seconds(s.latency_s)), fact("slowest", seconds(s.latency_max_s)), fact("asked", number(s.calls - s.pooled)), fact("from the pool", number(s.pooled)), fact("prompt tokens", compact(s.prompt_tokens)), fact("grading", seconds(s.grade_s)));
}

async function showQuality(path) {
  const wanted = page.run, quality = await ask(`${path}/quality`);
  if (!quality || wanted !== page.run) return;
  page.quality = quality;
  showKpis();
  if (quality.missing) { fill(byId("quality"), quality.missing); return; }
  const mean = (values) => values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
  fill(byId("quality"), fact("documentation", percent(mean(quality.documentation))), fact("error handling", percent(mean(quality.error_handling))), fact("structure", percent(mean(quality.structure))), fact("edits measured", number(quality.x.length)));
  await plotly;
  drawQuality(quality);
}

/** New edits come on top; those that are open stay open. */
function showEdits(rows) {
  const list = byId("edits"), shown = new Map([...list.querySelectorAll("details.edit")].map((element) => [element.dataset.id, element]));
  if (!rows.length) { fill(list, h("p", { class: "empty" }, "No edit yet.")); return; }
  const wanted = rows.map((row) => shown.get(String(row.id)) || edit(row));
  const open = [...shown.values()].filter((element) => element.open && !wanted.includes(element));
  const focused = document.activeElement;
  fill(list, ...wanted, ...open);
  if (focused && list.contains(focused)) focused.focus({ preventScroll: true });
}

function edit(row) {
  const element = h("details", { class: "edit", "data-id": row.id },
    h("summary", {}, h("span", { class: "quiet" }, `${row.evaluation ? "eval" : "#" + row.x}`),
      h("span", { title: row.target }, `${row.project} · ${row.target.split("::").pop() || "no target"}`), h("span", {}, row.strategy), chip(row.outcome),
      h("span", { class: "n" }, `${row.tests_passed} / ${row.tests_total}`), h("span", { class: "n" }, signed(row.reward)), h("span", { class: "n quiet" }, row.cached ? "pool" : seconds(row.lm_latency_s))),
    h("div", { class: "body" }, h("p", { class: "empty" }, "…")));
  element.addEventListener("toggle", () => { if (element.open && !element.dataset.loaded) openEdit(element, row); });
  return element;
}

async function openEdit(element, row) {
  element.dataset.loaded = "1";
  const body = element.querySelector(".body");
  try {
    const step = await ask(`/api/runs/${encodeURIComponent(page.run)}/steps/${row.id}`, true);
    const terms = Object.entries(step.reward_terms).filter(([, value]) => value).map(([name, value]) => `${name} ${signed(value)}`).join(", ");
    const changed = step.diff || step.source;
    fill(body,
      h("div", {}, h("h3", {}, step.diff ? `Diff${row.accepted ? ", kept" : ", not kept"}` : "What was proposed"), changed ? code(changed, Boolean(step.diff)) : h("p", { class: "empty" }, "Nothing.")),
      h("div", {}, h("h3", {}, `Tests: ${row.tests_passed} of ${row.tests_total} pass · reward ${signed(step.reward, 3)} (${terms}) · ${step.completion_tokens} tokens`),
        step.test_output ? code(step.test_output, false) : h("p", { class: "empty" }, row.tests_passed === row.tests_total ? "Every test passes." : "Nothing was said, or not kept by this run.")));
  } catch (error) {
    delete element.dataset.loaded;
    fill(body, h("p", { class: "empty" }, error.message));
  }
}

function showBus(status) {
  if (!status) { fill(byId("bus"), h("p", { class: "empty" }, "This run wrote no status.")); return; }
  const { dlq, bus } = status, rows = [];
  for (const [topic, depths] of Object.entries(bus.topics)) rows.push([topic, "subscribers", depths.length ? depths.join(", ") : "–"]);
  for (const [topic, groups] of Object.entries(bus.groups)) for (const [group, depths] of Object.entries(groups)) rows.push([topic, `group ${group}`, depths.join(", ")]);
  const dead = Object.entries(dlq.by_topic).map(([topic, count]) => [topic, number(count)]);
  fill(byId("bus"),
    h("div", { class: "facts" }, fact("dead letters", number(dlq.total)), fact("newest", dlq.last_ts ? ago(dlq.last_ts) : "–"), fact("topics", number(Object.keys(bus.topics).length))),
    rows.length ? table("Queue depths", ["topic", "read by", ">waiting"], rows) : h("p", { class: "empty" }, "No topic is in use."),
    ...(dead.length ? [table("Dead letters", ["dead letters of", ">messages"], dead)] : []));
}

function redraw() { if (page.data && window.Plotly) { drawCharts(page.data); if (page.quality?.x) drawQuality(page.quality); } }

function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("blampert-theme", theme); } catch { /* storage is switched off: for this page only */ }
  redraw();
}

function step(direction) {
  const all = [...document.querySelectorAll("details.edit > summary")];
  const at = all.indexOf(document.activeElement);
  all[Math.min(all.length - 1, Math.max(0, at + direction))]?.focus();
}

function follow(run) { page.follow = false; choose(run); byId("run").value = run; update(); }

byId("run").addEventListener("change", (event) => follow(event.target.value));
addEventListener("hashchange", () => { const run = decodeURIComponent(location.hash.slice(1)); if (run && run !== "main") follow(run); });
byId("theme").addEventListener("click", switchTheme);
addEventListener("visibilitychange", () => { if (!document.hidden) update(); });
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("select, input")) return;
  const keys = { t: switchTheme, r: () => byId("run").focus(), j: () => step(1), k: () => step(-1) };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
if (location.hash.length > 1 && location.hash !== "#main") { page.run = decodeURIComponent(location.hash.slice(1)); page.follow = false; }
update();
