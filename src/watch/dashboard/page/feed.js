// What the server has told: one model that every panel reads, kept up to date by a stream of differences.

import { place } from "./colors.js";

const MOST_TASKS = 60000;
const MOST_SAMPLES = 4000;
const MOST_LOGS = 500;
const MOST_RUNS = 200;

export const model = empty();

function empty() {
  return {
    server: null, about: null, now: 0, heard: 0, kept: 0, tasks: 0, spans: 0, begun: Infinity, active: 0,
    operations: new Map(), lanes: new Map(), running: [], samples: [], runs: new Map(), logs: [],
    totals: { done: 0, failed: 0, running: 0, planned: 0, runs: 0, rate: 0 }, pulse: [], coarse: [],
  };
}

// Where the server's clock is now, in microseconds since it began.
export const clock = () => model.now + (model.heard ? (performance.now() - model.heard) * 1000 : 0);

export const nameOf = (operation) => model.operations.get(operation)?.name ?? "…";

function apply(delta) {
  if (model.server !== delta.server) Object.assign(model, empty(), { server: delta.server });
  if (delta.about) model.about = delta.about;
  model.now = delta.now;
  model.heard = performance.now();
  if (delta.coarse) model.coarse.push(delta.coarse);
  // in the order in which they were first seen, so that every page gives them the same colours
  for (const o of (delta.operations ?? []).sort((a, b) => a.id - b.id)) {
    place(o.name);
    model.operations.set(o.id, o);
  }
  for (const [thread, worker] of delta.threads ?? []) addLane(thread, worker);
  for (const t of delta.tasks ?? []) addTask(t);
  if (model.spans > MOST_TASKS) forget();
  model.running = delta.running.map(([lane, op, begin, part, depth, run]) => ({ lane, op, begin, part, depth, run, n: 1, open: true }));
  for (const task of model.running) {
    burst(task.begin);
    model.active = Math.max(model.active, delta.now);
  }
  addSamples(delta.samples ?? []);
  for (const r of delta.runs ?? []) model.runs.set(r.id, r);
  for (const id of [...model.runs.keys()].slice(0, Math.max(0, model.runs.size - MOST_RUNS))) model.runs.delete(id);
  for (const [at, level, text] of delta.logs ?? []) model.logs.push({ at, level, text });
  if (model.logs.length > MOST_LOGS) model.logs.splice(0, model.logs.length - MOST_LOGS);
  Object.assign(model.totals, delta.totals);
  model.pulse.push([delta.now, model.totals.done + model.totals.failed]);
  while (model.pulse.length > 2 && model.pulse[0][0] < delta.now - 3e6) model.pulse.shift();
}

// A row for each thread; those of no pool come first.
function addLane(id, worker) {
  if (model.lanes.has(id)) return;
  const lane = { id, worker, name: worker === null ? "caller" : `thread ${worker}`, tasks: [], depth: 0 };
  const order = (l) => [l.worker ?? -1, l.id];
  const by = ([, a], [, b]) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1];
  model.lanes = new Map([...model.lanes, [id, lane]].sort(by));
}

// Processor time comes as a sum; what is shown is how many cores were busy since the sample before.
function addSamples(samples) {
  for (const [at, held, spilled, cpu, resident] of samples) {
    const before = model.samples.at(-1);
    const cores = before && cpu !== null && at > before.at ? Math.max(0, (cpu - before.cpu) / (at - before.at)) : 0;
    model.samples.push({ at, held, spilled, cpu: cpu ?? 0, resident: resident ?? 0, cores });
  }
  if (model.samples.length > 1 && model.samples[0].cores === 0) model.samples[0].cores = model.samples[1].cores;
  if (model.samples.length > MOST_SAMPLES) model.samples.splice(0, model.samples.length - MOST_SAMPLES);
}

// A new burst of work begins after some seconds of silence.
function burst(begin) {
  if (begin > model.active + 3e6) model.begun = begin;
  model.begun = Math.min(model.begun, begin);
}

function addTask([thread, op, begin, took, n, part, bytes, rows, depth, failed, run, number]) {
  const lane = model.lanes.get(thread);
  if (!lane) return;
  lane.depth = Math.max(lane.depth, depth);
  const task = { lane: thread, op, begin, end: begin + took, n, part, bytes, rows, failed: failed === 1, run, number, depth };
  lane.tasks.push(task);
  model.tasks += n;
  model.spans += 1;
  burst(begin);
  model.active = Math.max(model.active, task.end);
}

// The oldest eighth goes.
function forget() {
  const all = [...model.lanes.values()].flatMap((l) => l.tasks.map((t) => t.end)).sort((a, b) => a - b);
  const border = all[Math.floor(all.length / 8)];
  for (const lane of model.lanes.values()) lane.tasks = lane.tasks.filter((t) => t.end > border);
  count();
}

const MOST_REFINED = 30000;
let refining = false;

// Where tasks came too fast, the server told of several as one. It is asked for each of them when there is time: when
// nothing runs, or when somebody looks closely.
export async function refine(changed) {
  if (refining || model.coarse.length === 0) return;
  refining = true;
  const { server, coarse } = model;
  let [from, to] = coarse.pop();
  while (coarse.length > 0 && coarse.at(-1)[1] === from && to - coarse.at(-1)[0] <= MOST_REFINED) from = coarse.pop()[0];
  try {
    const answer = await fetch(`/api/v1/boxes?from=${Math.max(from, to - MOST_REFINED)}&to=${to}`);
    const { tasks } = await answer.json();
    if (model.server === server) exchange(Math.max(from, to - MOST_REFINED), to, tasks);
  } catch { /* what was told first stays */ }
  // what is further back than can be kept is not asked for
  if (model.spans >= MOST_TASKS / 2) model.coarse = [];
  refining = false;
  changed();
}

function exchange(from, to, tasks) {
  for (const lane of model.lanes.values()) {
    lane.tasks = lane.tasks.filter((t) => t.number < from || t.number >= to);
  }
  for (const t of tasks) addTask(t);
  for (const lane of model.lanes.values()) lane.tasks.sort((a, b) => a.end - b.end);
  count();
  if (model.spans > MOST_TASKS) forget();
}

function count() {
  model.spans = 0;
  model.tasks = 0;
  for (const lane of model.lanes.values()) {
    model.spans += lane.tasks.length;
    for (const t of lane.tasks) model.tasks += t.n;
  }
}

// Tasks ended per second, over the last seconds.
export function rate() {
  const [first, last] = [model.pulse[0], model.pulse.at(-1)];
  return !last || last[0] <= first[0] ? 0 : ((last[1] - first[1]) * 1e6) / (last[0] - first[0]);
}

// Listens for as long as the page can be seen; goes on where it was after the line was cut.
export function listen(changed, state) {
  let source = null;
  let cursor = "";
  let again = 0;
  const open = () => {
    clearTimeout(again);
    if (document.hidden || source) return;
    source = new EventSource(`/api/v1/stream?since=${encodeURIComponent(cursor)}`);
    source.onopen = () => state("on");
    source.onmessage = (event) => {
      cursor = event.lastEventId;
      apply(JSON.parse(event.data));
      changed();
    };
    source.onerror = () => {
      state("off");
      close();
      again = setTimeout(open, 1000);
    };
  };
  const close = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
}
