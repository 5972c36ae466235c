// The price chart: history from REST, the newest bars from the socket, own orders and position as lines, own fills as marks.
import { $, $$, cls, compact, fixed, set } from "./format.js";
import { money, places, text } from "./decimal.js";
import { get, query } from "./http.js";
import { panel } from "./loop.js";

const L = window.LightweightCharts;
const PAGE = 500;
const BARS_MOST = 20000;
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const toBar = (row) => ({ time: row[0] / 1000, open: Number(row[1]), high: Number(row[2]), low: Number(row[3]), close: Number(row[4]), volume: Number(row[5]) });

export class Chart {
  constructor(socket, boot, account) {
    this.socket = socket;
    this.account = account;
    this.instrument = boot.instrument;
    this.interval = boot.interval;
    this.decimals = places(boot.instrument.tick_size);
    this.bars = boot.klines.map(toBar);
    this.news = [];
    this.lines = new Map();
    this.phone = matchMedia("(max-width: 900px)").matches;
    this.dirty = panel(() => this.#flush(), 250);
    this.#make();
    this.#listen();
    for (const button of $$("#intervals button")) button.addEventListener("click", () => this.show(button.dataset.interval));
    $("#chart-full")?.addEventListener("click", () => this.fullScreen());
    $("#chart-retry")?.addEventListener("click", () => this.reload());
    document.addEventListener("themechange", () => {
      this.chart.remove();
      this.lines.clear();
      this.#make();
      this.drawOwn();
    });
  }

  /** Another interval. */
  async show(interval) {
    if (!interval || interval === this.interval) return;
    this.socket.unsubscribe(this.#channel());
    this.interval = interval;
    for (const button of $$("#intervals button")) button.setAttribute("aria-pressed", String(button.dataset.interval === interval));
    const url = new URL(location.href);
    url.searchParams.set("interval", interval);
    history.replaceState(null, "", url);
    await this.reload();
    this.#listen();
  }

  step(by) {
    const buttons = $$("#intervals button");
    const at = buttons.findIndex((button) => button.dataset.interval === this.interval);
    this.show(buttons[at + by]?.dataset.interval);
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else $(".chart").requestFullscreen?.();
  }

  /** Everything again from the server: after a change of interval, a reconnect, or imported history. */
  async reload() {
    const interval = this.interval;
    const bars = await this.#fetch({ limit: PAGE });
    if (interval !== this.interval) return;
    $("#chart-note").hidden = bars !== null && bars.length > 0;
    set($("#chart-note-text"), bars === null ? "Could not load candles." : `No candles for ${interval} yet.`);
    if (!bars) return;
    this.bars = bars;
    this.complete = false;
    this.news = [];
    this.#fill();
    this.chart.timeScale().scrollToRealTime();
  }

  /** Order, position and fill lines, after the account changed. */
  drawOwn() {
    const wanted = new Map();
    const mine = (row) => row.symbol === this.instrument.symbol && row.exchange === this.instrument.exchange;
    for (const order of this.account.openOrders()) {
      const waiting = order.stop_price && !order.triggered_at;
      const price = waiting ? order.stop_price : order.price;
      if (!mine(order) || !price) continue;
      const color = order.side === "buy" ? this.colors.up : this.colors.down;
      wanted.set("o" + order.id, { price: Number(price), color, lineStyle: waiting ? 1 : 2, title: `${order.side === "buy" ? "Buy" : "Sell"} ${order.remaining_quantity}${waiting ? " stop" : ""}` });
    }
    for (const position of this.account.openPositions()) {
      if (!mine(position) || !position.average_price) continue;
      const long = !position.quantity.startsWith("-");
      wanted.set("p" + position.account + position.strategy_id, { price: Number(text(money(position.average_price), this.decimals)), color: this.colors.accent, lineStyle: 0, title: `${long ? "Long" : "Short"} ${position.quantity.replace("-", "")}` });
    }
    for (const [id, line] of this.lines) {
      if (wanted.has(id)) continue;
      this.series.removePriceLine(line);
      this.lines.delete(id);
    }
    for (const [id, options] of wanted) {
      const full = { ...options, title: this.phone ? "" : options.title, lineWidth: 1, axisLabelVisible: true, axisLabelColor: options.color, axisLabelTextColor: this.colors.surface };
      if (this.lines.has(id)) this.lines.get(id).applyOptions(full);
      else this.lines.set(id, this.series.createPriceLine(full));
    }
    this.#marks();
  }

  #channel() {
    return `klines:${this.instrument.exchange}:${this.instrument.symbol}:${this.interval}`;
  }

  #listen() {
    let first = true;
    this.socket.subscribe(this.#channel(), (frame, snapshot) => {
      if (snapshot && !first) this.reload();
      first = false;
      this.news.push(...frame.d.map(toBar));
      this.dirty();
    });
  }

  async #fetch(fields) {
    const { exchange, symbol } = this.instrument;
    const answer = await get("/api/v1/klines?" + query({ exchange, symbol, interval: this.interval, ...fields }));
    return answer.status === 200 ? answer.body.results.map(toBar) : null;
  }

  #make() {
    const c = (this.colors = { up: token("--up"), down: token("--down"), ink: token("--ink"), ink3: token("--ink-3"), surface: token("--surface"), line: token("--line"), line2: token("--line-2"), grid: token("--grid"), accent: token("--accent") });
    this.chart = L.createChart($("#chart"), {
      autoSize: true,
      layout: { background: { color: c.surface }, textColor: c.ink3, fontFamily: "Inter, system-ui, sans-serif", fontSize: 11, attributionLogo: false, panes: { separatorColor: c.line } },
      grid: { vertLines: { color: c.grid }, horzLines: { color: c.grid } },
      rightPriceScale: { borderColor: c.line, minimumWidth: this.phone ? 66 : 74, scaleMargins: { top: 0.1, bottom: 0.2 } },
      timeScale: { borderColor: c.line, timeVisible: true, secondsVisible: false, rightOffset: this.phone ? 4 : 15, barSpacing: this.phone ? 5 : 7 },
      crosshair: { mode: 0, vertLine: { color: c.ink3, width: 1, style: 2, labelBackgroundColor: c.line2 }, horzLine: { color: c.ink3, width: 1, style: 2, labelBackgroundColor: c.line2 } },
      localization: { priceFormatter: (price) => this.#text(price) },
    });
    this.series = this.chart.addSeries(L.CandlestickSeries, { upColor: c.up, downColor: c.down, wickUpColor: c.up, wickDownColor: c.down, borderVisible: false, priceFormat: { type: "price", precision: this.decimals, minMove: Number(this.instrument.tick_size) }, priceLineVisible: false, lastValueVisible: false });
    this.volume = this.chart.addSeries(L.HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.marks = L.createSeriesMarkers(this.series, []);
    this.last_line = this.series.createPriceLine({ price: 0, color: c.ink, lineWidth: 1, lineStyle: 1, axisLabelVisible: true, title: "", axisLabelColor: c.ink, axisLabelTextColor: c.surface });
    this.chart.subscribeCrosshairMove((point) => {
      this.hovered = (point.seriesData && this.#at(point.time)) || null;
      this.#legend();
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => range && range.from < 30 && this.#older());
    this.#fill();
  }

  #text(price) {
    return fixed(price.toFixed(this.decimals), this.decimals);
  }

  #at(time) {
    for (let i = this.bars.length - 1; i >= 0; i -= 1) if (this.bars[i].time === time) return this.bars[i];
    return null;
  }

  #column(bar) {
    return { time: bar.time, value: bar.volume, color: (bar.close >= bar.open ? this.colors.up : this.colors.down) + "40" };
  }

  #fill() {
    this.series.setData(this.bars);
    this.volume.setData(this.bars.map((bar) => this.#column(bar)));
    this.#last();
    this.#marks();
  }

  async #older() {
    if (this.loading || this.complete || !this.bars.length || this.bars.length >= BARS_MOST) return;
    this.loading = true;
    const first = this.bars[0].time;
    const interval = this.interval;
    const older = await this.#fetch({ limit: PAGE, to: new Date(first * 1000).toISOString() });
    this.loading = false;
    if (!older || interval !== this.interval || this.bars[0]?.time !== first) return;
    const before = older.filter((bar) => bar.time < first);
    if (!before.length) {
      this.complete = true;
      return;
    }
    this.bars = before.concat(this.bars);
    this.#fill(); // the library keeps the visible bars in place when older ones come in front
  }

  #flush() {
    const news = this.news;
    this.news = [];
    for (const bar of news) {
      const last = this.bars[this.bars.length - 1];
      if (!last || bar.time > last.time) this.bars.push(bar);
      else {
        const at = this.bars.findLastIndex((known) => known.time === bar.time);
        if (at < 0) continue;
        this.bars[at] = bar;
      }
      const late = Boolean(last && bar.time < last.time);
      this.series.update(bar, late);
      this.volume.update(this.#column(bar), late);
    }
    if (news.length) $("#chart-note").hidden = true;
    this.#last();
  }

  #last() {
    const last = this.bars[this.bars.length - 1];
    if (last) this.last_line.applyOptions({ price: last.close });
    this.last_line.applyOptions({ axisLabelVisible: Boolean(last), lineVisible: Boolean(last) });
    this.#legend();
  }

  #legend() {
    const bar = this.hovered || this.bars[this.bars.length - 1];
    const box = $("#legend");
    if (!bar) return;
    cls(box, "legend " + (bar.close >= bar.open ? "up" : "down"));
    for (const part of ["open", "high", "low", "close"]) set($(`[data-part=${part}]`, box), this.#text(bar[part]));
    set($("[data-part=volume]", box), compact(bar.volume));
  }

  #marks() {
    if (!this.bars.length) return;
    const step = this.bars.length > 1 ? this.bars[this.bars.length - 1].time - this.bars[this.bars.length - 2].time : 60;
    const seen = new Map();
    for (const fill of this.account.fills) {
      if (fill.symbol !== this.instrument.symbol || fill.exchange !== this.instrument.exchange) continue;
      const at = Date.parse(fill.timestamp) / 1000;
      const time = at - (at % step);
      if (time < this.bars[0].time || seen.has(time + fill.side)) continue;
      const buy = fill.side === "buy";
      seen.set(time + fill.side, { time, position: buy ? "belowBar" : "aboveBar", color: buy ? this.colors.up : this.colors.down, shape: buy ? "arrowUp" : "arrowDown", size: 1 });
    }
    this.marks.setMarkers([...seen.values()].sort((a, b) => a.time - b.time));
  }
}
