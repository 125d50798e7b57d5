"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (selector) => document.querySelector(selector);

function make(name, text, attributes = {}) {
  const node = document.createElement(name);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// numbers and durations as people read them
const count = (n) => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let k = 0;
  while (n >= 1024 && k < 4) { n /= 1024; k += 1; }
  return (k === 0 ? n.toFixed(0) : n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0)) + " " + units[k];
}
function duration(us) {
  if (us < 1000) return us.toFixed(us < 10 ? 2 : 0) + " µs";
  if (us < 1e6) return (us / 1e3).toFixed(us < 1e5 ? 2 : 1) + " ms";
  if (us < 6e7) return (us / 1e6).toFixed(2) + " s";
  const s = Math.round(us / 1e6);
  return s < 3600 ? `${Math.floor(s / 60)}m ${s % 60}s` : `${Math.floor(s / 3600)}h ${Math.floor(s / 60) % 60}m`;
}

// the same on an axis: 500 ms, not 500.0 ms
const tick = (us) => duration(us).replace(/\.0+ /, " ").replace(/(\.\d*?)0+ /, "$1 ");

// an operation has one colour everywhere
const dark = matchMedia("(prefers-color-scheme: dark)");
const LIGHT = ["#3267d6", "#d9822b", "#2a9d6f", "#b0418f", "#8a6d1d", "#1f9bb3", "#d1495b", "#6a5acd", "#6b8e23", "#a0522d"];
const DARK = ["#7aa2ff", "#f0a75a", "#5ccb9b", "#e07cc3", "#cbb15a", "#5fd0e6", "#ff8a98", "#a99cff", "#a9cc63", "#d98f66"];
const colour = (i) => {
  const palette = dark.matches ? DARK : LIGHT;
  return i < palette.length ? palette[i] : `hsl(${(i * 137.5) % 360} 45% ${dark.matches ? 66 : 46}%)`;
};
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function fitted(canvas, height) {
  const width = canvas.parentElement.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = height + "px";
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  return [pen, width];
}

// round steps on an axis
function steps(from, to, most, bases = [1, 2, 5, 10]) {
  const rough = Math.max((to - from) / Math.max(most, 1), 1e-9);
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = power * bases.find((b) => b * power >= rough);
  const out = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-6; at += step) out.push(at);
  return out;
}

function axis(pen, view, left, width, top, bottom) {
  pen.textBaseline = "top";
  pen.textAlign = "center";
  for (const at of steps(view[0], view[1], width / 90)) {
    const x = left + ((at - view[0]) / (view[1] - view[0])) * width;
    pen.strokeStyle = token("--faint");
    pen.beginPath(); pen.moveTo(x + 0.5, top); pen.lineTo(x + 0.5, bottom); pen.stroke();
    pen.fillStyle = token("--quiet");
    if (x < left + width - 14) pen.fillText(at === 0 ? "0" : tick(at), Math.max(x, left + 4), bottom + 5);
  }
}

