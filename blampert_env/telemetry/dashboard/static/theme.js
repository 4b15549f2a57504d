// Before the first paint, so that the page does not flash: the theme that was chosen here, else the system's.
"use strict";
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("blampert-theme"); } catch { /* storage is switched off: the system's theme */ }
  const dark = chosen ? chosen === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
