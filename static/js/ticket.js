// The order ticket. The draft belongs to the user: nothing but a person's own press writes into a field.
// All arithmetic is on decimal text and BigInt; one press is one order, because a draft has one request_id until it changes.
import { $, $$, amount, cls, fixed, set, value } from "./format.js";
import { div, floorTo, isMultiple, min, money, mul, parse, places, text } from "./decimal.js";
import { Conditions, PRICED, STOPPED, TYPES } from "./conditions.js";
import { panel } from "./loop.js";
import { place } from "./place.js";
import { toast } from "./toasts.js";

const MILLION = 1000000n;
const ONE = 10n ** 18n;

export class Ticket {
  constructor(boot, market, account, state) {
    this.instrument = boot.instrument;
    this.mode = boot.mode;
    this.market = market;
    this.account = account;
    this.state = state; // () => {feed, halted}
    this.name = boot.account;
    this.tick = money(boot.instrument.tick_size);
    this.lot = money(boot.instrument.lot_size);
    this.price_places = places(boot.instrument.tick_size);
    this.quantity_places = places(boot.instrument.lot_size);
    this.side = "buy";
    this.type = "limit";
    this.sending = false;
    this.touched = false;
    this.told = new Map(); // request_id -> what the person was told of it, so that nothing is said twice
    this.form = $("#ticket-form");
    this.price = $("#price");
    this.quantity = $("#quantity");
    this.conditions = new Conditions(boot.instrument, this.tick, () => this.#changed());
    this.dirty = panel(() => this.draw(), 200);
    this.#mint();
    this.#bind();
    this.#restore();
    this.conditions.setType(this.type);
    this.#prefill();
  }

  setSide(side) {
    if (this.side === side) return;
    this.side = side;
    this.#changed();
  }

  setType(type) {
    if (this.type === type) return;
    if (this.priced) this.kept_price = this.price.value;
    this.type = type;
    this.conditions.setType(type);
    this.#changed();
  }

  /** Whether the type has a price of its own. */
  get priced() {
    return PRICED.has(this.type);
  }

  /** A price picked from the book, or by Bid, Mid, Ask: fills the field, focuses it, never sends. */
  pickPrice(price, quantity = null) {
    const field = !this.priced && STOPPED.has(this.type) ? this.conditions.stop : this.price;
    if (field === this.price && !this.priced) this.setType("limit");
    field.value = fixed(price, this.price_places);
    if (quantity) this.quantity.value = fixed(quantity, this.quantity_places);
    this.#changed();
    field.focus({ preventScroll: true });
    field.select();
  }

  pickTouch(which) {
    const bid = this.market.best("bid");
    const ask = this.market.best("ask");
    if (bid === null || ask === null) return;
    const at = which === "bid" ? bid : which === "ask" ? ask : Math.round((bid + ask) / 2);
    const price = (BigInt(at) * ONE) / 10n ** BigInt(this.price_places);
    this.pickPrice(text(floorTo(price, this.tick)));
  }

  /** Fill the whole draft (close a position, edit an order, a typed command). Shows it; never sends. */
  fill({ side, type, price, quantity, ...conditions }) {
    if (type) this.setType(type);
    this.conditions.fill(conditions);
    if (side) this.setSide(side);
    if (price) this.price.value = fixed(price, this.price_places);
    if (quantity) this.quantity.value = fixed(text(floorTo(money(quantity), this.lot)), this.quantity_places);
    this.#changed();
    document.body.dataset.sheet = "on";
    $("#go").focus({ preventScroll: true });
  }

  preset(percent) {
    const most = this.#most();
    if (most === null) return;
    this.quantity.value = text(floorTo((most * BigInt(percent)) / 100n, this.lot), this.quantity_places);
    for (const button of $$("#presets button")) button.setAttribute("aria-pressed", String(Number(button.dataset.percent) === percent));
    this.#changed(true);
  }

  step(field, by) {
    const input = { price: this.price, stop: this.conditions.stop, quantity: this.quantity }[field];
    const step = field === "quantity" ? this.lot : this.tick;
    const now = parse(input.value) ?? (field === "stop" ? (this.#touchPrice() ?? 0n) : 0n);
    const next = floorTo(now, step) + step * BigInt(by);
    input.value = fixed(text(next > 0n ? next : 0n), field === "quantity" ? this.quantity_places : this.price_places);
    this.#changed();
  }

  /** What the draft says, checked: {price, quantity, cost, stop, body, problems: {price, quantity, go, …}}. */
  read() {
    const limit = this.priced;
    const own = limit ? parse(this.price.value) : null;
    const { stop, body, problems } = this.conditions.read(this.type, this.side, limit ? own : this.#touchPrice(), this.type === "limit" && this.#crosses(own));
    const price = limit ? own : (stop ?? this.#touchPrice());
    const quantity = parse(this.quantity.value);
    const { base, quote, tick_size, lot_size, quantity_min, quantity_max, notional_min } = this.instrument;
    if (limit && (price === null || price <= 0n)) problems.price = "Enter a price.";
    else if (limit && !isMultiple(price, this.tick)) problems.price = `Price must be a multiple of ${tick_size}.`;
    if (quantity === null || quantity <= 0n) problems.quantity = "Enter a quantity.";
    else if (!isMultiple(quantity, this.lot)) problems.quantity = `Quantity must be a multiple of ${lot_size}.`;
    else if (quantity < money(quantity_min)) problems.quantity = `Smallest order is ${quantity_min} ${base}.`;
    else if (money(quantity_max) > 0n && quantity > money(quantity_max)) problems.quantity = `Largest order is ${quantity_max} ${base}.`;
    const cost = price !== null && quantity !== null ? mul(price, quantity) : null;
    if (!problems.quantity && cost !== null && cost < money(notional_min)) problems.quantity = `Minimum order is ${notional_min} ${quote}.`;
    const most = this.#most();
    if (!problems.quantity && body.reduce_only && this.#reducible() === 0n) problems.quantity = "There is no position to reduce.";
    if (!problems.quantity && !problems.price && most !== null && quantity > most) {
      problems.quantity = `Most you can ${this.side} is ${text(most, this.quantity_places)} ${base}.`;
    }
    const { feed, halted } = this.state();
    if (halted) problems.go = "Trading is halted. Resume it on the halt page.";
    else if (feed === "down") problems.go = "Not connected. Your draft is kept.";
    else if (feed === "stale" && this.type !== "limit") problems.go = "Prices are stale: only limit orders are on.";
    else if (this.instrument.status !== "trading") problems.go = `${this.instrument.symbol} is ${this.instrument.status}.`;
    return { price: limit ? price : null, quantity, cost, stop, body, problems };
  }

  draw() {
    const { base, quote } = this.instrument;
    const limit = this.priced;
    if (limit && !this.touched && this.price.value === "") this.#start();
    const draft = this.read();
    document.body.dataset.side = this.side;
    $(".ticket").dataset.type = this.type;
    for (const button of $$("#types button")) button.setAttribute("aria-selected", String(button.dataset.type === (["limit", "market"].includes(this.type) ? this.type : "stop")));
    for (const button of $$(".sides button")) button.setAttribute("aria-pressed", String(button.dataset.side === this.side));
    this.price.disabled = !limit;
    if (!limit) this.price.value = "Market";
    this.conditions.draw(this.type, this.side, draft.problems, this.touched);
    this.#message("price", draft.problems.price, limit && this.touched && this.price.value !== "");
    this.#message("quantity", draft.problems.quantity, this.touched && this.quantity.value !== "");
    const most = this.#most();
    set($("#max"), most === null ? "Max –" : "Max " + fixed(text(most), this.quantity_places));

    const taking = this.type !== "limit" || this.#crosses(draft.price);
    const ppm = BigInt(taking ? this.instrument.taker_fee_ppm : this.instrument.maker_fee_ppm);
    const rate = (Number(ppm) / 10000).toFixed(3).replace(/\.?0+$/, "");
    set($("#pv-value"), draft.cost === null ? "–" : `${value(draft.cost)} ${quote}`);
    set($("#pv-fee-label"), `Fee, ${taking ? "taker" : "maker"} ${rate}%`);
    set($("#pv-fee"), draft.cost === null ? "–" : `${value((draft.cost * ppm) / MILLION)} ${quote}`);
    set($("#pv-free"), this.side === "buy" ? `${value(this.account.free(this.name, quote))} ${quote}` : `${value(this.account.free(this.name, base), 8).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")} ${base}`);
    const held = this.#held();
    const after = draft.quantity === null ? held : this.side === "buy" ? held + draft.quantity : held - draft.quantity;
    set($("#pv-after"), after === 0n ? "Flat" : `${fixed(text(after), this.quantity_places)} ${base}`);

    const verb = this.side === "buy" ? "Buy" : "Sell";
    const size = draft.quantity === null ? "–" : fixed(text(draft.quantity), this.quantity_places);
    const waits = this.conditions.words(this.type, draft.stop);
    const at = waits ? waits : limit ? "at " + (draft.price === null ? "–" : fixed(text(draft.price), this.price_places)) : "at market";
    set($("#go-text"), this.sending ? "Sending…" : `${verb} ${size} ${base} ${at}`);
    $("#go").setAttribute("aria-disabled", String(Object.values(draft.problems).some(Boolean) || this.sending));
    const answer = $("#answer");
    const warning = this.type === "limit" && this.state().feed === "stale" ? "Prices are stale; look twice at yours." : "";
    const said = this.refusal || draft.problems.go || this.note || warning;
    cls(answer, "msg ticket-answer" + (said ? " on" : "") + (this.refusal || draft.problems.go ? "" : " hint"));
    set($("#answer span"), said);
    answer.title = said;
  }

  /** Whether the person hears, or heard, of this order's fills by the answer to their own press. */
  tells(order) {
    return ["sending", "filled"].includes(this.told.get(order.request_id));
  }

  /** `clicked` by performance.now(). */
  async submit(clicked = performance.now()) {
    this.touched = true;
    const draft = this.read();
    const wrong = draft.problems.price ? this.price : draft.problems.quantity ? this.quantity : this.conditions.wrong(draft.problems);
    if (this.sending) return;
    if (wrong || draft.problems.go) {
      this.dirty();
      wrong?.focus();
      if (!draft.problems.go) this.refusal = Object.values(draft.problems).find(Boolean);
      return;
    }
    this.sending = true;
    this.refusal = null;
    this.told.set(this.request_id, "sending");
    this.draw();
    const sent = $("#go-text").textContent;
    const order = {
      request_id: this.request_id, account: this.name ?? undefined, exchange: this.instrument.exchange, symbol: this.instrument.symbol,
      type: this.type, side: this.side, quantity: text(draft.quantity), price: draft.price === null ? undefined : text(draft.price),
      ...draft.body, spec_version: this.instrument.spec_version, is_paper_trading: this.mode === "paper", source: "terminal",
    };
    const outcome = await place(order, this.price_places);
    this.sending = false;
    const { order_id, sent: left, received } = outcome.flight;
    this.flights?.answered(order_id, clicked, left, received);
    this.told.set(order.request_id, outcome.status || "unknown");
    if (this.told.size > 100) this.told.delete(this.told.keys().next().value);
    if (outcome.fresh) this.#mint();
    this.refusal = outcome.refusal;
    this.note = null;
    toast(outcome.kind, outcome.title, outcome.detail || sent);
    if (outcome.account && this.name === null) this.name = outcome.account;
    if (outcome.kind === "good") delete document.body.dataset.sheet;
    document.dispatchEvent(new CustomEvent("roundtrip", { detail: outcome }));
    this.dirty();
  }

  #bind() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit(event.timeStamp);
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.repeat) event.preventDefault();
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      const field = { price: "price", stop_price: "stop", quantity: "quantity" }[event.target.id];
      if (!field) return;
      event.preventDefault();
      this.step(field, (event.key === "ArrowUp" ? 1 : -1) * (event.shiftKey ? 10 : 1));
    });
    for (const input of [this.price, this.quantity]) input.addEventListener("input", () => this.#changed());
    for (const input of [this.price, this.quantity, this.conditions.stop]) input.addEventListener("blur", () => this.#snap(input));
    for (const button of $$("[data-step]")) {
      const [field, by] = button.dataset.step.split(":");
      button.addEventListener("click", (event) => this.step(field, Number(by) * (event.shiftKey ? 10 : 1)));
    }
    for (const button of $$("[data-touch]")) button.addEventListener("click", () => this.pickTouch(button.dataset.touch));
    for (const button of $$(".sides button")) button.addEventListener("click", () => this.setSide(button.dataset.side));
    for (const button of $$("#types button")) button.addEventListener("click", () => this.setType(button.dataset.type === "stop" ? $("#kind").value : button.dataset.type));
    $("#kind").addEventListener("change", (event) => this.setType(event.target.value));
    for (const button of $$("#presets button")) button.addEventListener("click", () => this.preset(Number(button.dataset.percent)));
    $("#max").addEventListener("click", () => this.preset(100));
    $("#account")?.addEventListener("change", (event) => {
      this.name = event.target.value;
      this.#changed();
    });
    $("#sheet-close").addEventListener("click", () => delete document.body.dataset.sheet);
  }

  /** A draft survives a reload of the page, for this instrument, in this tab. */
  #restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#draftKey()) || "{}");
      if (kept.price) this.price.value = kept.price;
      if (kept.quantity) this.quantity.value = kept.quantity;
      if (kept.side) this.side = kept.side;
    } catch {
      sessionStorage.removeItem(this.#draftKey());
    }
  }

  /** A field nobody has touched yet begins at the best bid; from then on it is the user's. */
  #start() {
    const bid = this.market.best("bid");
    if (bid === null || document.activeElement === this.price) return;
    this.price.value = fixed(text(this.#units(bid)), this.price_places);
    this.kept_price = this.price.value;
  }

  /** `?side=sell&type=market&quantity=1` fills the draft: how a link from another screen prepares an order. */
  #prefill() {
    const search = new URLSearchParams(location.search);
    const draft = Object.fromEntries(["side", "type", "price", "stop_price", "quantity"].map((name) => [name, search.get(name)]).filter(([, text]) => text));
    if (!["buy", "sell"].includes(draft.side)) delete draft.side;
    if (!TYPES.has(draft.type)) delete draft.type;
    if (draft.side || draft.quantity) this.fill(draft);
  }

  #draftKey() {
    return `draft:${this.instrument.exchange}:${this.instrument.symbol}`;
  }

  /** The draft changed: another order, so another identity. */
  #changed(preset = false) {
    if (this.sending) return;
    if (this.priced && this.price.value === "Market") this.price.value = this.kept_price || "";
    if (this.priced) this.kept_price = this.price.value;
    if (!preset) for (const button of $$("#presets button")) button.setAttribute("aria-pressed", "false");
    this.touched = true;
    this.refusal = null;
    this.note = null;
    this.#mint();
    sessionStorage.setItem(this.#draftKey(), JSON.stringify({ price: this.kept_price, quantity: this.quantity.value, side: this.side }));
    this.draw();
  }

  #mint() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    this.request_id = "web-" + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** On leaving a field, off-step values go to the step below, and the ticket says so. */
  #snap(input) {
    const price = input !== this.quantity;
    const number = parse(input.value);
    if (number === null || number <= 0n || (input === this.price && !this.priced)) return;
    const step = price ? this.tick : this.lot;
    const snapped = floorTo(number, step);
    const shown = fixed(text(snapped), price ? this.price_places : this.quantity_places);
    if (snapped !== number && snapped > 0n) {
      input.value = shown;
      this.#changed();
      this.note = `${price ? "Price" : "Quantity"} set to a multiple of ${price ? this.instrument.tick_size : this.instrument.lot_size}.`;
      this.dirty();
    } else if (snapped === number && input.value !== shown) {
      input.value = shown;
    }
  }

  #message(field, problem, show) {
    const on = Boolean(problem) && show;
    const box = $(`.field-${field}`);
    box.classList.toggle("bad", on);
    const input = field === "price" ? this.price : this.quantity;
    input.setAttribute("aria-invalid", String(on));
    cls($(`#${field}-msg`), "msg" + (on ? " on" : ""));
    set($(`#${field}-msg span`), on ? problem : "");
  }

