// The task stream: a row for each thread, a box for each task.

import { clock, model, nameOf } from "./feed.js";
import { fill, ink, value } from "./colors.js";
import { place, sharp, timeAxis } from "./chart.js";
import * as show from "./format.js";

const LEFT = 76;
const RIGHT = 10;
const AXIS = 24;
const LONGEST = 20e6;
const SHORTEST = 20;

const canvas = document.getElementById("stream");
const tip = document.getElementById("tip");
const detail = document.getElementById("detail");

// What is shown: from `from` to `to`, or what happens now, for `wide` microseconds (0: as it fits).
const view = { follow: true, paused: false, wide: 0, from: 0, to: 1e6, chosen: null, over: null };
let rows = [];
let lane = { top: 4, tall: 26 };
let still = 0;

const plotWidth = () => Math.max(10, canvas.clientWidth - LEFT - RIGHT);
const x = (t) => LEFT + ((t - view.from) / (view.to - view.from)) * plotWidth();
const at = (px) => view.from + ((px - LEFT) / plotWidth()) * (view.to - view.from);

// Somebody looks at something else than what happens now.
export const isStudied = () => view.paused || !view.follow;

export const isLive = () => view.follow && !view.paused && (model.running.length > 0 || clock() - model.active < 6e5);

// In following, the right border is now while something runs, and the end of the last task after that.
function settle() {
  if (!view.follow || view.paused || model.lanes.size === 0) return;
  const now = clock();
  const to = model.running.length > 0 ? now : model.active;
  const wide = view.wide || Math.min(LONGEST, Math.max(1000, to - Math.min(model.begun, to)) * 1.01);
  view.to = to + wide * 0.004;
  view.from = view.to - wide;
}

function rowHeight(lanes) {
  const whole = document.body.dataset.page === "tasks";
  const room = whole ? Math.max(240, window.innerHeight - 330) : 260;
  const most = whole ? 64 : 44;
  return Math.max(7, Math.min(most, Math.floor((room - AXIS) / Math.max(1, lanes))));
}

export function draw() {
  settle();
  rows = [...model.lanes.values()];
  document.getElementById("stream-empty").hidden = rows.length > 0;
  lane = { top: 4, tall: rowHeight(rows.length) };
  const height = lane.top + Math.max(2, rows.length) * lane.tall + AXIS;
  const { context: c, width } = sharp(canvas, height);
  const bottom = height - AXIS;
  timeAxis(c, { left: LEFT, right: width - RIGHT, top: lane.top, bottom, from: view.from, to: view.to });
  labels(c, width);
  c.save();
  c.beginPath();
  c.rect(LEFT, 0, width - LEFT - RIGHT, bottom);
  c.clip();
  let drawn = 0;
  rows.forEach((row, i) => { drawn += drawRow(c, row, lane.top + i * lane.tall); });
  mark(c);
  c.restore();
  canvas.dataset.drawn = drawn;
  canvas.dataset.kept = model.tasks;
  say(drawn);
}

// What the picture says, for those who do not see it; not more often than it can be read out.
function say(drawn) {
  if (performance.now() < still) return;
  still = performance.now() + 2000;
  const span = `${show.moment(view.from, 1e4)} to ${show.moment(view.to, 1e4)}`;
  canvas.setAttribute("aria-label", `Task stream: ${show.count(drawn)} tasks on ${rows.length} threads, ${span}`);
}

function labels(c, width) {
  const every = Math.ceil(15 / lane.tall);
  c.textAlign = "right";
  c.textBaseline = "middle";
  rows.forEach((row, i) => {
    const y = lane.top + i * lane.tall;
    c.fillStyle = value("--sunk");
    c.fillRect(LEFT, y + 1, width - LEFT - RIGHT, lane.tall - 2);
    if (i % every !== 0) return;
    c.fillStyle = value("--soft");
    c.fillText(row.name, LEFT - 9, y + lane.tall / 2 + 0.5);
  });
}

// The first task of a row that is not over before the view begins.
function firstSeen(tasks) {
  let [low, high] = [0, tasks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tasks[middle].end < view.from) low = middle + 1; else high = middle;
  }
  return low;
}

function drawRow(c, row, y) {
  const start = firstSeen(row.tasks);
  let drawn = 0;
  for (let depth = 0; depth <= row.depth; depth += 1) {
    let edge = -1;
    for (let i = start; i < row.tasks.length; i += 1) {
      const task = row.tasks[i];
      if (task.depth !== depth || task.begin > view.to) continue;
      drawn += task.n;
      edge = box(c, task, y, edge);
    }
  }
  for (const task of model.running) {
    if (task.lane === row.id) box(c, { ...task, end: view.paused ? Math.max(task.begin, model.now) : clock() }, y, -1);
  }
  return drawn;
}

