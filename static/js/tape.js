// The tape: the newest trades in a ring of fixed rows. Paused, it keeps what is on the screen and counts what came since.
import { $, clock, cls, el, set, units } from "./format.js";
import { panel } from "./loop.js";

const ROWS = 60;

export class Tape {
  constructor(market) {
    this.market = market;
    this.paused = false;
    this.rows = [];
    this.button = $("#tape-pause");
    for (let i = 0; i < ROWS; i += 1) {
      const row = { price: el("span"), size: el("span"), time: el("span", "time") };
      row.node = el("div", "tape-row", row.price, row.size, row.time);
      this.rows.push(row);
    }
    $("#tape-rows").replaceChildren(...this.rows.map((row) => row.node));
    this.dirty = panel(() => this.draw(), 150);
    this.button.addEventListener("click", () => this.pause());
  }

  pause() {
    this.paused = !this.paused;
    this.button.setAttribute("aria-pressed", String(this.paused));
    this.button.setAttribute("aria-label", this.paused ? "Resume trades" : "Pause trades");
    set($("#tape-state"), this.paused ? "Paused" : "");
    this.dirty();
  }

  draw() {
    if (this.paused) return;
    const { trades, price_places, quantity_places } = this.market;
    const sizes = trades.slice(0, ROWS).map((trade) => trade.quantity).sort((a, b) => a - b);
    const big = sizes.length >= 20 ? sizes[Math.floor(sizes.length * 0.9)] : Infinity;
    $("#tape-empty").hidden = trades.length > 0;
    for (let i = 0; i < ROWS; i += 1) {
      const row = this.rows[i];
      const trade = trades[i];
      set(row.price, trade ? units(trade.price, price_places) : "");
      set(row.size, trade ? units(trade.quantity, quantity_places) : "");
      set(row.time, trade ? clock(trade.ms) : "");
      cls(row.price, trade ? (trade.side === "buy" ? "up" : "down") : "");
      cls(row.node, trade && trade.quantity > big ? "tape-row big" + (trade.side === "buy" ? "" : " sell") : "tape-row");
    }
  }
}
