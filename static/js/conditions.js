// What an order waits for, how long it stands and what follows it: the ticket's fields beside price and quantity.
import { $, $$, cls, fixed, set } from "./format.js";
import { isMultiple, parse, places, text } from "./decimal.js";

/** Types with a price of their own, and types that wait for the last price. */
export const PRICED = new Set(["limit", "stop_limit", "take_profit_limit"]);
export const STOPPED = new Set(["stop", "stop_limit", "take_profit", "take_profit_limit"]);
export const TYPES = new Set([...PRICED, ...STOPPED, "market", "trailing_stop"]);
const HUNDREDTH = 10n ** 16n;
const HUNDRED = 100n * 10n ** 18n;
const TIFS = { limit: ["gtc", "day", "gtd", "ioc", "fok"], market: ["ioc", "fok"] };
const WAITING = ["gtc", "day", "gtd"];

export class Conditions {
  constructor(instrument, tick, changed) {
    this.tick_size = instrument.tick_size;
    this.tick = tick;
    this.places = places(instrument.tick_size);
    this.stop = $("#stop_price");
    this.trail = $("#trail");
    this.unit = $("#trail-unit");
    this.tif = $("#tif");
    this.expires = $("#expires_at");
    this.post_only = $("#post_only");
    this.reduce_only = $("#reduce_only");
    this.profit = $("#take_profit");
    this.loss = $("#stop_loss");
    this.loss_limit = $("#stop_loss_limit");
    for (const input of [this.stop, this.trail, this.expires, this.profit, this.loss, this.loss_limit]) input.addEventListener("input", () => changed());
    for (const box of [this.unit, this.tif, this.post_only, this.reduce_only]) box.addEventListener("change", () => changed());
  }

  /** Which times in force the type has; one it has not is left for its first. */
  setType(type) {
    const allowed = TIFS[type] || WAITING;
    for (const option of $$("option", this.tif)) option.hidden = option.disabled = !allowed.includes(option.value);
    if (!allowed.includes(this.tif.value)) this.tif.value = allowed[0];
  }

  /** {stop, body, problems}: the stop price, the fields as they are sent, and a sentence for each field that cannot be.
   *  `price` is its own, or what the market would give. */
  read(type, side, price, taking) {
    const body = { time_in_force: this.tif.value };
    const problems = {};
    const stop = STOPPED.has(type) ? this.#price(this.stop, "stop", problems, "Enter a stop price.") : null;
    if (stop !== null) body.stop_price = text(stop);
    if (type === "trailing_stop") this.#trail(body, problems);
    if (this.tif.value === "gtd") this.#expiry(body, problems);
    if (this.#posts(type)) {
      body.post_only = true;
      if (taking) problems.price = "Would trade at once; post-only waits.";
    }
    if (this.reduce_only.checked) body.reduce_only = true;
    this.#follow(type, side, PRICED.has(type) ? price : (stop ?? price), body, problems);
    return { stop, body, problems };
  }

  draw(type, side, problems, shown) {
    const show = (selector, on) => void ($(selector).hidden = !on);
    const stops = STOPPED.has(type);
    show(".kind", stops || type === "trailing_stop");
    if (stops || type === "trailing_stop") $("#kind").value = type;
    show(".field-stop", stops);
    show(".field-trail", type === "trailing_stop");
    show(".field-price", PRICED.has(type) || type === "market");
    show(".field-expires", this.tif.value === "gtd");
    show("#post-only-box", type === "limit");
    const reduces = this.reduce_only.checked;
    show("#follow", !reduces || type === "limit");
    show(".profit-box", !reduces);
    const up = (side === "buy") === type.startsWith("stop");
    set($("#stop-when"), `when the last is ${up ? "at or above" : "at or below"}`);
    const set_ = [this.profit.value && !reduces ? "TP " + this.profit.value : "", this.loss.value ? "SL " + this.loss.value : ""];
    set($("#follow-set"), set_.filter(Boolean).join(" · "));
    for (const [name, input] of [["stop", this.stop], ["trail", this.trail], ["expires", this.expires], ["follow", this.loss]]) {
      const on = Boolean(problems[name]) && shown && (name === "follow" || input.value !== "");
      cls($(`#${name}-msg`), "msg" + (on ? " on" : ""));
      set($(`#${name}-msg span`), on ? problems[name] : "");
      input.setAttribute("aria-invalid", String(on));
      $(`.field-${name}`)?.classList.toggle("bad", on);
    }
    if (problems.follow) $("#follow").open = true;
  }