const tip = $("#tip");
function showTip(event, head, lines) {
  tip.replaceChildren(make("b", head), ...lines.map((line) => make("div", line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const below = event.clientY + 16;
  tip.style.left = Math.max(8, x) + "px";
  tip.style.top = (below + box.height > innerHeight ? event.clientY - box.height - 12 : below) + "px";
}
const hideTip = () => { tip.hidden = true; };

function table(target, heads, rows) {
  const element = typeof target === "string" ? $(target) : target;
  const head = make("tr");
  heads.forEach(([text, kind]) => head.append(make("th", text, kind ? { class: kind } : {})));
  element.replaceChildren(head, ...rows.map((cells) => {
    const row = make("tr");
    cells.forEach((cell, i) => {
      const td = cell instanceof Node ? cell : make("td", cell);
      if (heads[i][1]) td.classList.add(heads[i][1]);
      row.append(td);
    });
    return row;
  }));
}

// ---- summary

$("#title").textContent = data.title;
$("#subtitle").textContent = data.subtitle;
const tiles = [
  [duration(data.wall), "on the clock"],
  [count(data.ended), data.ended === 1 ? "task" : "tasks"],
  [(data.occupancy * 100).toFixed(0) + "%", `of ${data.threads} thread${data.threads === 1 ? "" : "s"} busy`, data.occupancy],
];
if (data.cpu !== null) tiles.push([duration(data.cpu), "processor time"]);
tiles.push([bytes(data.peak), data.limit ? `reserved of ${bytes(data.limit)}` : "reserved at most", data.limit ? data.peak / data.limit : null]);
if (data.resident !== null) tiles.push([bytes(data.resident), "process at most"]);
tiles.push([bytes(data.spilled), data.spilled ? `spilled, ${bytes(data.read_back)} read back` : "spilled"]);
$("#tiles").replaceChildren(...tiles.map(([value, text, part]) => {
  const tile = make("div", null, { class: "tile" });
  tile.append(make("b", value), make("span", text));
  if (part !== undefined && part !== null) {
    const bar = make("i");
    const fill = make("u");
    fill.style.width = Math.min(100, Math.max(0, part * 100)) + "%";
    bar.append(fill);
    tile.append(bar);
  }
  return tile;
}));

if (data.failures.length) {
  $("#failures").hidden = false;
  table("#failures table", [["at", "n"], ["operation"], ["partition", "n"], ["error", "wide"]],
    data.failures.map((f) => [duration(f.at), f.operation, count(f.partition), f.error]));
}

// ---- task stream: [operation, row, start, took, partition, bytes, rows or -1, failed, depth]

const stream = { view: [0, Math.max(data.wall, 1)], only: null, hover: null };
const LEFT = Math.min(92, 14 + 7 * Math.max(0, ...data.rows.map((r) => r.length)));
const canvas = $("#tasks");
const ROW = Math.max(16, Math.min(34, 260 / Math.max(1, data.rows.length)));

function drawStream() {
  const bottom = data.rows.length * ROW + 6;
  const [pen, full] = fitted(canvas, bottom + 24);
  const width = full - LEFT;
  const [from, to] = stream.view;
  axis(pen, stream.view, LEFT, width, 0, bottom);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  data.rows.forEach((name, i) => {
    pen.fillStyle = token("--quiet");
    pen.fillText(name, 0, i * ROW + ROW / 2 + 2, LEFT - 8);
  });
  const scale = width / (to - from);
  pen.save();
  pen.beginPath(); pen.rect(LEFT, 0, width, bottom); pen.clip();
  for (const task of data.tasks) {
    const [operation, row, start, took, , , , failed, depth] = task;
    if (start + took < from || start > to) continue;
    const inset = Math.min(depth, 3) * 3;
    const x = LEFT + (start - from) * scale;
    const w = Math.max(took * scale - (took * scale > 4 ? 1 : 0), 0.7);
    pen.globalAlpha = stream.only !== null && stream.only !== operation ? 0.12 : 1;
    pen.fillStyle = colour(operation);
    pen.fillRect(x, row * ROW + 3 + inset, w, ROW - 4 - inset * 2);
    if (failed) {
      pen.fillStyle = token("--bad");
      pen.fillRect(x, row * ROW + ROW - 4, Math.max(w, 3), 4);
    }
    if (task === stream.hover) {
      pen.strokeStyle = token("--ink");
      pen.lineWidth = 1.5;
      pen.strokeRect(x - 0.5, row * ROW + 2.5 + inset, w + 1, ROW - 3 - inset * 2);
      pen.lineWidth = 1;
    }
  }
  pen.restore();
}

function taskAt(event) {
  const box = canvas.getBoundingClientRect();
  const [from, to] = stream.view;
  const perPixel = (to - from) / (box.width - LEFT);
  const time = from + (event.clientX - box.left - LEFT) * perPixel;
  const row = Math.floor((event.clientY - box.top) / ROW);
  let best = null;
  for (const task of data.tasks) {
    if (task[1] !== row || task[2] - perPixel * 2 > time || task[2] + task[3] + perPixel * 2 < time) continue;
    if (best === null || task[8] > best[8] || (task[8] === best[8] && task[3] < best[3])) best = task;
  }
  return best;
}

function zoom(factor, at) {
  const [from, to] = stream.view;
  const middle = at === undefined ? (from + to) / 2 : at;
  const span = Math.min(Math.max((to - from) * factor, 10), Math.max(data.wall, 1));
  let start = middle - (middle - from) * (span / (to - from));
  start = Math.min(Math.max(start, 0), Math.max(data.wall, 1) - span);
  stream.view = [start, start + span];
  drawStream();
}

let grip = null;
canvas.addEventListener("pointerdown", (event) => { grip = { x: event.clientX, view: stream.view }; });
addEventListener("pointerup", () => { grip = null; });
canvas.addEventListener("pointermove", (event) => {
  if (grip && event.buttons && Math.abs(event.clientX - grip.x) > 3) {
    const span = grip.view[1] - grip.view[0];
    const moved = ((grip.x - event.clientX) / (canvas.clientWidth - LEFT)) * span;
    const start = Math.min(Math.max(grip.view[0] + moved, 0), Math.max(data.wall, 1) - span);
    stream.view = [start, start + span];
    drawStream();
    return hideTip();
  }
  const task = taskAt(event);
  if (task !== stream.hover) { stream.hover = task; drawStream(); }
  if (!task) return hideTip();
  const [operation, row, start, took, partition, size, rows, failed] = task;
  const lines = [`${duration(took)}, from ${duration(start)}`, `partition ${count(partition)}, ${data.rows[row]}`];
  lines.push(rows >= 0 ? `${count(rows)} rows, ${bytes(size)}` : bytes(size));
  if (failed) lines.push("failed");
  showTip(event, data.operations[operation].name, lines);
});
canvas.addEventListener("pointerleave", () => { stream.hover = null; hideTip(); drawStream(); });
canvas.addEventListener("dblclick", () => { stream.view = [0, Math.max(data.wall, 1)]; drawStream(); });
canvas.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) < 1) return;
  event.preventDefault();
  const box = canvas.getBoundingClientRect();
  const part = (event.clientX - box.left - LEFT) / (box.width - LEFT);
  const at = stream.view[0] + part * (stream.view[1] - stream.view[0]);
  zoom(Math.exp((event.deltaY + event.deltaX) / 300), at);
}, { passive: false });
$("#in").addEventListener("click", () => zoom(0.5));
$("#out").addEventListener("click", () => zoom(2));
$("#all").addEventListener("click", () => { stream.view = [0, Math.max(data.wall, 1)]; drawStream(); });

