// The order book: twenty fixed rows a side, written into and never rebuilt. A click fills the ticket's price and never sends.
import { $, cls, el, set, units } from "./format.js";
import { panel } from "./loop.js";

const LEVELS = 20;
const HOLD_MS = 1000;

export class Book {
  /** `pick(priceText, quantityText)` on a click; quantity only with Shift. `own()` gives {bid: Set, ask: Set} of own prices. */
  constructor(market, pick, own) {
    this.market = market;
    this.pick = pick;
    this.own = own;
    this.root = $(".book");
    this.box = $("#book-rows");
    this.shown = LEVELS;
    this.most = 1;
    this.last_mid = null;
    this.asks = $$rows($("#asks"), true);
    this.bids = $$rows($("#bids"), false);
    this.mid = $("#book-mid");
    this.spread = $("#spread");
    this.dirty = panel((now) => this.draw(now), 100);
    this.over = false;
    this.drawn_at = 0;
    this.box.addEventListener("pointerenter", () => (this.over = true));
    this.box.addEventListener("pointerleave", () => {
      this.over = false;
      this.root.dataset.held = "no";
    });
    this.box.addEventListener("pointerdown", (event) => (this.down = this.#captured(event)));
    this.box.addEventListener("click", (event) => {
      const captured = this.down || this.#captured(event);
      if (captured && document.body.dataset.feed !== "down") this.pick(captured.price, event.shiftKey ? captured.total : null);
    });
    new ResizeObserver(() => this.fit()).observe(this.box);
    this.fit();
  }

  /** Whole-pixel rows, as many as there is room for. */
  fit() {
    const phone = matchMedia("(max-width: 900px)").matches;
    const room = this.box.clientHeight - 38;
    if (room < 50) return;
    this.shown = Math.max(4, Math.min(LEVELS, Math.floor(room / 2 / (phone ? 24 : 16))));
    this.box.style.setProperty("--book-row-h", Math.min(phone ? 28 : 22, Math.floor(room / 2 / this.shown)) + "px");
    for (let i = 0; i < LEVELS; i += 1) this.asks[i].node.hidden = this.bids[i].node.hidden = i >= this.shown;
    this.dirty();
  }

  draw(now) {
    if (this.over && now - this.drawn_at < HOLD_MS) {
      this.root.dataset.held = "yes";
      this.dirty();
      return;
    }
    this.drawn_at = now;
    const asks = this.market.levels("ask", this.shown);
    const bids = this.market.levels("bid", this.shown);
    const sum = (rows) => rows.reduce((total, row) => total + row[1], 0);
    const ask_total = sum(asks);
    const bid_total = sum(bids);
    this.most = Math.max(this.most * 0.995, ask_total, bid_total, 1);
    const own = this.own();
    this.#side(this.asks, asks, own.ask);
    this.#side(this.bids, bids, own.bid);
    const share = ask_total + bid_total ? bid_total / (ask_total + bid_total) : 0.5;
    $("#balance-fill").style.transform = `scaleX(${share.toFixed(3)})`;
    set($("#bid-share"), Math.round(share * 100) + "%");
    set($("#ask-share"), 100 - Math.round(share * 100) + "%");
    this.#middle(bids, asks);
  }

  #side(rows, levels, own) {
    let total = 0;
    for (let i = 0; i < this.shown; i += 1) {
      const row = rows[i];
      const level = levels[i];
      row.at = level ? level[0] : null;
      total += level ? level[1] : 0;
      row.total_units = total;
      set(row.price, level ? units(level[0], this.market.price_places) : "–");
      set(row.size, level ? units(level[1], this.market.quantity_places) : "–");
      set(row.total, level ? units(total, this.market.quantity_places) : "–");
      const scale = level ? (total / this.most).toFixed(3) : "0";
      if (row.scale !== scale) {
        row.scale = scale;
        row.bar.style.transform = `scaleX(${scale})`;
      }
      cls(row.node, level && own.has(level[0]) ? "book-row mine" : "book-row");
    }
  }

  #middle(bids, asks) {
    if (!bids.length || !asks.length) {
      set(this.spread, bids.length || asks.length ? "One side only" : "Book is empty");
      return;
    }
    const bid = bids[0][0];
    const ask = asks[0][0];
    const twice = bid + ask;
    const spread = ask - bid;
    set(this.spread, `Spread ${units(spread, this.market.price_places)} · ${((2 * spread) / twice * 1e4).toFixed(2)} bp`);
    const trade = this.market.trades[0];
    const shown = trade ? trade.price : Math.round(twice / 2);
    set(this.mid, units(shown, this.market.price_places));
    if (this.last_mid !== null && shown !== this.last_mid) cls(this.mid, shown > this.last_mid ? "up" : "down");
    this.last_mid = shown;
  }

  #captured(event) {
    const node = event.target.closest(".book-row");
    const row = node && node._row;
    if (!row || row.at === null) return null;
    const plain = (number, decimals) => units(number, decimals).replaceAll(",", "");
    return { price: plain(row.at, this.market.price_places), total: plain(row.total_units, this.market.quantity_places) };
  }
}

function $$rows(parent, reversed) {
  const rows = [];
  for (let i = 0; i < LEVELS; i += 1) {
    const row = { bar: el("i", "bar"), price: el("span", "p", "–"), size: el("span", "s", "–"), total: el("span", "t", "–"), at: null, scale: "0" };
    row.node = el("div", "book-row", row.bar, row.price, row.size, row.total);
    row.node._row = row;
    rows.push(row);
  }
  parent.replaceChildren(...(reversed ? [...rows].reverse() : rows).map((row) => row.node));
  return rows;
}
