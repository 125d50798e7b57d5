// Puts the page together: which panels this address has, when they are drawn.

import { clock, listen, model, refine } from "./feed.js";
import { dress, theme } from "./colors.js";
import * as stream from "./stream.js";
import * as panels from "./panels.js";

const PAGES = ["status", "tasks", "progress", "memory", "graph", "logs"];
const here = location.pathname.replace(/^\/+|\/+$/g, "");
const page = PAGES.includes(here) ? here : "status";

document.body.dataset.page = page;
document.title = `partita ${page}`;
for (const panel of document.querySelectorAll("main > section")) panel.hidden = !panel.dataset.on.split(" ").includes(page);
for (const link of document.querySelectorAll("nav a")) {
  if (link.pathname === `/${page}`) link.setAttribute("aria-current", "page");
}
const shown = new Set([...document.querySelectorAll("main > section:not([hidden])")].map((s) => s.id || "figures"));

// Light or dark as the system says, until somebody says otherwise.
const system = matchMedia("(prefers-color-scheme: dark)");
const wished = () => { try { return localStorage.getItem("partita-theme"); } catch { return null; } };
const paint = () => { dress(wished() ? wished() === "dark" : system.matches); changed(); };
system.addEventListener("change", () => paint());
document.getElementById("theme").addEventListener("click", () => {
  try { localStorage.setItem("partita-theme", theme.dark ? "light" : "dark"); } catch { /* it holds for this look only */ }
  paint();
});

// Everything is drawn at most once a frame, and numbers only when something came.
let [dirty, heard, asked, last] = [true, true, false, 0];

function changed(news = false) {
  dirty = true;
  heard ||= news;
  ask();
}

function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

const FRAME = 1000 / 30;

function frame(now) {
  asked = false;
  if (now - last < FRAME - 4 && !heard) return ask();
  last = now;
  if (shown.has("tasks") && (dirty || stream.isLive())) stream.draw();
  if (heard) {
    heard = false;
    panels.about();
    live();
    if (shown.has("tasks") && (stream.isStudied() || (model.running.length === 0 && clock() - model.active > 4e5))) refine(changed);
    if (shown.has("figures")) panels.figures();
    if (shown.has("tasks")) panels.legend(recent());
    if (shown.has("progress")) panels.progress();
    if (shown.has("table-panel")) panels.table();
    if (shown.has("runs-panel")) panels.runs();
    if (shown.has("logs")) panels.logs();
    if (shown.has("graph")) panels.graph();
    if (shown.has("memory")) panels.memory();
    if (shown.has("cpu")) panels.cpu();
  }
  dirty = false;
  if (shown.has("tasks") && stream.isLive()) ask();
}

// Operations of the latest tasks, the latest first.
function recent() {
  const seen = new Set(model.running.map((r) => r.op));
  for (const lane of model.lanes.values()) for (let i = lane.tasks.length - 1; i >= Math.max(0, lane.tasks.length - 2000); i -= 1) seen.add(lane.tasks[i].op);
  return [...seen].sort((a, b) => a - b);
}

let line = "connecting";
function live(state = line) {
  line = state;
  const busy = state === "on" && (model.running.length > 0 || clock() - model.active < 6e5);
  document.getElementById("live").className = `live ${state} ${busy ? "busy" : ""}`;
  const text = state === "off" ? "no connection, trying again" : state === "on" ? (busy ? "running" : "idle") : "connecting";
  if (document.getElementById("live-text").textContent !== text) document.getElementById("live-text").textContent = text;
}

stream.start(() => changed());
panels.start();
new ResizeObserver(() => changed(true)).observe(document.getElementById("main"));
listen(() => changed(true), live);
paint();