function drawLegend() {
  const most = 24;
  $("#legend").replaceChildren(...data.operations.slice(0, most).map((o, i) => {
    const chip = make("button", null, { "aria-pressed": String(stream.only === i), title: o.name });
    const dot = make("i");
    dot.style.background = colour(i);
    chip.append(dot, make("em", o.name));
    chip.addEventListener("click", () => {
      stream.only = stream.only === i ? null : i;
      drawLegend();
      drawStream();
    });
    return chip;
  }));
}

if (!data.tasks.length) $("#stream").hidden = true;
if (data.omitted) {
  $("#omitted").hidden = false;
  $("#omitted").textContent = `${count(data.omitted)} tasks are not drawn (the shortest and the oldest); totals have them.`;
}

// ---- operations

function drawOperations() {
  const busy = Math.max(1e-9, data.operations.reduce((sum, o) => sum + o.busy, 0));
  const rows = data.operations.map((o, i) => {
    const name = make("td", null, { class: "wide" });
    const dot = make("i", null, { class: "dot" });
    dot.style.background = colour(i);
    name.append(dot, o.name);
    const share = make("td", ((o.busy / busy) * 100).toFixed(1) + "%");
    const bar = make("span", null, { class: "bar" });
    const fill = make("u");
    fill.style.width = (o.busy / busy) * 100 + "%";
    fill.style.background = colour(i);
    bar.append(fill);
    share.append(bar);
    const tasks = o.done + o.failed;
    const failed = make("td", o.failed ? count(o.failed) : "", o.failed ? { class: "bad" } : {});
    const mean = duration(o.busy / Math.max(1, tasks));
    return [name, share, duration(o.busy), count(tasks), failed, mean, duration(o.longest), count(o.rows), bytes(o.bytes)];
  });
  const heads = [["operation", "wide"], ["share", "n"], ["time", "n"], ["tasks", "n"], ["failed", "n"], ["mean", "n"], ["longest", "n"], ["rows", "n"], ["bytes", "n"]];
  const some = data.operations.some((o) => o.failed);
  const keep = (cells) => cells.filter((_, i) => some || i !== 4);
  table("#operations table", keep(heads), rows.map(keep));
}

// ---- curves: samples are [time, reserved, spilled, resident or -1, busy processors or -1]

