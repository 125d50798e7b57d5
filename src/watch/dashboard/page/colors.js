// One colour for one name, always the same: a fixed hash chooses one of twelve colours that people with any colour vision
// can tell apart (hues of Okabe and Ito, and their lighter and darker sisters), plain or striped. Red is kept for failures.

const LIGHT = ["#2166ac", "#c25a0c", "#0a7f5a", "#8a3d8f", "#1787b3", "#8d7008", "#7d1d4f", "#3b2f92", "#2a9187", "#7a4a21", "#5b6673", "#5a7a1c"];
const DARK = ["#6ea8dc", "#f0884a", "#35c795", "#cf8ad3", "#8fdcf7", "#e6c95a", "#d4628f", "#978df0", "#7ad9cf", "#c4956c", "#a9b5c1", "#b2d067"];

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
const PLACES = 2 * LIGHT.length;

// Two names that fall on one place are told apart for as long as there are places: the later one goes on to a free one.
function place(name) {
  let at = known.get(name);
  if (at !== undefined) return at;
  at = hash(name) % PLACES;
  if (taken.size < PLACES) while (taken.has(at)) at = (at + 7) % PLACES;
  known.set(name, at);
  taken.add(at);
  return at;
}

export const color = (name) => (theme.dark ? DARK : LIGHT)[place(name) % LIGHT.length];
export const striped = (name) => place(name) >= LIGHT.length;

// The ink that can be read on a task.
export const ink = () => (theme.dark ? "#0b1116" : "#ffffff");

// The same for a part of the page.
export function background(name) {
  const c = color(name);
  const other = theme.dark ? "rgb(0 0 0 / 26%)" : "rgb(255 255 255 / 30%)";
  return striped(name) ? `repeating-linear-gradient(135deg, ${other} 0 2px, transparent 2px 6px), ${c}` : c;
}

const fills = new Map();

// The same for a canvas.
export function fill(context, name) {
  const c = color(name);
  if (!striped(name)) return c;
  const id = c + theme.dark;
  if (!fills.has(id)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 12;
    const t = tile.getContext("2d");
    t.fillStyle = c;
    t.fillRect(0, 0, 12, 12);
    t.strokeStyle = theme.dark ? "rgb(0 0 0 / 26%)" : "rgb(255 255 255 / 30%)";
    t.lineWidth = 2.6;
    for (const x of [-12, 0, 12]) { t.beginPath(); t.moveTo(x - 2, 14); t.lineTo(x + 14, -2); t.stroke(); }
    fills.set(id, context.createPattern(tile, "repeat"));
  }
  return fills.get(id);
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
}
