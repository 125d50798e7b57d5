// Numbers as people read them.

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(n) {
  let unit = 0;
  while (n >= 1023.95 && unit < BYTES.length - 1) { n /= 1024; unit += 1; }
  return `${unit === 0 ? n : n >= 99.95 ? n.toFixed(0) : n >= 9.995 ? n.toFixed(1) : n.toFixed(2)} ${BYTES[unit]}`;
}

// A length of time given in microseconds.
export function time(us) {
  const a = Math.abs(us);
  if (a < 1000) return `${Math.round(us)} µs`;
  if (a < 1e6) return `${(us / 1e3).toFixed(a < 1e4 ? 2 : a < 1e5 ? 1 : 0)} ms`;
  if (a < 60e6) return `${(us / 1e6).toFixed(a < 1e7 ? 2 : 1)} s`;
  const s = Math.round(us / 1e6);
  return s < 3600 ? `${Math.floor(s / 60)}m ${s % 60}s` : `${Math.floor(s / 3600)}h ${Math.floor(s / 60) % 60}m`;
}

export const count = (n) => n.toLocaleString("en-US");

// Thousands are cut where there is little room.
export function short(n) {
  if (n < 10000) return count(Math.round(n));
  if (n < 1e6) return `${(n / 1e3).toFixed(n < 1e5 ? 1 : 0)}k`;
  return n < 1e9 ? `${(n / 1e6).toFixed(n < 1e7 ? 2 : 1)}M` : `${(n / 1e9).toFixed(1)}G`;
}

// Round steps for an axis: about `most` of them up to `top`.
export function steps(top, most, base = 10) {
  const raw = top / Math.max(1, most);
  if (!(raw > 0)) return 1;
  if (base === 2) return 2 ** Math.ceil(Math.log2(raw));
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
}

// A moment on an axis whose marks are `step` apart, both in microseconds.
export function moment(us, step) {
  if (step >= 60e6) return `${Math.round(us / 60e6)} min`;
  const digits = Math.max(0, Math.ceil(-Math.log10(step / 1e6) - 1e-9));
  return `${(us / 1e6).toFixed(Math.min(6, digits))} s`;
}