// Boxes that are thinner than a pixel are drawn once for each pixel at least, so that nothing short is lost.
function box(c, task, y, edge) {
  const x0 = Math.max(LEFT - 4, x(task.begin));
  const x1 = Math.min(canvas.clientWidth, x(task.end));
  let wide = x1 - x0;
  if (wide < 1) {
    if (x0 < edge + 0.25) return edge;
    wide = 1;
  } else if (wide > 3) {
    wide -= 0.75;
  }
  const inset = Math.min(lane.tall / 3, task.depth * 5);
  const [top, tall] = [y + 2 + inset, Math.max(2, lane.tall - 4 - inset)];
  const name = nameOf(task.op);
  c.fillStyle = fill(c, name);
  if (task.open) c.globalAlpha = 0.6;
  c.fillRect(x0, top, wide, tall);
  c.globalAlpha = 1;
  if (task.failed) failed(c, x0, top, Math.max(wide, 3), tall);
  if (wide > 44 && tall > 13) title(c, name, x0, top, wide, tall, task);
  return x0 + wide;
}

function failed(c, x0, top, wide, tall) {
  c.fillStyle = value("--bad");
  c.fillRect(x0, top, wide, tall);
  c.strokeStyle = ink();
  c.beginPath();
  for (let s = x0 - tall; s < x0 + wide; s += 6) {
    const [a, b] = [Math.max(s, x0), Math.min(s + tall, x0 + wide)];
    c.moveTo(a, top + tall - (a - s));
    c.lineTo(b, top + tall - (b - s));
  }
  c.stroke();
}

function title(c, name, x0, top, wide, tall, task) {
  const from = Math.max(x0, LEFT);
  const room = Math.floor((x0 + wide - from - 12) / 6.6);
  if (room < 4) return;
  const text = task.n > 1 ? `${show.short(task.n)} × ${name}` : name;
  c.fillStyle = ink();
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.fillText(text.length > room ? `${text.slice(0, room - 1)}…` : text, from + 6, top + tall / 2 + 0.5);
}

function mark(c) {
  for (const task of [view.over, view.chosen]) {
    const row = task ? rows.findIndex((r) => r.id === task.lane) : -1;
    if (row < 0) continue;
    c.strokeStyle = value("--ink");
    c.lineWidth = 2;
    const x0 = x(task.begin);
    c.strokeRect(x0 - 1, lane.top + row * lane.tall + 1, Math.max(3, x(task.end) - x0 + 1), lane.tall - 2);
    c.lineWidth = 1;
  }
}

// The task under a point: the innermost one, or the nearest within a finger's width.
function under(px, py, reach = 3) {
  const row = rows[Math.floor((py - lane.top) / lane.tall)];
  if (!row || px < LEFT) return null;
  let [best, near] = [null, Infinity];
  for (let i = firstSeen(row.tasks); i < row.tasks.length; i += 1) {
    const task = row.tasks[i];
    const off = Math.max(x(task.begin) - px, px - x(task.end), 0) - task.depth * 0.01;
    if (off <= reach && off < near) [best, near] = [task, off];
  }
  const open = model.running.findLast((r) => r.lane === row.id && px >= x(r.begin) && px <= x(clock()));
  return best && near <= 0 ? best : open ? { ...open, end: clock() } : best;
}

function words(task) {
  const facts = [];
  facts.push(task.n > 1 ? `${show.count(task.n)} tasks within ${show.time(task.end - task.begin)}` : `${task.open ? "running for" : "took"} ${show.time(task.end - task.begin)}`);
  if (task.n <= 1 && task.part !== null) facts.push(`partition ${task.part}`);
  if (task.bytes > 0) facts.push(`result ${show.bytes(task.bytes)}`);
  if (task.rows !== null && task.rows !== undefined) facts.push(`${show.count(task.rows)} ${task.rows === 1 ? "row" : "rows"}`);
  facts.push(model.lanes.get(task.lane)?.name ?? "", `run ${task.run}`, `began at ${show.moment(task.begin, 1e3)}`);
  if (task.failed) facts.push("failed");
  return facts;
}

function bubble(task, px, py) {
  tip.hidden = !task;
  if (!task) return;
  const name = document.createElement("b");
  name.textContent = nameOf(task.op);
  const lines = words(task).map((w) => {
    const line = document.createElement("span");
    line.textContent = w;
    line.className = w === "failed" ? "fail" : "";
    return line;
  });
  tip.replaceChildren(name, ...lines.flatMap((l, i) => (i === 0 ? [l] : [document.createTextNode(" · "), l])));
  place(tip, px, py, canvas);
}

function choose(task) {
  view.chosen = task;
  const name = document.createElement("b");
  name.textContent = task ? nameOf(task.op) : "";
  detail.replaceChildren(...(task ? [name, ` ${words(task).join(" · ")}`] : []));
}

// Zooming and moving leave what happens now.

