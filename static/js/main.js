// The trading screen: puts the parts together. The server rendered the page and its first numbers; from here on the sockets speak.
import { $, $$, fixed, toUnits } from "./format.js";
import { Account } from "./account.js";
import { Blotter } from "./blotter.js";
import { Book } from "./book.js";
import { Chart } from "./chart.js";
import { Flights } from "./flight.js";
import { Funds } from "./funds.js";
import { halt } from "./halt.js";
import { keys } from "./keys.js";
import { start } from "./loop.js";
import { Market } from "./market.js";
import { Palette } from "./palette.js";
import { sentence } from "./place.js";
import { prefs } from "./prefs.js";
import { Socket } from "./socket.js";
import { Status } from "./status.js";
import { Tape } from "./tape.js";
import { Ticket } from "./ticket.js";
import { toast } from "./toasts.js";
import { Watchlist } from "./watchlist.js";

const boot = JSON.parse($("#boot").textContent);
const here = boot.instrument;
const parts = {};

prefs();
halt();

const market_socket = new Socket("/ws/market", { sleeps: true });
const account_socket = new Socket("/ws/account", { resumable: true });

const account = new Account(account_socket, boot.accounts, (kind, data) => heard(kind, data));
const market = new Market(market_socket, here, boot.instruments, (what) => moved(what));

parts.status = new Status(boot, market_socket, account_socket, market);
parts.ticket = new Ticket(boot, market, account, () => ({ feed: parts.status.feed, halted: document.body.dataset.halted === "yes" }));
parts.book = new Book(market, (price, quantity) => parts.ticket.pickPrice(price, quantity), ownPrices);
parts.tape = new Tape(market);
parts.watchlist = new Watchlist(market, boot.instruments);
parts.funds = new Funds(account, () => parts.ticket.name);
parts.blotter = new Blotter(boot, market, account, () => account_socket.now(), {
  fill: (draft) => parts.ticket.fill(draft),
  go: (exchange, symbol, draft) => {
    const there = boot.instruments.find((one) => one.exchange === exchange && one.symbol === symbol);
    if (there) location.assign(`${there.url}?${new URLSearchParams(draft)}`);
  },
});
parts.ticket.flights = new Flights(account_socket);
market_socket.open();
account_socket.open();
start();
// The chart is the heaviest part: after the first paint, so that the page answers at once.
requestAnimationFrame(() => setTimeout(() => {
  parts.chart = new Chart(market_socket, boot, account);
  parts.palette = new Palette(boot, parts);
  keys(parts);
  parts.chart.drawOwn();
}, 0));
phone();

function moved(what) {
  if (what === "book") {
    parts.book?.dirty();
    parts.ticket?.dirty();
  } else if (what === "trades") {
    parts.tape?.dirty();
    parts.status?.dirtyStrip();
  } else if (what === "ticker") {
    parts.status?.dirtyStrip();
  } else {
    parts.watchlist?.dirty();
    if (parts.blotter?.tab === "positions") parts.blotter.dirty();
  }
}

function heard(kind, data) {
  document.body.dataset.halted = account.halts.some((one) => one.state === "halted" && applies(one)) ? "yes" : "no";
  parts.blotter?.heard(kind);
  parts.ticket?.dirty();
  parts.funds?.dirty();
  parts.book?.dirty();
  parts.chart?.drawOwn();
  parts.status?.refresh();
  if (kind !== "report") return;
  const { order, fill } = data;
  // What this ticket's press did at once is told by its own answer; resting orders that fill and other doors are news.
  if (fill && !parts.ticket.tells(order)) toast("good", order.status === "filled" ? "Order filled" : "Partial fill", `${fill.side === "buy" ? "Bought" : "Sold"} ${fill.quantity} ${fill.symbol.split("/")[0]} at ${fixed(fill.price, market.price_places)}`);
  if (order?.status === "rejected" && order.source !== "terminal") toast("bad", "Order rejected", `${order.symbol}: ${sentence(order.reason)}`);
}

function applies(one) {
  if (one.scope === "exchange") return one.key === here.exchange;
  if (one.scope === "instrument") return one.key === `${here.exchange}:${here.symbol}`;
  return one.scope === "global" || one.scope === "owner" || (one.scope === "account" && one.key === parts.ticket?.name);
}

function ownPrices() {
  const own = { bid: new Set(), ask: new Set() };
  for (const order of account.openOrders()) {
    if (order.symbol !== here.symbol || order.exchange !== here.exchange || !order.price) continue;
    if (order.stop_price && !order.triggered_at) continue; // it waits, and stands in no book
    own[order.side === "buy" ? "bid" : "ask"].add(toUnits(order.price, market.price_places));
  }
  return own;
}

/** Views and the ticket sheet of the phone. */
function phone() {
  for (const button of $$(".phone-tabs button")) {
    button.addEventListener("click", () => {
      document.body.dataset.tab = button.dataset.view;
      for (const one of $$(".phone-tabs button")) one.setAttribute("aria-selected", String(one === button));
      parts.book.fit();
    });
  }
  for (const button of $$(".phone-act button")) {
    button.addEventListener("click", () => {
      parts.ticket.setSide(button.dataset.side);
      document.body.dataset.sheet = "on";
    });
  }
}
