// The portfolio page: the server counts and htmx brings its numbers; here only the equity curve and the ring that says "look again".
import { $, $$, group, set } from "./format.js";
import { get, query } from "./http.js";
import { halt } from "./halt.js";
import { prefs } from "./prefs.js";
import { Socket } from "./socket.js";

const L = window.LightweightCharts;
const POINTS = 500;
const PAGES = 6;
const MINUTE_MS = 60000;
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

prefs();
halt();
// The curves are drawn here, so a swap of the figures leaves them as they are.
window.Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) => !(old.dataset && "keep" in old.dataset);

class Curve {
  constructor(box) {
    this.box = box;
    this.account = box.dataset.account;
    this.note = box.parentElement.querySelector(".equity-note");
    this.make();
    setInterval(() => document.hidden || this.load(), MINUTE_MS);
    document.addEventListener("themechange", () => {
      this.chart.remove();
      this.make();
    });
  }

  make() {
    this.chart = L.createChart(this.box, {
      autoSize: true,
      layout: { background: { color: token("--surface") }, textColor: token("--ink-3"), fontFamily: "Inter, system-ui, sans-serif", fontSize: 11, attributionLogo: false },
      grid: { vertLines: { color: token("--grid") }, horzLines: { color: token("--grid") } },
      rightPriceScale: { borderColor: token("--line"), minimumWidth: 74 },
      timeScale: { borderColor: token("--line"), timeVisible: true, secondsVisible: false },
      localization: { priceFormatter: (price) => group(price.toFixed(2)) },
      handleScale: { mouseWheel: false },
    });
    this.series = this.chart.addSeries(L.AreaSeries, { lineColor: token("--accent"), topColor: token("--accent-soft"), bottomColor: "transparent", lineWidth: 2, priceLineVisible: false });
    this.load();
  }

  async load() {
    const points = new Map();
    let path = "/api/v1/pnl/equity?" + query({ account: this.account, limit: POINTS });
    for (let page = 0; path && page < PAGES; page += 1) {
      const answer = await get(path);
      if (answer.status !== 200) break;
      for (const [ms, equity] of answer.body.results) points.set(Math.floor(ms / 1000), Number(equity));
      path = answer.body.next ? new URL(answer.body.next, location.href).pathname + new URL(answer.body.next, location.href).search : null;
    }
    const rows = [...points].sort((a, b) => a[0] - b[0]).map(([time, value]) => ({ time, value }));
    this.note.hidden = rows.length > 0;
    this.series.setData(rows);
    this.chart.timeScale().fitContent();
  }
}

const curves = new Map($$("[data-equity]").map((box) => [box.dataset.equity, new Curve(box)]));
for (const pick of $$("[data-equity-account]")) {
  pick.addEventListener("change", () => {
    const curve = curves.get(pick.dataset.equityAccount);
    curve.account = pick.value;
    curve.load();
  });
}

// The figures come again every two seconds; a fill makes it at once.
const socket = new Socket("/ws/account", { resumable: true });
const look = () => window.htmx?.trigger("#figures", "changed");
for (const name of JSON.parse($("#accounts").textContent)) socket.subscribe("account:" + name, (frame, snapshot) => snapshot || look());
socket.onState(() => {
  document.body.dataset.feed = { open: "ok", connecting: "connecting" }[socket.state] || "down";
  set($("#conn"), socket.state === "open" ? "Live" + (socket.trip_ms === null ? "" : ` · ${socket.trip_ms} ms`) : socket.state === "signed-out" ? "Signed out" : "Offline");
});
socket.open();
document.body.addEventListener("htmx:afterSwap", () => set($("#as-of"), "As of " + new Date(socket.now()).toISOString().slice(11, 19) + " UTC."));
