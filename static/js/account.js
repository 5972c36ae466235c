// What we own and asked for, as state: one account channel per account, in commit order. Numbers stay text; sums are BigInt.
import { money } from "./decimal.js";

const OPEN = new Set(["pending_new", "new", "partially_filled", "pending_cancel", "pending_replace", "unknown"]);
const FILLS_KEPT = 200;

export const isOpen = (order) => OPEN.has(order.status);

export class Account {
  /** `changed(kind, data)` with snapshot | report | balance | risk. */
  constructor(socket, accounts, changed) {
    this.orders = new Map();
    this.positions = new Map();
    this.balances = new Map();
    this.fills = [];
    this.halts = [];
    this.ready = false;
    this.changed = changed;
    this.socket = socket;
    this.names = new Set();
    for (const account of accounts) this.follow(account.name);
  }

  /** Listen to one more account of ours. */
  follow(name) {
    if (this.names.has(name)) return;
    this.names.add(name);
    this.socket.subscribe("account:" + name, (frame) => this.#hear(name, frame.d));
  }

  openOrders() {
    return [...this.orders.values()].filter(isOpen).sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  }

  openPositions() {
    return [...this.positions.values()].filter((position) => money(position.quantity) !== 0n);
  }

  /** Free amount of an asset in an account, as a BigInt of 10^-18. */
  free(account, asset) {
    return money(this.balances.get(account + "/" + asset)?.free);
  }

  #hear(name, d) {
    if (d.kind === "snapshot") {
      for (const store of [this.orders, this.positions, this.balances]) {
        for (const [id, row] of store) if (row.account === name) store.delete(id);
      }
      for (const order of d.orders) this.orders.set(order.id, order);
      for (const position of d.positions) this.#position(position);
      for (const balance of d.balances) this.#balance(balance);
      this.fills = this.fills.filter((fill) => fill.account !== name).concat(d.fills).sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1));
      this.halts = d.halts || [];
      this.ready = true;
    } else {
      if (d.order) {
        this.orders.set(d.order.id, d.order);
        this.#forget();
      }
      if (d.position) this.#position(d.position);
      for (const balance of d.balances || []) this.#balance(balance);
      if (d.fill && !this.fills.some((fill) => fill.id === d.fill.id)) {
        this.fills.unshift(d.fill);
        if (this.fills.length > FILLS_KEPT) this.fills.length = FILLS_KEPT;
      }
      if (d.halts) this.halts = d.halts;
    }
    this.changed(d.kind, d);
  }

  #position(position) {
    this.positions.set([position.account, position.exchange, position.symbol, position.strategy_id].join("/"), position);
  }

  #balance(balance) {
    this.balances.set(balance.account + "/" + balance.asset, balance);
  }

  /** Finished orders are history's; keep the newest few hundred so that a long session stays small. */
  #forget() {
    if (this.orders.size <= 600) return;
    const done = [...this.orders.values()].filter((order) => !isOpen(order)).sort((a, b) => (a.updated_at < b.updated_at ? -1 : 1));
    for (const order of done.slice(0, done.length - 300)) this.orders.delete(order.id);
  }
}
