// The other panels: figures, progress, runs, memory, CPU, logs, the graph.

import { model, nameOf, rate } from "./feed.js";
import { background, place, value } from "./colors.js";
import { chart, hover } from "./chart.js";
import * as show from "./format.js";

const $ = (id) => document.getElementById(id);
const set = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const UNLIMITED = 2 ** 62;

export function about() {
  const a = model.about;
  if (!a) return;
  set("threads", `${a.threads} ${a.threads === 1 ? "thread" : "threads"}`);
  set("limit", a.limit < UNLIMITED ? ` · limit ${show.bytes(a.limit)}` : " · no memory limit");
}

export function figures() {
  const { done, failed, running, planned } = model.totals;
  set("f-done", show.short(done));
  set("f-left", planned > 0 ? `${show.short(planned)} planned` : "none planned");
  set("f-running", show.short(running));
  const speed = rate();
  set("f-rate", speed > 0 ? `${show.short(speed >= 10 ? Math.round(speed) : Number(speed.toFixed(1)))} tasks/s` : "idle");
  set("f-failed", show.short(failed));
  $("f-failed").classList.toggle("bad", failed > 0);
  const open = [...model.runs.values()].filter((r) => r.state === "running").length;
  set("f-runs", `${show.short(model.totals.runs)} ${model.totals.runs === 1 ? "run" : "runs"}${open ? `, ${open} running` : ""}`);
  const last = model.samples.at(-1);
  if (!last) return;
  const { held, spilled, cores } = last;
  const limit = model.about?.limit ?? UNLIMITED;
  set("f-held", show.bytes(held));
  set("f-limit", limit < UNLIMITED ? `${((held / limit) * 100).toFixed(0)} % of ${show.bytes(limit)}` : "no limit");
  set("f-spilled", show.bytes(spilled));
  set("f-spilled-sub", spilled ? "to disk, so far" : "nothing so far");
  set("f-cpu", cores.toFixed(2));
  set("f-cpu-sub", `of ${model.about?.cores ?? "?"} cores`);
}

// Operations, the ones at work first. A row is made once and then only told its new numbers.
const bars = new Map();

function bar(o) {
  const li = document.createElement("li");
  li.innerHTML = '<div class="name"><span></span><span></span></div><div class="track" role="progressbar" aria-valuemin="0"><i class="done"></i><i class="running"></i><i class="failed"></i></div><p class="more"></p>';
  const [name, numbers] = li.querySelectorAll(".name span");
  const track = li.querySelector(".track");
  name.textContent = name.title = o.name;
  track.setAttribute("aria-label", o.name);
  const made = { li, numbers, track, parts: [...track.children], more: li.querySelector(".more") };
  bars.set(o.id, made);
  return made;
}

function tell(made, o) {
  const all = o.done + o.failed + o.running + o.planned;
  const share = (n) => `${(n / Math.max(1, all)) * 100}%`;
  const [done, running, failed] = made.parts;
  done.style.background = background(o.name);
  running.style.background = `repeating-linear-gradient(115deg, ${value("--ink")} 0 2px, transparent 2px 6px), ${background(o.name)}`;
  running.style.opacity = 0.75;
  [done.style.width, running.style.width, failed.style.width] = [share(o.done), share(o.running), share(o.failed)];
  const words = [`${show.count(o.done)} / ${show.count(all)}`];
  if (o.running) words.push(`${o.running} running`);
  if (o.failed) words.push(`${show.count(o.failed)} failed`);
  made.numbers.textContent = words.join(" · ");
  made.track.setAttribute("aria-valuemax", all);
  made.track.setAttribute("aria-valuenow", o.done);
  made.track.setAttribute("aria-valuetext", `${words.join(", ")}, ${o.planned} planned`);
  const ended = o.done + o.failed;
  const more = [`${show.time(o.busy)} in all`, `${show.time(ended ? o.busy / ended : 0)} a task`];
  if (o.bytes) more.push(`${show.bytes(o.bytes)} of results`);
  if (o.rows) more.push(`${show.count(o.rows)} rows`);
  made.more.textContent = more.join(" · ");
}

export function progress() {
  const rank = (o) => (o.running > 0 ? 0 : o.planned > 0 ? 1 : 2);
  const all = [...model.operations.values()].sort((a, b) => rank(a) - rank(b) || b.id - a.id).slice(0, 60);
  const kept = new Set(all.map((o) => o.id));
  for (const [id, made] of bars) if (!kept.has(id)) { made.li.remove(); bars.delete(id); }
  const list = $("operations");
  all.forEach((o, i) => {
    const made = bars.get(o.id) ?? bar(o);
    tell(made, o);
    if (list.children[i] !== made.li) list.insertBefore(made.li, list.children[i] ?? null);
  });
  $("operations-empty").hidden = all.length > 0;
  const { done, failed, running, planned } = model.totals;
  set("progress-note", `${show.count(done + failed)} of ${show.count(done + failed + running + planned)} tasks`);
}