function release() {
  view.follow = false;
  buttons();
}

export function zoom(factor, middle = null) {
  if (view.follow && !view.paused && middle === null) {
    view.wide = Math.min(3600e6, Math.max(SHORTEST, (view.to - view.from) * factor));
    return;
  }
  const m = middle ?? (view.from + view.to) / 2;
  const wide = Math.min(3600e6, Math.max(SHORTEST, (view.to - view.from) * factor));
  const share = (m - view.from) / (view.to - view.from);
  view.from = m - wide * share;
  view.to = view.from + wide;
  release();
}

function move(by) {
  view.from += by;
  view.to += by;
  release();
}

export function follow(on = !view.follow) {
  view.follow = on;
  view.wide = 0;
  if (on) view.paused = false;
  buttons();
}

export function pause(on = !view.paused) {
  view.paused = on;
  buttons();
}

export function fit() {
  const tasks = rows.flatMap((r) => r.tasks.slice(0, 1));
  if (tasks.length === 0) return;
  view.from = Math.min(...tasks.map((t) => t.begin));
  view.to = Math.max(model.active, view.from + 1000);
  const wide = view.to - view.from;
  view.from -= wide * 0.01;
  view.to += wide * 0.01;
  release();
}

function buttons() {
  document.getElementById("pause").setAttribute("aria-pressed", view.paused);
  document.getElementById("pause-text").textContent = view.paused ? "Go on" : "Pause";
  document.getElementById("follow").setAttribute("aria-pressed", view.follow && !view.paused);
}

// From task to task with the keyboard, through time.
function stepTask(by) {
  const all = rows.flatMap((r) => r.tasks).filter((t) => t.end >= view.from && t.begin <= view.to);
  all.sort((a, b) => a.begin - b.begin || a.lane - b.lane);
  if (all.length === 0) return;
  const now = all.indexOf(view.chosen);
  choose(all[now < 0 ? (by > 0 ? 0 : all.length - 1) : (now + by + all.length) % all.length]);
}

const KEYS = {
  ArrowLeft: () => move(-(view.to - view.from) * 0.15), ArrowRight: () => move((view.to - view.from) * 0.15),
  ArrowUp: () => zoom(0.7), ArrowDown: () => zoom(1 / 0.7), "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7),
  " ": () => pause(), f: () => follow(), 0: () => fit(), Enter: (e) => stepTask(e.shiftKey ? -1 : 1), Escape: () => choose(null),
};

function pointers(changed) {
  const down = new Map();
  let moved = 0;
  const apart = () => { const [a, b] = [...down.values()]; return Math.abs(a.x - b.x); };
  canvas.addEventListener("pointerdown", (e) => {
    down.set(e.pointerId, { x: e.offsetX });
    moved = 0;
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    const was = down.get(e.pointerId);
    if (!was) {
      view.over = e.pointerType === "mouse" ? under(e.offsetX, e.offsetY) : null;
      bubble(view.over, e.offsetX, e.offsetY);
      return changed();
    }
    const before = down.size === 2 ? apart() : 0;
    const by = e.offsetX - was.x;
    was.x = e.offsetX;
    moved += Math.abs(by);
    if (moved < 5) return;
    canvas.classList.add("moving");
    tip.hidden = true;
    if (down.size === 2) zoom(Math.max(10, before) / Math.max(10, apart()), at([...down.values()].reduce((s, p) => s + p.x / 2, 0)));
    else move((-by / plotWidth()) * (view.to - view.from));
    changed();
  });
  const up = (e) => {
    if (down.delete(e.pointerId) && moved < 5 && e.type === "pointerup") choose(under(e.offsetX, e.offsetY, e.pointerType === "mouse" ? 3 : 14));
    canvas.classList.remove("moving");
    changed();
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => { view.over = null; tip.hidden = true; changed(); });
}

export function start(changed) {
  pointers(changed);
  canvas.addEventListener("wheel", (e) => {
    if (e.ctrlKey || e.metaKey) zoom(Math.exp(Math.max(-60, Math.min(60, e.deltaY)) * 0.006), at(e.offsetX));
    else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) move((e.deltaX / plotWidth()) * (view.to - view.from));
    else return;
    e.preventDefault();
    changed();
  }, { passive: false });
  canvas.addEventListener("dblclick", (e) => { zoom(0.4, at(e.offsetX)); changed(); });
  canvas.addEventListener("keydown", (e) => {
    const act = !e.ctrlKey && !e.metaKey && !e.altKey ? KEYS[e.key] : null;
    if (!act) return;
    e.preventDefault();
    act(e);
    changed();
  });
  for (const [id, act] of [["pause", pause], ["follow", follow], ["fit", fit], ["zoom-in", () => zoom(0.5)], ["zoom-out", () => zoom(2)]]) {
    document.getElementById(id).addEventListener("click", () => { act(); changed(); });
  }
}
