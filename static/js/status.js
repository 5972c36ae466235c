// The page's health in words: connection pill, stale banner, ages, status bar; and the headline numbers of the instrument strip.
import { $, $$, clock, cls, compact, fixed, set, units } from "./format.js";
import { money, places, text } from "./decimal.js";
import { get } from "./http.js";
import { panel } from "./loop.js";
import { percent } from "./watchlist.js";

const SUMMARY_MS = 3000;

export class Status {
  constructor(boot, market_socket, account_socket, market) {
    this.instrument = boot.instrument;
    this.mode = boot.mode;
    this.sockets = { market: market_socket, account: account_socket };
    this.market = market;
    this.decimals = places(boot.instrument.tick_size);
    this.trips = [];
    this.begun = performance.now();
    this.high = money(boot.day.high);
    this.low = money(boot.day.low);
    this.dirtyStrip = panel(() => this.drawStrip(), 100);
    this.dirtyBar = panel(() => this.drawBar(), 500);
    for (const socket of [market_socket, account_socket]) socket.onState(() => this.judge());
    document.addEventListener("roundtrip", (event) => this.#trip(event.detail.trip_ms));
    setInterval(() => {
      this.judge();
      this.dirtyBar();
    }, 500);
    setInterval(() => document.hidden || this.refresh(), SUMMARY_MS);
  }

  /** ok | stale | down | connecting: what the data deserves right now. */
  get feed() {
    return document.body.dataset.feed;
  }

  judge() {
    const { market, account } = this.sockets;
    const age = this.market.age_ms();
    let feed = "ok";
    if (market.state === "signed-out" || account.state === "signed-out") feed = "down";
    else if (market.state !== "open" || account.state !== "open") feed = performance.now() - this.begun < 3000 && market.attempt < 2 ? "connecting" : "down";
    else if (!this.market.proved_at) feed = performance.now() - this.begun < 3000 ? "connecting" : "stale";
    else if (this.market.source_stale || age > Math.max(2000, this.instrument.stale_after_ms)) feed = "stale";
    if (document.body.dataset.feed !== feed) document.body.dataset.feed = feed;
    const seconds = Math.floor(age / 1000);
    const signed_out = market.state === "signed-out" || account.state === "signed-out";
    const retry = Math.max(0, Math.ceil((Math.max(market.retry_at, account.retry_at) - performance.now()) / 1000));
    const label = { ok: "Live" + (market.trip_ms === null ? "" : ` · ${market.trip_ms} ms`), connecting: "Connecting", stale: this.market.proved_at ? `Stale · ${seconds} s` : "No data", down: signed_out ? "Signed out" : retry > 1 ? `Offline · ${retry} s` : "Offline" }[feed];
    set($("#conn"), label);
    for (const node of $$(".age b")) set(node, this.market.proved_at ? `${seconds} s old` : "no data");
    if (feed === "stale") set($("#banner-text"), this.market.proved_at ? `No update for ${seconds} s. Prices are stale; market orders are off.` : "No market data yet. Market orders are off.");
    if (feed === "down") set($("#banner-text"), signed_out ? "Your session ended. Sign in again; open orders stay as they are." : `Disconnected. Retrying (attempt ${Math.max(market.attempt, account.attempt)}). Open orders still stand.`);
    return feed;
  }

  /** Equity and day P&L, computed by the server with the very functions of the portfolio page and the API. */
  async refresh() {
    if (this.asking) return;
    this.asking = true;
    const answer = await get("/portfolio/summary?mode=" + this.mode);
    this.asking = false;
    if (answer.status !== 200 || !answer.body) return;
    const { equity, day, day_percent, direction, asset } = answer.body;
    set($("#equity"), equity);
    set($("#equity-asset"), asset ? `Equity, ${asset}` : "Equity");
    set($("#day"), day + (day_percent ? ` (${day_percent})` : ""));
    cls($("#day"), direction);
  }

  drawStrip() {
    const ticker = this.market.ticker;
    if (!ticker) return;
    const trade = this.market.trades[0];
    const last = trade ? units(trade.price, this.decimals) : ticker.last ? fixed(ticker.last, this.decimals) : "–";
    const number = trade ? trade.price : ticker.last ? Math.round(Number(ticker.last) * 10 ** this.decimals) : null;
    set($("#last"), last);
    if (number !== null && this.previous !== undefined && number !== this.previous) {
      const up = number > this.previous;
      set($("#dir"), up ? "▲" : "▼");
      cls($("#dir"), "dir " + (up ? "up" : "down"));
    }
    if (number !== null) this.previous = number;
    const change = percent(ticker.change_24h);
    set($("#change"), change.text + " in 24 h");
    cls($("#change"), change.direction);
    set($("#bid"), ticker.bid ? fixed(ticker.bid, this.decimals) : "–");
    set($("#ask"), ticker.ask ? fixed(ticker.ask, this.decimals) : "–");
    set($("#sheet-bid"), ticker.bid ? fixed(ticker.bid, this.decimals) : "–");
    set($("#sheet-ask"), ticker.ask ? fixed(ticker.ask, this.decimals) : "–");
    if (ticker.last) {
      const now = money(ticker.last);
      if (now > this.high) this.high = now;
      if (this.low === 0n || now < this.low) this.low = now;
      set($("#high"), fixed(text(this.high), this.decimals));
      set($("#low"), fixed(text(this.low), this.decimals));
    }
    if (ticker.volume_24h !== null && ticker.volume_24h !== undefined) set($("#volume"), `${compact(Number(ticker.volume_24h))} ${this.instrument.base}`);
    document.title = `${this.mode === "live" ? "LIVE" : "PAPER"} · ${this.instrument.symbol} ${last}`;
  }

  drawBar() {
    const { market, account } = this.sockets;
    set($("#seq"), String(this.market.seq).replace(/\B(?=(\d{3})+$)/g, ","));
    set($("#gaps"), String(market.gaps + account.gaps));
    set($("#feed-trip"), market.trip_ms === null ? "–" : `${market.trip_ms} ms`);
    set($("#order-trip"), this.trips.length ? `p50 ${this.#at(0.5)} ms · p99 ${this.#at(0.99)} ms` : "–");
    set($("#clock"), clock(market.now()) + " UTC");
  }

  #trip(ms) {
    if (!ms) return;
    this.trips.push(ms);
    if (this.trips.length > 200) this.trips.shift();
    this.dirtyBar();
  }

  #at(share) {
    const sorted = [...this.trips].sort((a, b) => a - b);
    return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]);
  }
}
