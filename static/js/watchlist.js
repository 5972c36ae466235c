// Live prices in the watchlist. The rows are the server's; only their numbers are written here.
import { $$, cls, fixed, set } from "./format.js";
import { places } from "./decimal.js";
import { panel } from "./loop.js";
import { key } from "./market.js";

/** "+1.93%" of a ticker's change_24h, which is a percentage. */
export function percent(change) {
  if (change === null || change === undefined || change === "") return { text: "–", direction: "" };
  const number = Number(change);
  return { text: (number < 0 ? "−" : "+") + Math.abs(number).toFixed(2) + "%", direction: number < 0 ? "down" : "up" };
}

export class Watchlist {
  constructor(market, instruments) {
    this.market = market;
    this.rows = new Map();
    const decimals = new Map(instruments.map((one) => [key(one.exchange, one.symbol), places(one.tick_size)]));
    for (const link of $$("#watch-list a")) {
      const name = link.dataset.key;
      this.rows.set(name, { link, price: link.querySelector(".r b"), change: link.querySelector(".r small"), spark: link.querySelector(".spark"), decimals: decimals.get(name) ?? 2 });
      drawSpark(link.querySelector(".spark"));
    }
    this.dirty = panel(() => this.draw(), 250);
  }

  draw() {
    for (const [name, row] of this.rows) {
      const ticker = this.market.tickers.get(name);
      if (!ticker) continue;
      if (ticker.last) set(row.price, fixed(ticker.last, row.decimals));
      const { text, direction } = percent(ticker.change_24h);
      set(row.change, text);
      cls(row.change, direction);
      row.spark?.setAttribute("class", "spark " + direction);
      const stale = ticker.stale ? "yes" : "no";
      if (row.link.dataset.stale !== stale) row.link.dataset.stale = stale;
    }
  }
}

function drawSpark(svg) {
  const closes = (svg?.dataset.closes || "").split(" ").filter(Boolean).map(Number);
  if (closes.length < 2) return;
  const low = Math.min(...closes);
  const range = Math.max(...closes) - low || 1;
  const path = closes.map((close, i) => `${i ? "L" : "M"}${((i * 44) / (closes.length - 1)).toFixed(1)} ${(18 - (16 * (close - low)) / range).toFixed(1)}`);
  svg.querySelector("path").setAttribute("d", path.join(""));
}