export function legend(seen) {
  const list = $("legend");
  const names = [...new Set([...seen].map(nameOf))].slice(0, 14);
  if (list.dataset.names === names.join("\n") + document.documentElement.className) return;
  list.dataset.names = names.join("\n") + document.documentElement.className;
  list.replaceChildren(...names.map((name) => {
    const li = document.createElement("li");
    const box = document.createElement("i");
    box.className = "swatch";
    box.style.background = background(name);
    const text = document.createElement("span");
    text.textContent = text.title = name;
    li.append(box, text);
    return li;
  }));
}

function cellsOf(row, texts, names) {
  texts.forEach((text, i) => {
    const cell = document.createElement("td");
    cell.append(text);
    cell.className = names[i] ?? "n";
    row.append(cell);
  });
  return row;
}

// What took longest comes first.
export function table() {
  const all = [...model.operations.values()].sort((a, b) => b.busy - a.busy).slice(0, 100);
  const sum = all.reduce((s, o) => s + o.busy, 0);
  $("table").replaceChildren(...all.map((o) => {
    const name = document.createElement("span");
    const box = document.createElement("i");
    box.className = "swatch";
    box.style.background = background(o.name);
    name.className = "named";
    name.append(box, o.name);
    const ended = o.done + o.failed;
    const share = sum > 0 ? `${((o.busy / sum) * 100).toFixed(o.busy / sum < 0.0995 ? 1 : 0)} %` : "–";
    const texts = [name, show.count(ended), show.time(o.busy), share, ended ? show.time(o.busy / ended) : "–", show.time(o.longest), o.bytes ? show.bytes(o.bytes) : "–", o.rows ? show.count(o.rows) : "–"];
    return cellsOf(document.createElement("tr"), texts, [""]);
  }));
}

export function runs() {
  const all = [...model.runs.values()].sort((a, b) => b.id - a.id).slice(0, 100);
  set("runs-note", `${show.count(model.totals.runs)} since the dashboard was opened`);
  $("runs").replaceChildren(...all.map((r) => {
    const texts = [`${r.id}`, r.state, `${show.count(r.done)} / ${show.count(r.tasks)}`, show.count(r.failed), show.time((r.ended ?? model.now) - r.begun)];
    return cellsOf(document.createElement("tr"), texts, ["", `state ${r.state}`]);
  }));
}

let [memoryPlot, cpuPlot] = [null, null];

function span() {
  const last = model.samples.at(-1)?.at ?? 1e6;
  const first = model.samples[0]?.at ?? 0;
  const most = document.body.dataset.page === "memory" ? 900e6 : 120e6;
  return [Math.max(first, last - most), Math.max(last, first + 1e6)];
}

const most = (samples, of, least) => samples.reduce((m, s) => Math.max(m, of(s)), least);

// What was written to disk is far more than what is held, or nothing: it has a band of its own.
export function memory() {
  const window = span();
  const seen = model.samples.filter((s) => s.at >= window[0]);
  const limit = model.about?.limit ?? UNLIMITED;
  const top = most(seen, (s) => Math.max(s.held, s.resident), 1024);
  const disk = most(seen, (s) => s.spilled, 0);
  const near = limit < top * 6;
  const bands = [{
    share: disk ? 0.64 : 1, top: (near ? Math.max(limit, top) : top) * 1.06, limit: near ? limit : 0, label: show.bytes, base: 2,
    series: [{ at: (s) => s.resident, color: value("--resident"), thin: true }, { at: (s) => s.held, color: value("--held") }],
  }];
  if (disk) bands.push({ share: 0.36, series: [{ at: (s) => s.spilled, color: value("--spilled") }], top: disk * 1.15, label: show.bytes, base: 2 });
  memoryPlot = chart($("memory-chart"), model.samples, window, bands);
  const text = limit >= UNLIMITED ? "no limit" : near ? `limit ${show.bytes(limit)}` : `limit ${show.bytes(limit)}, far above`;
  set("memory-note", text);
  const last = seen.at(-1);
  $("memory-chart").setAttribute("aria-label", `Memory: ${show.bytes(last?.held ?? 0)} held, ${show.bytes(last?.resident ?? 0)} in the whole process, ${show.bytes(last?.spilled ?? 0)} written to disk; ${text}`);
}

