// Building blocks of the page. Everything that comes from a run enters as text, never as markup.
"use strict";

const byId = (id) => document.getElementById(id);

/** An element: h("td", {class: "n"}, "text", child). */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => child instanceof Node ? child : String(child)));
  return element;
}

/** Put children into an element in place of what it held. */
function fill(element, ...children) { element.replaceChildren(...children); }

const number = (value, digits = 0) => value === null || value === undefined ? "–" : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const signed = (value, digits = 2) => value === null || value === undefined ? "–" : (value < 0 ? "−" : "+") + number(Math.abs(value), digits);
const percent = (value, digits = 0) => value === null || value === undefined ? "–" : `${number(100 * value, digits)} %`;
const seconds = (value) => value === null || value === undefined ? "–" : value < 1 ? `${number(1000 * value)} ms` : `${number(value, 1)} s`;
const compact = (value) => value === null || value === undefined ? "–" : Intl.NumberFormat("en", { notation: value < 10000 ? "standard" : "compact", maximumFractionDigits: 1 }).format(value);
function ago(time) {
  const passed = Math.max(0, Date.now() / 1000 - time);
  if (passed < 90) return `${number(passed)} s ago`;
  if (passed < 5400) return `${number(passed / 60)} min ago`;
  return passed < 172800 ? `${number(passed / 3600)} h ago` : `${number(passed / 86400)} days ago`;
}

const GOOD = new Set(["solved", "improved"]);
const NEUTRAL = new Set(["same", "unchanged"]);
const chip = (outcome) => h("span", { class: `chip ${GOOD.has(outcome) ? "good" : NEUTRAL.has(outcome) ? "quiet" : "bad"}` }, outcome.replaceAll("_", " "));

/** A table from headings ("name" or ">name", right-aligned) and rows of texts and elements. */
function table(caption, headings, rows) {
  const side = headings.map((heading) => heading.startsWith(">") ? "n" : null);
  return h("table", { "aria-label": caption },
    h("thead", {}, h("tr", {}, ...headings.map((heading, i) => h("th", { scope: "col", class: side[i] }, heading.replace(/^>/, ""))))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell, i) => h("td", { class: side[i] }, cell))))));
}

/** A text by lines, each in its colour where it is a diff. */
function code(text, diff) {
  const kind = (line) => !diff ? null
    : /^(\+\+\+|---|diff |index |new file|deleted file)/.test(line) ? "meta"
    : line.startsWith("@@") ? "hunk" : line.startsWith("+") ? "add" : line.startsWith("-") ? "del" : null;
  const lines = text.replace(/\n$/, "").split("\n").map((line) => h("span", { class: kind(line) }, line));
  return h("pre", { tabindex: 0, "aria-label": diff ? "Diff" : "Text" }, h("code", {}, ...lines));
}

const tags = new Map();
/** JSON from our server; null if it is what the last call brought. */
async function ask(path, always = false) {
  const response = await fetch(path, { cache: "no-cache", credentials: "same-origin" });
  const type = response.headers.get("Content-Type") || "";
  if (!type.includes("json")) throw new Error((await response.text()).trim() || `the monitor answers ${response.status}`);
  const content = await response.json();
  if (!response.ok) throw new Error(content.error || `the monitor answers ${response.status}`);
  const tag = response.headers.get("ETag");
  if (!always && tag && tags.get(path) === tag) return null;
  tags.set(path, tag);
  return content;
}
