// What the ticket's account holds, beside the ticket on wide screens.
import { $, el, set, value } from "./format.js";
import { money } from "./decimal.js";
import { panel } from "./loop.js";

export class Funds {
  constructor(account, name) {
    this.account = account;
    this.name = name;
    this.box = $("#funds-list");
    this.rows = new Map();
    this.dirty = panel(() => this.draw(), 500);
  }

  draw() {
    const shown = [...this.account.balances.values()].filter((row) => row.account === this.name() && money(row.total) !== 0n);
    for (const row of shown) {
      let entry = this.rows.get(row.asset);
      if (!entry) {
        entry = { total: el("span"), used: el("small") };
        this.box.append(el("dt", "", row.asset), el("dd", "", entry.total, entry.used));
        this.rows.set(row.asset, entry);
      }
      set(entry.total, value(money(row.total)));
      set(entry.used, money(row.used) > 0n ? `${value(money(row.used))} in orders` : "");
    }
    set($("#funds-account"), this.name() || "");
  }
}