  /** What a reduce-only order of this side can close: positions of strategies are theirs. */
  #reducible() {
    let sum = 0n;
    for (const position of this.account.openPositions()) {
      if (position.account === this.name && position.symbol === this.instrument.symbol && position.exchange === this.instrument.exchange && !position.strategy_id) sum += money(position.quantity);
    }
    return this.side === "sell" ? (sum > 0n ? sum : 0n) : sum < 0n ? -sum : 0n;
  }

  #held() {
    let sum = 0n;
    for (const position of this.account.openPositions()) {
      if (position.account === this.name && position.symbol === this.instrument.symbol && position.exchange === this.instrument.exchange) sum += money(position.quantity);
    }
    return sum;
  }

  #units(price_units) {
    return (BigInt(price_units) * ONE) / 10n ** BigInt(this.price_places);
  }

  /** What a market order would likely pay for the last of it: the price where the visible book covers the quantity. */
  #touchPrice() {
    const levels = this.market.levels(this.side === "buy" ? "ask" : "bid", 50);
    if (!levels.length) return null;
    const quantity = parse(this.quantity.value) ?? 0n;
    let left = quantity;
    let cost = 0n;
    for (const [price, size] of levels) {
      const here = min(left, (BigInt(size) * ONE) / 10n ** BigInt(this.quantity_places));
      cost += mul(here, this.#units(price));
      left -= here;
      if (left === 0n) break;
    }
    return quantity > left ? div(cost, quantity - left) : this.#units(levels[0][0]);
  }

  #crosses(price) {
    const best = this.market.best(this.side === "buy" ? "ask" : "bid");
    if (price === null || best === null) return false;
    return this.side === "buy" ? price >= this.#units(best) : price <= this.#units(best);
  }

  /** The most this draft's side can be, from what is free: a BigInt, or null while unknown. */
  #most() {
    if (!this.account.ready) return null;
    const { base, quote } = this.instrument;
    if (this.side === "sell") return floorTo(this.account.free(this.name, base), this.lot);
    const best = this.market.best("ask");
    const stop = STOPPED.has(this.type) ? parse(this.conditions.stop.value) : null;
    const price = this.priced ? parse(this.price.value) : stop ?? (best === null ? null : this.#units(best));
    if (!price || price <= 0n) return null;
    const ppm = BigInt(Math.max(this.instrument.taker_fee_ppm, this.instrument.maker_fee_ppm));
    const free = this.account.free(this.name, quote);
    return floorTo(div((free * MILLION) / (MILLION + ppm), price), this.lot);
  }
}
