// Exact decimals for money: a BigInt of 10^-18. No float ever touches a price, a quantity or a value in the ticket.

export const SCALE = 18;
const ONE = 10n ** 18n;
const PLAIN = /^(-?)(\d{1,20})(?:\.(\d{0,18}))?$/;

/** Text to a BigInt of 10^-18, or null when it is no plain decimal. Thousands separators are a person's habit and are dropped. */
export function parse(text) {
  const found = PLAIN.exec(String(text ?? "").replace(/[,\s]/g, "").replace("−", "-").replace(/^(-?)\./, "$10."));
  if (!found) return null;
  const units = BigInt(found[2]) * ONE + BigInt((found[3] || "").padEnd(SCALE, "0"));
  return found[1] ? -units : units;
}

/** Text the server sent, as a BigInt of 10^-18; 0 for null. */
export function money(text) {
  return parse(text ?? "0") ?? 0n;
}

/** A BigInt of 10^-18 as canonical text, or with exactly `places` (rest cut off, never rounded up). */
export function text(units, places = null) {
  const minus = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(SCALE + 1, "0");
  const whole = digits.slice(0, -SCALE);
  const part = places === null ? digits.slice(-SCALE).replace(/0+$/, "") : digits.slice(-SCALE).slice(0, places);
  return minus + whole + (part ? "." + part : "");
}

export const mul = (a, b) => (a * b) / ONE;
export const div = (a, b) => (b === 0n ? 0n : (a * ONE) / b);
export const abs = (a) => (a < 0n ? -a : a);
export const min = (a, b) => (a < b ? a : b);

/** The largest multiple of `step` that is not above `value` (value >= 0). */
export const floorTo = (value, step) => (step > 0n ? value - (value % step) : value);
export const isMultiple = (value, step) => step <= 0n || value % step === 0n;

/** Decimal places a step needs: "0.01" -> 2, "10" -> 0. */
export function places(step) {
  const part = String(step).split(".")[1] || "";
  return part.replace(/0+$/, "").length;
}

/** Rounded half away from zero to `decimals`. For display of values only. */
export function round(units, decimals) {
  const step = 10n ** BigInt(SCALE - decimals);
  const half = step / 2n;
  return units < 0n ? -(((-units + half) / step) * step) : ((units + half) / step) * step;
}