export function cpu() {
  const cores = model.about?.cores ?? 1;
  const top = Math.max(cores, most(model.samples, (s) => s.cores, 0)) * 1.04;
  const series = [{ at: (s) => s.cores, color: value("--cpu") }];
  cpuPlot = chart($("cpu-chart"), model.samples, span(), [{ share: 1, series, top, label: (v) => (v % 1 ? v.toFixed(1) : `${v}`) }]);
  const text = `${(model.samples.at(-1)?.cores ?? 0).toFixed(2)} of ${cores} cores`;
  set("cpu-note", text);
  $("cpu-chart").setAttribute("aria-label", `CPU: ${text}`);
}

const nearest = (t) => model.samples.reduce((best, s) => (Math.abs(s.at - t) < Math.abs((best?.at ?? Infinity) - t) ? s : best), null);

function look(plot, words) {
  return (px) => {
    const sample = plot() && px >= plot().left ? nearest(plot().at(px)) : null;
    return sample ? `${show.moment(sample.at, 1e5)}: ${words(sample)}` : null;
  };
}

let logged = { last: null, number: 0 };

export function logs() {
  $("log-empty").hidden = model.logs.length > 0;
  const last = model.logs.at(-1);
  if (last === logged.last && model.logs.length === logged.number) return;
  logged = { last, number: model.logs.length };
  const most = document.body.dataset.page === "logs" ? 500 : 60;
  $("log").replaceChildren(...model.logs.slice(-most).reverse().map((entry) => {
    const li = document.createElement("li");
    li.className = entry.level;
    const [time, level, text] = ["time", "span", "span"].map((tag) => document.createElement(tag));
    time.textContent = show.moment(entry.at, 1e4);
    level.className = "level";
    level.textContent = entry.level;
    text.className = "text";
    text.textContent = entry.text;
    li.append(time, level, text);
    return li;
  }));
}

// The drawing is made by the server; it is taken over as a picture: nothing in it may act.
const drawing = { asked: "", next: 0, scale: 0, wide: 0, tall: 0 };

export async function graph() {
  const { runs, done, failed, running } = model.totals;
  const state = [runs, done, failed, running].join();
  if (drawing.asked === state || performance.now() < drawing.next) return;
  drawing.asked = state;
  drawing.next = performance.now() + 1000;
  const answer = await fetch("/api/v1/graph.svg");
  const place = $("drawing");
  $("graph-empty").hidden = answer.status === 200;
  if (answer.status !== 200) return place.replaceChildren();
  const svg = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
  if (svg.nodeName !== "svg") return;
  svg.querySelectorAll("script, foreignObject, a").forEach((e) => e.remove());
  for (const e of [svg, ...svg.querySelectorAll("*")]) {
    for (const a of [...e.attributes]) if (a.name.toLowerCase().startsWith("on")) e.removeAttribute(a.name);
  }
  svg.querySelectorAll("g > title").forEach(tint);
  const box = svg.viewBox.baseVal;
  [drawing.wide, drawing.tall] = [box?.width || parseFloat(svg.getAttribute("width")) || 600, box?.height || parseFloat(svg.getAttribute("height")) || 400];
  place.replaceChildren(document.adoptNode(svg));
  size(drawing.scale);
}

// A node has the colour that its operation has everywhere; its title begins with the name.
function tint(title) {
  const name = title.textContent.split("\n")[0].replace(/ × [\d,]+$/, "");
  if (![...model.operations.values()].some((o) => o.name === name)) return;
  title.parentNode.style.setProperty("--operation", `var(--place-${place(name) % 8})`);
  title.parentNode.classList.add("operation");
}

function size(scale) {
  const svg = $("drawing").querySelector("svg");
  if (!svg) return;
  drawing.scale = scale;
  const fitting = Math.min(1.4, ($("drawing").clientWidth - 4) / drawing.wide);
  const real = scale || fitting;
  svg.setAttribute("width", drawing.wide * real);
  svg.setAttribute("height", drawing.tall * real);
  svg.style.maxWidth = "none";
  drawing.real = real;
}

export function start() {
  hover($("memory-chart"), $("memory-tip"), look(() => memoryPlot, (s) => `${show.bytes(s.held)} held, ${show.bytes(s.resident)} in the process, ${show.bytes(s.spilled)} written to disk`));
  hover($("cpu-chart"), $("cpu-tip"), look(() => cpuPlot, (s) => `${s.cores.toFixed(2)} cores`));
  $("only-errors").addEventListener("click", () => {
    const on = $("log").classList.toggle("problems");
    $("only-errors").setAttribute("aria-pressed", on);
  });
  $("graph-fit").addEventListener("click", () => size(0));
  $("graph-in").addEventListener("click", () => size(drawing.real * 1.3));
  $("graph-out").addEventListener("click", () => size(drawing.real / 1.3));
}
