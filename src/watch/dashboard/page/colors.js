// One colour for one name, always the same: a fixed hash chooses one of eight colours, plain, striped or dotted. The colours were
// searched for so that they stay apart for people with protanopia, deuteranopia and tritanopia too (a distance of 13 and more in
// CIE Lab, seen as Machado, Oliveira and Fernandes 2009 describe), and from the red of failures, on light and on dark paper.

const LIGHT = ["#176cc3", "#bf5d00", "#3c864f", "#7e3786", "#8172b0", "#544736", "#2b2952", "#ba5581"];
const DARK = ["#5c83e5", "#c96d31", "#3ddfa0", "#c183c1", "#91caef", "#e8af46", "#dedeeb", "#ce8199"];
const PLACES = 3 * LIGHT.length;

export const theme = { dark: false };

function hash(text) {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  // the low bits of this hash follow the last letter too closely
  h ^= h >>> 15;
  return Math.imul(h, 0x2c1b3c6d) >>> 0;
}

const known = new Map();
const taken = new Set();

// Names that fall on one colour are told apart for as long as there are colours, and then textures: the later one goes on to a
// free one.
export function place(name) {
  const before = known.get(name);
  if (before !== undefined) return before;
  const colors = LIGHT.length;
  const used = new Set([...taken].map((at) => at % colors));
  let at = hash(name) % PLACES;
  if (used.size < colors) while (used.has(at % colors)) at = at - (at % colors) + ((at + 3) % colors);
  else if (taken.size < PLACES) while (taken.has(at)) at = (at + 5) % PLACES;
  known.set(name, at);
  taken.add(at);
  return at;
}

export const color = (name) => (theme.dark ? DARK : LIGHT)[place(name) % LIGHT.length];
const texture = (name) => Math.floor(place(name) / LIGHT.length);
const grain = () => (theme.dark ? "rgb(0 0 0 / 30%)" : "rgb(255 255 255 / 34%)");

// The ink that can be read on a task.
export const ink = () => (theme.dark ? "#0b1116" : "#ffffff");

// How an operation looks in a part of the page.
export function background(name) {
  const c = color(name);
  const over = [null, `repeating-linear-gradient(135deg, ${grain()} 0 2px, transparent 2px 6px)`, `radial-gradient(${grain()} 28%, transparent 32%) 0 0 / 6px 6px`];
  return texture(name) === 0 ? c : `${over[texture(name)]}, ${c}`;
}

const fills = new Map();

// The same for a canvas.
export function fill(context, name) {
  const c = color(name);
  if (texture(name) === 0) return c;
  const id = `${c} ${texture(name)}`;
  if (!fills.has(id)) fills.set(id, context.createPattern(tile(c, texture(name)), "repeat"));
  return fills.get(id);
}

function tile(c, kind) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 12;
  const t = canvas.getContext("2d");
  t.fillStyle = c;
  t.fillRect(0, 0, 12, 12);
  t.strokeStyle = t.fillStyle = grain();
  t.lineWidth = 2.6;
  if (kind === 1) for (const x of [-12, 0, 12]) { t.beginPath(); t.moveTo(x - 2, 14); t.lineTo(x + 14, -2); t.stroke(); }
  if (kind === 2) for (const [x, y] of [[3, 3], [9, 3], [3, 9], [9, 9]]) { t.beginPath(); t.arc(x, y, 1.5, 0, 7); t.fill(); }
  return canvas;
}

// A value of the style sheet.
let values = null;
export function value(name) {
  values ??= getComputedStyle(document.documentElement);
  return values.getPropertyValue(name).trim();
}

export function dress(dark) {
  theme.dark = dark;
  values = null;
  fills.clear();
  document.documentElement.classList.toggle("dark", dark);
  (dark ? DARK : LIGHT).forEach((c, i) => document.documentElement.style.setProperty(`--place-${i}`, c));
}
