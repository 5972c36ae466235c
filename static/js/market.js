// What the market says, as state: the book, the trades, the tickers. Prices and sizes are whole numbers of the instrument's decimals.
import { toUnits } from "./format.js";
import { places } from "./decimal.js";

const TRADES_KEPT = 200;

export const key = (exchange, symbol) => exchange + ":" + symbol;

export class Market {
  /** `changed` is told "book" | "trades" | "ticker" | "tickers". */
  constructor(socket, instrument, instruments, changed) {
    this.socket = socket;
    this.instrument = instrument;
    this.changed = changed;
    this.price_places = places(instrument.tick_size);
    this.quantity_places = places(instrument.lot_size);
    this.bids = new Map();
    this.asks = new Map();
    this.trades = [];
    this.tickers = new Map();
    this.seq = 0;
    this.exchange_ms = 0;
    this.proved_at = 0; // our clock, when the source last proved alive
    this.source_stale = false;
    const name = key(instrument.exchange, instrument.symbol);
    socket.subscribe("book:" + name, (frame, snapshot) => this.#book(frame, snapshot));
    socket.subscribe("trades:" + name, (frame, snapshot) => this.#trades(frame, snapshot));
    for (const other of instruments) {
      const channel = key(other.exchange, other.symbol);
      socket.subscribe("ticker:" + channel, (frame) => this.#ticker(channel, channel === name, frame));
    }
  }

  /** The ticker of this screen's instrument. */
  get ticker() {
    return this.tickers.get(key(this.instrument.exchange, this.instrument.symbol)) || null;
  }

  /** Milliseconds since the source last proved alive. */
  age_ms() {
    return this.proved_at ? performance.now() - this.proved_at : 0;
  }

  /** [[price, quantity]...] best first. */
  levels(side, most) {
    const rows = [...(side === "bid" ? this.bids : this.asks)];
    rows.sort(side === "bid" ? (a, b) => b[0] - a[0] : (a, b) => a[0] - b[0]);
    return rows.length > most ? rows.slice(0, most) : rows;
  }

  /** Best price of a side in price units, or null. */
  best(side) {
    let best = null;
    for (const price of (side === "bid" ? this.bids : this.asks).keys()) {
      if (best === null || (side === "bid" ? price > best : price < best)) best = price;
    }
    return best;
  }

  #book({ d, q, x }, snapshot) {
    if (snapshot) {
      this.bids.clear();
      this.asks.clear();
    }
    for (const [rows, side] of [[d.bids, this.bids], [d.asks, this.asks]]) {
      for (const [price, quantity] of rows) {
        const at = toUnits(price, this.price_places);
        const size = toUnits(quantity, this.quantity_places);
        if (size > 0) side.set(at, size);
        else side.delete(at);
      }
    }
    this.seq = q;
    this.exchange_ms = x || this.exchange_ms;
    this.changed("book");
  }

  #trades({ d }, snapshot) {
    const known = new Set(this.trades.slice(0, 100).map((trade) => trade.id));
    const news = d.filter((trade) => snapshot || !known.has(trade.id)).map((trade) => ({
      id: trade.id,
      price: toUnits(trade.price, this.price_places),
      quantity: toUnits(trade.quantity, this.quantity_places),
      side: trade.side,
      ms: Date.parse(trade.time),
    }));
    news.reverse(); // the wire has oldest first
    this.trades = snapshot ? news : news.concat(this.trades);
    if (this.trades.length > TRADES_KEPT) this.trades.length = TRADES_KEPT;
    this.changed("trades");
  }

  #ticker(channel, ours, { d }) {
    this.tickers.set(channel, d);
    if (ours) {
      this.source_stale = Boolean(d.stale);
      this.proved_at = performance.now() - (d.age_ms || 0);
      this.changed("ticker");
    }
    this.changed("tickers");
  }
}
