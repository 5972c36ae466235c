// Positions, open orders, fills, history, balances: written from the account channel, without a reload.
import { $, $$, age, amount, cls, direction, el, fixed, set, signed, stamp, value } from "./format.js";
import { abs, div, money, mul, places, text } from "./decimal.js";
import { call, get, query } from "./http.js";
import { Table } from "./table.js";
import { panel } from "./loop.js";
import { sentence } from "./place.js";
import { PositionList } from "./positions.js";
import { toast } from "./toasts.js";
import { isOpen } from "./account.js";
import { key } from "./market.js";
import { showFlight } from "./flight.js";
import { families, name, stops, until, waits } from "./legs.js";

const REJECT_SHOWN_MS = 30000;
const STATES = { pending_new: "Sending", new: "Open", partially_filled: "Partial", filled: "Filled", pending_cancel: "Canceling", pending_replace: "Changing", canceled: "Canceled", rejected: "Rejected", expired: "Expired", unknown: "Checking with exchange" };

const positionId = (row) => [row.account, row.exchange, row.symbol, row.strategy_id].join("/");

export class Blotter {
  constructor(boot, market, account, clock, act) {
    this.market = market;
    this.account = account;
    this.clock = clock; // () => server ms
    this.act = act; // {fill(draft), go(exchange, symbol, draft)}
    this.here = boot.instrument;
    this.steps = new Map(boot.instruments.map((one) => [key(one.exchange, one.symbol), one]));
    this.box = $("#blotter-box");
    this.tab = "positions";
    this.only_here = false;
    this.history = null;
    const phone = matchMedia("(max-width: 900px)").matches;
    this.tables = { positions: phone ? this.#phonePositions() : this.#positions(), orders: this.#orders(), fills: this.#fills(), history: this.#history(), balances: this.#balances() };
    this.dirty = panel(() => this.draw(), 150);
    for (const button of $$("#blotter-tabs button")) {
      button.addEventListener("click", () => this.pick(button.dataset.tab));
      button.addEventListener("keydown", (event) => this.#arrows(event));
    }
    $("#only-here").addEventListener("click", (event) => {
      this.only_here = !this.only_here;
      event.currentTarget.setAttribute("aria-pressed", String(this.only_here));
      this.dirty();
    });
    $("#cancel-all").addEventListener("click", () => this.cancelAll(this.only_here));
    this.box.addEventListener("click", (event) => this.#select(event.target.closest("tbody tr")));
    setInterval(() => this.tab === "orders" && this.dirty(), 1000);
  }

  pick(tab) {
    this.tab = tab;
    for (const button of $$("#blotter-tabs button")) {
      const on = button.dataset.tab === tab;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    if (tab === "history" && !this.history) this.#load();
    this.selected = null;
    this.draw();
  }

  draw() {
    const open = this.account.openOrders();
    const positions = this.account.openPositions();
    const mine = (row) => !this.only_here || (row.symbol === this.here.symbol && row.exchange === this.here.exchange);
    set($("#count-positions"), String(positions.length || ""));
    set($("#count-orders"), String(open.length || ""));
    set($("#count-fills"), String(this.account.fills.length || ""));
    $("#cancel-all").setAttribute("aria-disabled", String(!open.some(mine)));
    const table = this.tables[this.tab];
    table.show();
    if (this.tab === "positions") this.#drawPositions(table, positions.filter(mine));
    else if (this.tab === "orders") table.sync(families(open).concat(this.#rejects()).filter(mine));
    else if (this.tab === "fills") table.sync(this.account.fills.filter(mine));
    else if (this.tab === "balances") table.sync([...this.account.balances.values()].filter((row) => money(row.total) !== 0n));
    else table.sync(this.#past().filter(mine));
  }

  /** Cancel one order; no confirmation, it only reduces risk. */
  async cancel(order) {
    const answer = await call("DELETE", "/api/v1/orders/" + order.id);
    if (answer.status === 0 || answer.status >= 400) toast("bad", "Not canceled", answer.body?.message || "The order may still be open; look again.");
  }

  async cancelAll(here = false) {
    const open = this.account.openOrders().filter((order) => !here || (order.symbol === this.here.symbol && order.exchange === this.here.exchange));
    if (!open.length) return;
    if (open.length > 10 && !(await this.#sure(open.length))) return;
    const accounts = [...new Set(open.map((order) => order.account))];
    for (const account of accounts) {
      const answer = await call("DELETE", "/api/v1/orders?" + query({ account, symbol: here ? this.here.symbol : null }));
      if (answer.status === 200) toast("good", "Orders canceled", `${answer.body.results.length} in ${account}`);
      else toast("bad", "Not all canceled", answer.body?.message || "Look at Open orders.");
    }
  }

  showSelected() {
    const order = this.account.orders.get(this.selected) || (this.history || []).find((one) => one.id === this.selected);
    if (order) showFlight(order);
  }

  cancelSelected() {
    const order = this.account.orders.get(this.selected);
    if (order && isOpen(order)) this.cancel(order);
  }

  /** Move the selection by rows (j and k). */
  move(by) {
    const rows = $$("tbody tr", this.box);
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.dataset.id === this.selected);
    this.#select(rows[Math.max(0, Math.min(rows.length - 1, at + by))]);
  }

  heard(kind) {
    if (kind === "report" && this.tab === "history") this.dirty();
    this.dirty();
  }

  #select(row) {
    if (!row) return;
    this.selected = row.dataset.id;
    for (const one of $$("tbody tr", this.box)) one.setAttribute("aria-selected", String(one === row));
    row.scrollIntoView({ block: "nearest" });
  }

  #arrows(event) {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const buttons = $$("#blotter-tabs button").filter((button) => button.offsetParent);
    const next = buttons[(buttons.indexOf(event.currentTarget) + (event.key === "ArrowRight" ? 1 : -1) + buttons.length) % buttons.length];
    this.pick(next.dataset.tab);
    next.focus();
  }

  #sure(count) {
    const dialog = $("#cancel-dialog");
    set($("#cancel-dialog-text"), `This cancels ${count} open orders.`);
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
  }

  #rejects() {
    const now = this.clock();
    return [...this.account.orders.values()].filter((order) => order.status === "rejected" && now - Date.parse(order.updated_at) < REJECT_SHOWN_MS);
  }

  #past() {
    const rows = new Map((this.history || []).map((order) => [order.id, order]));
    for (const order of this.account.orders.values()) rows.set(order.id, order);
    return [...rows.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, 200);
  }

  async #load() {
    const answer = await get("/api/v1/orders?limit=100");
    if (answer.status === 200) this.history = answer.body.results;
    this.dirty();
  }

  // -- the numbers of a row ---------------------------------------------------------------------------------------------------
  #of(row) {
    return this.steps.get(key(row.exchange, row.symbol)) || { tick_size: "0.01", lot_size: "0.00001", quote: "" };
  }
  #price(row, plain) {
    return plain === null || plain === undefined ? "–" : fixed(plain, places(this.#of(row).tick_size));
  }
  #size(row, plain) {
    return fixed(plain, places(this.#of(row).lot_size));
  }
  /** The price a position is valued at: the middle of the live touch, or what the server last said. */
  #mark(position) {
    const ticker = this.market.tickers.get(key(position.exchange, position.symbol));
    if (ticker?.bid && ticker?.ask) return (money(ticker.bid) + money(ticker.ask)) / 2n;
    return position.mark_price ? money(position.mark_price) : null;
  }
  #unrealised(position, mark) {
    return mark === null ? null : mul(mark - money(position.average_price), money(position.quantity));
  }

  #drawPositions(table, rows) {
    table.sync(rows);
    const quotes = new Set(rows.map((row) => this.#of(row).quote));
    if (!rows.length || quotes.size !== 1) return table.total(null);
    let open = 0n;
    let done = 0n;
    let worth = 0n;
    let fees = 0n;
    for (const row of rows) {
      const mark = this.#mark(row);
      open += this.#unrealised(row, mark) ?? 0n;
      worth += mark === null ? 0n : mul(abs(money(row.quantity)), mark);
      done += money(row.realised);
      fees += money(row.fees);
    }
    table.total({ symbol: { text: `Total ${[...quotes][0]}` }, value: { text: amount(worth) }, unrealised: { text: signed(open), kls: direction(open) }, realised: { text: signed(done), kls: direction(done) }, fees: { text: amount(fees) } });
  }

  // -- columns ------------------------------------------------------------------------------------------------------------------
  #symbol = { head: "Symbol", c: "symbol", left: true, build: (cell, row) => void cell.append(el("b", "", row.symbol)) };
  /** The symbol of an order; a leg stands a little to the right, and a phone says here what its other columns would. */
  #ordered = {
    ...this.#symbol,
    kls: (row) => (this.#below(row) ? "leg" : ""),
    build: (cell, row) => {
      const kind = el("small", "kind phone-only");
      cell.append(el("b", "", row.symbol), kind);
      return (now) => set(kind, name(now, this.#below(now)) + (now.price || now.type === "market" ? "" : " " + this.#stop.text(now)));
    },
  };
  #strategy = { head: "Strategy", c: "strategy", left: true, more: "dim", text: (row) => row.strategy_id || "by hand" };

  #stop = { head: "Stop", c: "stop", more: "phone-hide", text: (row) => stops(row, (plain) => this.#price(row, plain)) };

  /** A leg whose parent stands in the row above. */
  #below(row) {
    const parent = this.account.orders.get(row.parent_id);
    return Boolean(parent && isOpen(parent));
  }

  /** Type and time in force; a leg says whose it is. */
  #kinds(open = false) {
    const type = (cell) => (row) => {
      set(cell, name(row, open && this.#below(row)));
      cell.title = waits(row, this.account.orders.get(row.parent_id), (plain) => this.#price(row, plain));
    };
    return [
      { head: "Type", c: "type", left: true, more: "dim phone-hide", build: type },
      { head: "TIF", c: "tif", left: true, more: "dim phone-hide", build: (cell) => (row) => {
        set(cell, row.time_in_force.toUpperCase());
        cell.title = until(row);
      } },
    ];
  }

  #sideTag(words) {
    return (cell, row) => {
      const tag = el("span");
      cell.append(tag);
      return (now) => {
        const buy = words ? now.side === "buy" : !now.quantity.startsWith("-");
        set(tag, words ? (buy ? "Buy" : "Sell") : buy ? "Long" : "Short");
        cls(tag, "tag " + (buy ? "buy" : "sell"));
      };
    };
  }

  #positions() {
    const gain = (row) => this.#unrealised(row, this.#mark(row));
    return new Table(this.box, [
      this.#symbol,
      { head: "Side", c: "side", left: true, build: this.#sideTag(false) },
      { head: "Quantity", c: "size", text: (row) => this.#size(row, row.quantity.replace("-", "")) },
      { head: "Average price", c: "entry", text: (row) => this.#price(row, row.average_price) },
      { head: "Mark", c: "mark", more: "phone-hide", text: (row) => { const mark = this.#mark(row); return mark === null ? "–" : this.#price(row, text(mark)); } },
      { head: "Value", c: "value", more: "phone-hide", text: (row) => { const mark = this.#mark(row); return mark === null ? "–" : amount(mul(abs(money(row.quantity)), mark)); } },
      { head: "Unrealised", c: "unrealised", text: (row) => this.#gainText(row, gain(row)), kls: (row) => direction(gain(row) ?? 0n) },
      { head: "Realised", c: "realised", more: "phone-hide", text: (row) => signed(money(row.realised)), kls: (row) => direction(money(row.realised)) },
      { head: "Fees", c: "fees", more: "phone-hide", text: (row) => value(money(row.fees)) },
      { ...this.#strategy, more: "dim phone-hide" },
      { head: "", c: "act", more: "act", build: (cell, row) => this.#closeButton(cell, row) },
    ], positionId, "No open positions. What you buy appears here at once.");
  }

  #gainText(row, gain) {
    if (gain === null) return "–";
    const cost = mul(money(row.average_price), abs(money(row.quantity)));
    return signed(gain) + (cost > 0n ? ` (${signed(div(gain * 100n, cost))}%)` : "");
  }

  /** Prepares the market order that closes a position; the person sends it. */
  #close(position) {
    const draft = { side: position.quantity.startsWith("-") ? "buy" : "sell", type: "market", quantity: position.quantity.replace("-", "") };
    if (position.symbol === this.here.symbol && position.exchange === this.here.exchange) this.act.fill(draft);
    else this.act.go(position.exchange, position.symbol, draft);
  }

  #phonePositions() {
    const texts = (row) => {
      const gain = this.#unrealised(row, this.#mark(row));
      const [sum, share = ""] = this.#gainText(row, gain).split(" ");
      return { size: `${this.#size(row, row.quantity.replace("-", ""))} at ${this.#price(row, row.average_price)}`, gain: sum, share: share.replace(/[()]/g, ""), direction: direction(gain ?? 0n), long: !row.quantity.startsWith("-") };
    };
    return new PositionList(this.box, texts, positionId, (row) => this.#close(row), "No open positions.");
  }

  #closeButton(cell, row) {
    const button = el("button", "btn danger", "Close");
    button.type = "button";
    button.title = "Fills the ticket with a market order that closes it";
    cell.append(button);
    let now = row;
    button.addEventListener("click", () => this.#close(now));
    return (fresh) => void (now = fresh);
  }

  /** How it stands; pressed, how it came there. */
  #state(cell) {
    const tag = el("button");
    tag.type = "button";
    cell.append(tag);
    let now = null;
    tag.addEventListener("click", () => showFlight(now));
    return (row) => {
      now = row;
      set(tag, STATES[row.status] || row.status);
      tag.title = sentence(row.reason) || "How it came there";
      cls(tag, "tag " + (row.status === "rejected" ? "bad" : ["unknown", "pending_new", "pending_cancel", "pending_replace"].includes(row.status) ? "wait" : "state"));
    };
  }

  #progress(cell) {
    const bar = el("i");
    const label = el("span");
    cell.append(el("span", "progress phone-hide", bar), label);
    return (row) => {
      const whole = money(row.quantity);
      const share = whole > 0n ? Number((money(row.filled_quantity) * 1000n) / whole) / 1000 : 0;
      bar.style.transform = `scaleX(${share})`;
      set(label, Math.floor(share * 100) + "%");
    };
  }

  #orders() {
    return new Table(this.box, [
      this.#ordered,
      { head: "Side", c: "side", left: true, build: this.#sideTag(true) },
      ...this.#kinds(true),
      { head: "Price", c: "price", text: (row) => (row.price ? this.#price(row, row.price) : "Market") },
      this.#stop,
      { head: "Quantity", c: "size", text: (row) => this.#size(row, row.quantity) },
      { head: "Filled", c: "filled", build: (cell) => this.#progress(cell) },
      { head: "Value", c: "value", more: "phone-hide wide-only", text: (row) => (row.price ? value(mul(money(row.price), money(row.quantity))) : "–") },
      { head: "Status", c: "status", left: true, more: "phone-hide", build: (cell) => this.#state(cell) },
      { ...this.#strategy, more: "dim phone-hide" },
      { head: "Age", c: "age", more: "dim phone-hide", text: (row) => age(this.clock() - Date.parse(row.created_at)) },
      { head: "", c: "act", more: "act", build: (cell, row) => this.#cancelButton(cell, row) },
    ], (row) => row.id, "No open orders. Press B to buy, S to sell.");
  }

  #cancelButton(cell, row) {
    const button = el("button", "btn danger", "Cancel");
    button.type = "button";
    cell.append(button);
    let now = row;
    button.addEventListener("click", async () => {
      if (now.status === "rejected") return this.act.fill(now);
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      await this.cancel(now);
      button.setAttribute("aria-disabled", "false");
    });
    return (fresh) => {
      now = fresh;
      set(button, fresh.status === "rejected" ? "Edit" : "Cancel");
      button.setAttribute("aria-label", `${fresh.status === "rejected" ? "Edit" : "Cancel"} ${fresh.side} ${fresh.quantity} ${fresh.symbol}`);
    };
  }

  #fills() {
    return new Table(this.box, [
      { head: "Time (UTC)", c: "time", text: (row) => stamp(row.timestamp) },
      { ...this.#symbol },
      { head: "Side", c: "side", left: true, build: this.#sideTag(true) },
      { head: "Price", c: "price", text: (row) => this.#price(row, row.price) },
      { head: "Quantity", c: "size", text: (row) => this.#size(row, row.quantity) },
      { head: "Value", c: "value", more: "phone-hide", text: (row) => value(mul(money(row.price), money(row.quantity))) },
      { head: "Fee", c: "fee", more: "phone-hide", text: (row) => `${value(money(row.fee), 4)} ${row.fee_asset || ""}` },
      { head: "Liquidity", c: "liquidity", left: true, more: "dim phone-hide", text: (row) => row.liquidity },
      { ...this.#strategy, more: "dim phone-hide" },
    ], (row) => row.id, "No fills yet.");
  }

  #history() {
    return new Table(this.box, [
      { head: "Time (UTC)", c: "time", text: (row) => stamp(row.created_at) },
      { ...this.#symbol },
      { head: "Side", c: "side", left: true, build: this.#sideTag(true) },
      ...this.#kinds(),
      { head: "Price", c: "price", text: (row) => (row.price ? this.#price(row, row.price) : "Market") },
      this.#stop,
      { head: "Average", c: "average", text: (row) => (row.average_price ? this.#price(row, text(money(row.average_price), places(this.#of(row).tick_size))) : "–") },
      { head: "Quantity", c: "size", more: "phone-hide", text: (row) => this.#size(row, row.quantity) },
      { head: "Filled", c: "filled", more: "phone-hide", build: (cell) => this.#progress(cell) },
      { head: "Status", c: "status", left: true, build: (cell) => this.#state(cell) },
      { head: "Reason", c: "reason", left: true, more: "dim phone-hide", text: (row) => sentence(row.reason) },
    ], (row) => row.id, "No orders yet.");
  }

  #balances() {
    const show = (plain) => value(money(plain), 2);
    return new Table(this.box, [
      { head: "Asset", c: "asset", left: true, build: (cell, row) => void cell.append(el("b", "", row.asset)) },
      { head: "Account", c: "account", left: true, more: "dim", text: (row) => row.account },
      { head: "Total", c: "total", text: (row) => show(row.total) },
      { head: "Free", c: "free", text: (row) => show(row.free) },
      { head: "In orders", c: "used", text: (row) => show(row.used) },
    ], (row) => row.account + row.asset, "No balances yet.");
  }
}
