// The `/` box: go to a symbol, change the interval, or prepare an order by typing it. It fills the ticket and never sends.
import { $, $$, el } from "./format.js";

const ORDER = /^(buy|sell)\s+([\d.,]+)?\s*(?:@\s*(bid|mid|ask|market|[\d.,]+))?$/i;

export class Palette {
  constructor(boot, { ticket, chart, blotter }) {
    this.instruments = boot.instruments;
    this.dialog = $("#palette");
    this.input = $("#palette-input");
    this.list = $("#palette-list");
    this.act = { ticket, chart, blotter };
    this.input.addEventListener("input", () => this.#offer());
    this.input.addEventListener("keydown", (event) => this.#keys(event));
    this.list.addEventListener("click", (event) => this.#run(event.target.closest("li")));
    $("#palette-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run($("[aria-selected=true]", this.list));
    });
    for (const button of $$("[data-palette]")) button.addEventListener("click", () => this.open());
  }

  open() {
    this.input.value = "";
    this.dialog.showModal();
    this.input.focus();
    this.#offer();
  }

  #offer() {
    const typed = this.input.value.trim();
    const rows = typed ? this.#commands(typed) : [];
    const [word, interval] = typed.toUpperCase().split(/\s+/);
    for (const one of this.instruments) {
      const name = `${one.symbol} ${one.exchange}`.toUpperCase();
      if (word && !name.includes(word) && !one.symbol.replace("/", "").toUpperCase().includes(word)) continue;
      rows.push({ text: one.symbol, hint: one.exchange_title, run: () => location.assign(one.url + (interval ? "?interval=" + interval.toLowerCase() : "")) });
    }
    this.rows = rows.slice(0, 12);
    this.list.replaceChildren(...this.rows.map((row, i) => {
      const item = el("li", "", el("b", "", row.text), el("span", "mut", row.hint));
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(i === 0));
      item.dataset.at = i;
      return item;
    }));
    $("#palette-none").hidden = this.rows.length > 0;
  }

  #commands(typed) {
    const order = ORDER.exec(typed);
    if (order) {
      const [, side, quantity, at] = order;
      const draft = { side: side.toLowerCase(), type: at?.toLowerCase() === "market" ? "market" : "limit", quantity: quantity?.replaceAll(",", "") };
      return [{ text: `${side} ${quantity ?? ""} ${at ? "at " + at : ""}`, hint: "fills the ticket", run: () => this.#draft(draft, at) }];
    }
    if (/^cancel( all)?$/i.test(typed)) return [{ text: "Cancel all orders of this symbol", hint: "cancels", run: () => this.act.blotter.cancelAll(true) }];
    if (/^\d+[mhd]$/i.test(typed)) return [{ text: `Interval ${typed.toLowerCase()}`, hint: "chart", run: () => this.act.chart.show(typed.toLowerCase()) }];
    return [];
  }

  #draft(draft, at) {
    this.act.ticket.fill(draft);
    if (/^(bid|mid|ask)$/i.test(at || "")) this.act.ticket.pickTouch(at.toLowerCase());
    else if (/\d/.test(at || "")) this.act.ticket.pickPrice(at.replaceAll(",", ""));
  }

  #keys(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const items = $$("li", this.list);
    const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    const next = items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length];
    for (const item of items) item.setAttribute("aria-selected", String(item === next));
    next?.scrollIntoView({ block: "nearest" });
  }

  #run(item) {
    if (!item) return;
    this.dialog.close();
    this.rows[Number(item.dataset.at)].run();
  }
}