  /** The first field with a problem, for focus. */
  wrong(problems) {
    if (problems.stop) return this.stop;
    if (problems.trail) return this.trail;
    if (problems.expires) return this.expires;
    return problems.follow ? this.loss : null;
  }

  /** What the button says of it: "stop 60,000.00", "trail 1.5%". */
  words(type, stop) {
    if (type === "trailing_stop") return `trail ${this.trail.value || "–"}${this.unit.value === "percent" ? "%" : ""}`;
    if (!STOPPED.has(type)) return "";
    return `${type.startsWith("stop") ? "stop" : "at"} ${stop === null ? "–" : fixed(text(stop), this.places)}`;
  }

  fill({ stop_price, trail_amount, trail_percent, time_in_force, post_only, reduce_only, take_profit, stop_loss }) {
    if (stop_price) this.stop.value = fixed(stop_price, this.places);
    if (trail_amount || trail_percent) {
      this.trail.value = trail_percent || trail_amount;
      this.unit.value = trail_percent ? "percent" : "amount";
    }
    if (time_in_force) this.tif.value = time_in_force;
    this.post_only.checked = Boolean(post_only);
    this.reduce_only.checked = Boolean(reduce_only);
    this.profit.value = take_profit?.price ?? "";
    this.loss.value = stop_loss?.stop_price ?? "";
    this.loss_limit.value = stop_loss?.limit_price ?? "";
  }

  #posts(type) {
    return type === "limit" && this.post_only.checked;
  }

  #price(input, name, problems, missing) {
    const price = parse(input.value);
    if (price === null || price <= 0n) problems[name] = missing;
    else if (!isMultiple(price, this.tick)) problems[name] = `Must be a multiple of ${this.tick_size}.`;
    return price;
  }

  #trail(body, problems) {
    const trail = parse(this.trail.value);
    const percent = this.unit.value === "percent";
    if (trail === null || trail <= 0n) problems.trail = "Enter how far behind.";
    else if (percent && (!isMultiple(trail, HUNDREDTH) || trail >= HUNDRED)) problems.trail = "A percentage in steps of 0.01, below 100.";
    else if (!percent && !isMultiple(trail, this.tick)) problems.trail = `Must be a multiple of ${this.tick_size}.`;
    else body[percent ? "trail_percent" : "trail_amount"] = text(trail);
  }

  #expiry(body, problems) {
    const value = this.expires.value;
    const until = Date.parse(value + "Z");
    if (!value || Number.isNaN(until)) problems.expires = "Enter a time in UTC.";
    else if (until <= Date.now() + 1000) problems.expires = "That time is past.";
    else body.expires_at = new Date(until).toISOString();
  }

  /** Take profit and stop loss: of a position to be, or, with reduce-only, a stop beside the limit order. */
  #follow(type, side, price, body, problems) {
    const reduces = this.reduce_only.checked;
    if (reduces && type !== "limit") return;
    const exit_sells = (side === "sell") === reduces;
    const beyond = (one, above) => price !== null && (above ? one <= price : one >= price);
    if (!reduces && this.profit.value) {
      const profit = this.#price(this.profit, "follow", problems, "Enter the take profit's price.");
      if (!problems.follow && beyond(profit, exit_sells)) problems.follow = `The take profit must be ${exit_sells ? "above" : "below"} the price.`;
      if (profit !== null) body.take_profit = { price: text(profit) };
    }
    if (!this.loss.value) {
      if (this.loss_limit.value) problems.follow = "Enter the stop loss's stop price.";
      return;
    }
    const loss = this.#price(this.loss, "follow", problems, "Enter the stop loss's stop price.");
    if (!problems.follow && beyond(loss, !exit_sells)) problems.follow = `The stop loss must be ${exit_sells ? "below" : "above"} the price.`;
    if (loss === null) return;
    body.stop_loss = { stop_price: text(loss) };
    if (!this.loss_limit.value) return;
    const limit = this.#price(this.loss_limit, "follow", problems, "Enter the stop loss's limit price.");
    if (limit !== null) body.stop_loss.limit_price = text(limit);
  }
}
