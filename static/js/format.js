// Numbers and times as people read them, without Intl (too slow for sixty frames a second); and writing them only when they changed.
import { abs, round, text } from "./decimal.js";

const MINUS = "−";

/** Thousands grouped, true minus: "-1234.50" -> "−1,234.50". */
export function group(plain) {
  const minus = plain.startsWith("-");
  const body = minus ? plain.slice(1) : plain;
  const dot = body.indexOf(".");
  const whole = dot < 0 ? body : body.slice(0, dot);
  let out = "";
  for (let end = whole.length; end > 0; end -= 3) out = whole.slice(Math.max(0, end - 3), end) + (out ? "," + out : "");
  return (minus ? MINUS : "") + out + (dot < 0 ? "" : body.slice(dot));
}

/** Canonical text with exactly `decimals` places and thousands: ("1234.5", 2) -> "1,234.50". */
export function fixed(plain, decimals) {
  if (plain === null || plain === undefined || plain === "") return "–";
  const [whole, part = ""] = String(plain).split(".");
  return group(decimals > 0 ? whole + "." + part.slice(0, decimals).padEnd(decimals, "0") : whole);
}

/** A whole number of 10^-decimals as text with thousands: (6425130, 2) -> "64,251.30". */
export function units(number, decimals) {
  const minus = number < 0 ? "-" : "";
  const digits = String(Math.abs(number)).padStart(decimals + 1, "0");
  return group(minus + (decimals ? digits.slice(0, -decimals) + "." + digits.slice(-decimals) : digits));
}

/** Canonical text as a whole number of 10^-decimals. Exact while it stays below 2^53: prices and sizes on the screen, never money. */
export function toUnits(plain, decimals) {
  const [whole, part = ""] = String(plain).split(".");
  return Number(whole + part.slice(0, decimals).padEnd(decimals, "0"));
}

/** A BigInt amount rounded for display, at most `decimals` places. */
export const amount = (value, decimals = 2) => group(text(round(value, decimals), decimals));

/** As amount, but a small value keeps its digits: at least four that say something. */
export function value(units18, decimals = 2) {
  let need = decimals;
  for (let size = abs(units18); size > 0n && size < 10n ** 18n && need < 12; need += 1) {
    if (size * 10n ** BigInt(need) >= 1000n * 10n ** 18n) break;
  }
  const shown = amount(units18, need);
  return need > decimals ? shown.replace(new RegExp(`(\\.\\d{${decimals}}\\d*?)0+$`), "$1") : shown;
}

/** With its sign, always: "+1.20", "−0.30". */
export const signed = (units18, decimals = 2) => (units18 >= 0n ? "+" : "") + amount(units18, decimals);
export const direction = (units18) => (units18 > 0n ? "up" : units18 < 0n ? "down" : "");

/** A volume in four figures: 18420.5 -> "18,420", 1.2e9 -> "1.200 B". For charts and summaries only. */
export function compact(number) {
  if (!Number.isFinite(number)) return "–";
  for (const [size, letter] of [[1e12, " T"], [1e9, " B"], [1e6, " M"]]) if (number >= size) return (number / size).toFixed(3) + letter;
  return group(number.toFixed(number >= 1000 ? 0 : number >= 1 ? 2 : 4));
}

const two = (n) => (n < 10 ? "0" + n : String(n));
/** hh:mm:ss UTC of milliseconds. */
export function clock(ms) {
  const s = Math.floor(ms / 1000);
  return two(Math.floor(s / 3600) % 24) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
}
/** "11-21 03:04:05" for an ISO time. */
export const stamp = (iso) => (iso ? String(iso).slice(5, 19).replace("T", " ") : "–");
/** Age of a time as m:ss, h:mm:ss or days. */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 172800) return Math.floor(s / 86400) + " d";
  const tail = two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  return s >= 3600 ? Math.floor(s / 3600) + ":" + tail : tail;
}

/** Write a node's text only when it changed, into the text node it has. */
export function set(node, string) {
  if (!node || node._text === string) return;
  node._text = string;
  const first = node.firstChild;
  if (first && first.nodeType === 3 && node.childNodes.length === 1) first.nodeValue = string;
  else node.textContent = string;
}

/** Set a class attribute only when it changed. */
export function cls(node, name) {
  if (!node || node._cls === name) return;
  node._cls = name;
  node.className = name;
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** An element: el("td", "l", "text") or el("div", "x", child, child). */
export function el(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An icon of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#" + name);
  svg.append(use);
  return svg;
}
