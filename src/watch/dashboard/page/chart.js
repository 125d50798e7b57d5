// A line over time on a canvas, with an axis, a hover line and nothing more.

import { value } from "./colors.js";
import { moment, steps } from "./format.js";

export const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

// A canvas made as sharp as the screen.
export function sharp(canvas, height) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const width = canvas.clientWidth;
  const tall = height ?? canvas.clientHeight;
  if (height && canvas.style.height !== `${height}px`) canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(tall * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(tall * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, tall);
  context.font = FONT;
  return { context, width, height: tall };
}

// Marks of time below a plot from `left` to `right`.
export function timeAxis(c, { left, right, bottom, top, from, to, zero = 0 }) {
  const step = steps(to - from, Math.max(2, (right - left) / 110));
  const x = (t) => left + ((t - from) / (to - from)) * (right - left);
  c.textAlign = "center";
  c.textBaseline = "top";
  for (let t = Math.ceil((from - zero) / step) * step + zero; t <= to; t += step) {
    const at = Math.round(x(t)) + 0.5;
    c.strokeStyle = value("--line");
    c.beginPath();
    c.moveTo(at, top);
    c.lineTo(at, bottom);
    c.stroke();
    const label = moment(t - zero, step);
    const half = c.measureText(label).width / 2;
    c.fillStyle = value("--soft");
    if (at - half > left - 30 && at + half < right + 4) c.fillText(label, at, bottom + 6);
  }
}

// `bands` are plots one above the other: { share, series: [{ at, color, thin }], top, limit, label, base }.
export function chart(canvas, samples, window, bands) {
  const { context: c, width, height } = sharp(canvas);
  const [left, right, bottom] = [64, width - 10, height - 24];
  const [from, to] = window;
  const x = (t) => left + ((t - from) / Math.max(1, to - from)) * (right - left);
  timeAxis(c, { left, right, bottom, top: 6, from, to });
  const first = Math.max(0, samples.findIndex((s) => s.at >= from) - 1);
  const seen = samples.slice(first);
  const gap = 14;
  let y0 = 8;
  for (const band of bands) {
    const tall = (bottom - 8 - gap * (bands.length - 1)) * band.share;
    plot(c, { band, seen, x, left, right, top: y0, bottom: y0 + tall });
    y0 += tall + gap;
  }
  return { left, right, at: (px) => from + ((px - left) / (right - left)) * (to - from), x };
}

function plot(c, { band, seen, x, left, right, top, bottom }) {
  const most = Math.max(band.top, 1e-9);
  const y = (v) => bottom - (Math.min(v, most) / most) * (bottom - top);
  const step = steps(most, Math.max(1, (bottom - top) / 44), band.base);
  c.textAlign = "right";
  c.textBaseline = "middle";
  for (let v = 0; v <= most * 1.001; v += step) {
    c.strokeStyle = value("--line");
    c.beginPath();
    c.moveTo(left, Math.round(y(v)) + 0.5);
    c.lineTo(right, Math.round(y(v)) + 0.5);
    c.stroke();
    c.fillStyle = value("--soft");
    c.fillText(band.label(v), left - 8, y(v));
  }
  c.save();
  c.beginPath();
  c.rect(left, top - 4, right - left, bottom - top + 5);
  c.clip();
  for (const { at, color, thin } of band.series) {
    if (seen.length === 0) continue;
    c.beginPath();
    seen.forEach((s, i) => (i === 0 ? c.moveTo(x(s.at), y(at(s))) : c.lineTo(x(s.at), y(at(s)))));
    c.lineWidth = thin ? 1.4 : 2;
    c.lineJoin = "round";
    c.strokeStyle = color;
    c.stroke();
    if (thin) continue;
    c.lineTo(x(seen.at(-1).at), bottom);
    c.lineTo(x(seen[0].at), bottom);
    c.globalAlpha = 0.16;
    c.fillStyle = color;
    c.fill();
    c.globalAlpha = 1;
  }
  if (band.limit > 0 && band.limit <= most) {
    c.strokeStyle = value("--limit");
    c.lineWidth = 1.5;
    c.setLineDash([6, 4]);
    c.beginPath();
    c.moveTo(left, y(band.limit));
    c.lineTo(right, y(band.limit));
    c.stroke();
  }
  c.restore();
  c.lineWidth = 1;
}

// Shows what was where the pointer is.
export function hover(canvas, tip, look) {
  const hide = () => { tip.hidden = true; };
  canvas.addEventListener("pointermove", (event) => {
    const text = look(event.offsetX);
    if (!text) return hide();
    tip.textContent = text;
    tip.hidden = false;
    place(tip, event.offsetX, event.offsetY, canvas);
  });
  canvas.addEventListener("pointerleave", hide);
}

// A tip beside the pointer, inside its plot.
export function place(tip, x, y, canvas) {
  const [w, h] = [tip.offsetWidth, tip.offsetHeight];
  tip.style.left = `${Math.max(0, Math.min(x + 14, canvas.clientWidth - w))}px`;
  tip.style.top = `${y - h - 12 < -40 ? y + 18 : y - h - 12}px`;
}