function curves(section, lines, show, top) {
  const box = $(section);
  const target = box.querySelector("canvas");
  const points = data.samples;
  const chart = { hover: null };
  const high = Math.max(top, ...lines.flatMap((line) => points.map((p) => (line.dashed ? 0 : line.of(p))))) * 1.06;
  const left = 64;
  const height = 150;
  function draw() {
    const [pen, full] = fitted(target, height + 24);
    const width = full - left - 4;
    const view = [0, Math.max(data.wall, 1)];
    const x = (t) => left + (t / view[1]) * width;
    const y = (v) => height - (v / high) * (height - 8);
    axis(pen, view, left, width, 0, height);
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const bases = show === bytes ? byteSteps(high) : steps(0, high, 3, [1, 2, 5, 10]);
    for (const at of bases) {
      pen.strokeStyle = token("--faint");
      pen.beginPath(); pen.moveTo(left, y(at) + 0.5); pen.lineTo(left + width, y(at) + 0.5); pen.stroke();
      pen.fillStyle = token("--quiet");
      pen.fillText(at === 0 ? "0" : show(at).replace(/\.0+ /, " "), left - 8, Math.max(7, y(at)));
    }
    for (const line of lines) {
      pen.strokeStyle = token(line.colour);
      pen.fillStyle = token(line.colour);
      pen.lineWidth = line.dashed ? 1 : 1.7;
      pen.setLineDash(line.dashed ? [5, 4] : []);
      pen.beginPath();
      points.forEach((p, i) => (i ? pen.lineTo(x(p[0]), y(line.of(p))) : pen.moveTo(x(p[0]), y(line.of(p)))));
      pen.stroke();
      if (line.area && points.length) {
        pen.lineTo(x(points[points.length - 1][0]), y(0));
        pen.lineTo(x(points[0][0]), y(0));
        pen.globalAlpha = 0.14;
        pen.fill();
        pen.globalAlpha = 1;
      }
    }
    pen.setLineDash([]);
    pen.lineWidth = 1;
    if (chart.hover) {
      pen.strokeStyle = token("--quiet");
      pen.beginPath(); pen.moveTo(x(chart.hover[0]), 0); pen.lineTo(x(chart.hover[0]), height); pen.stroke();
    }
  }
  target.addEventListener("pointermove", (event) => {
    const frame = target.getBoundingClientRect();
    const at = ((event.clientX - frame.left - left) / (frame.width - left - 4)) * Math.max(data.wall, 1);
    chart.hover = points.reduce((best, p) => (best && Math.abs(best[0] - at) <= Math.abs(p[0] - at) ? best : p), null);
    draw();
    if (chart.hover) showTip(event, duration(chart.hover[0]), lines.map((line) => `${line.name}: ${show(line.of(chart.hover))}`));
  });
  target.addEventListener("pointerleave", () => { chart.hover = null; hideTip(); draw(); });
  function legend() {
    box.querySelector(".legend").replaceChildren(...lines.map((line) => {
      const chip = make("span");
      const dot = make("i");
      dot.style.background = token(line.colour);
      chip.append(dot, make("em", line.name));
      return chip;
    }));
  }
  return () => { legend(); draw(); };
}

function byteSteps(high) {
  let unit = 1;
  while (high / unit >= 1024) unit *= 1024;
  return steps(0, high / unit, 3, [1, 2, 5, 10]).map((at) => at * unit);
}

const drawings = [drawStream, drawLegend, drawOperations];
const most = Math.max(1, ...data.samples.map((p) => Math.max(p[1], p[2], p[3])));
const memory = [{ name: "reserved", colour: "--held", area: true, of: (p) => p[1] }];
if (data.samples.some((p) => p[3] >= 0)) memory.push({ name: "process", colour: "--resident", of: (p) => Math.max(0, p[3]) });
if (data.spilled) memory.push({ name: "spilled so far", colour: "--spilled", of: (p) => p[2] });
const near = data.limit && data.limit < most * 3;
if (near) memory.push({ name: "limit", colour: "--limit", dashed: true, of: () => data.limit });
if (data.samples.length > 1) drawings.push(curves("#memory", memory, bytes, near ? Math.max(most, data.limit) : most));
else $("#memory").hidden = true;
if (data.samples.length > 1 && data.samples.some((p) => p[4] >= 0)) {
  const busy = [{ name: "busy processors, whole process", colour: "--held", area: true, of: (p) => Math.max(0, p[4]) }];
  drawings.push(curves("#processors", busy, (n) => n.toFixed(n % 1 && n < 10 ? 1 : 0), data.threads));
} else $("#processors").hidden = true;

// ---- runs, settings

if (!data.runs.length) $("#runs").hidden = true;
table("#runs table", [["run", "n"], ["from", "n"], ["took", "n"], ["tasks", "n"], ["state"], ["operations", "wide"]],
  data.runs.map((r) => {
    const state = make("td", r.state, r.state === "failed" ? { class: "bad" } : {});
    return [count(r.run), duration(r.start), r.took === null ? "" : duration(r.took), count(r.ended), state, r.operations];
  }));
table("#settings table", [["what"], ["value", "wide"]], data.settings);
if ($("#graph figure")) $("#graph").hidden = false;

// ---- graph: a node has the colour that its operation has everywhere; its title begins with the name

const places = new Map(data.operations.map((o, i) => [o.name, i]));
function tint() {
  for (const title of document.querySelectorAll("#graph g > title")) {
    const at = places.get(title.textContent.split("\n")[0].replace(/ × [\d,]+$/, ""));
    if (at === undefined) continue;
    title.parentNode.style.setProperty("--operation", colour(at));
    title.parentNode.classList.add("operation");
  }
}
drawings.push(tint);

const drawAll = () => drawings.forEach((draw) => draw());
drawAll();
addEventListener("resize", drawAll);
dark.addEventListener("change", drawAll);
