// Send one order and say what became of it, whatever the answer. The same request_id is safe to send again: it is one order for ever.
import { call, get } from "./http.js";
import { fixed } from "./format.js";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** What became of it: {kind: good|bad|note, title, detail, refusal, fresh, trip_ms, account}. `fresh` = the next press is another order. */
export async function place(order, price_places) {
  const begun = performance.now();
  const answer = await call("POST", "/api/v1/orders", order);
  const received = performance.now();
  const outcome = await told(answer, order, price_places);
  outcome.flight = { order_id: answer.body?.id || answer.body?.order?.id, sent: begun, received };
  outcome.trip_ms = performance.now() - begun;
  return outcome;
}

async function told({ status, body, headers }, order, price_places) {
  if (status === 200 || status === 201) return decided(body, price_places);
  if (status === 202) return { kind: "note", title: "Sent, not yet answered", detail: "The exchange has not answered. The order's row says when it does; do not send it again.", fresh: true };
  if (status === 504) return lookUp(body, order, price_places);
  if (status === 503) return { ...refused("Not accepted", body, "The engine could not take it. Nothing was placed; try again."), fresh: false, retry: headers.get("Retry-After") };
  if (status === 0) return { ...refused("Server unreachable", body, "Press again when connected: the same order is never placed twice."), fresh: false };
  if (status === 401 || status === 403) return refused("Not allowed", body, "Your session may have ended. Sign in again.");
  return refused(status === 422 ? "Order rejected" : "Order not accepted", body, "");
}

function decided(order, price_places) {
  const side = order.side === "buy" ? "Buy" : "Sell";
  const size = order.quantity;
  const base = order.symbol.split("/")[0];
  const done = { new: "Order accepted", filled: "Order filled", partially_filled: "Partly filled", canceled: "Order canceled", rejected: "Order rejected", expired: "Order expired" };
  const price = order.average_price || order.price;
  const detail = `${side} ${size} ${base}${price ? " at " + fixed(price, price_places) : ""}`;
  if (order.status === "rejected") return { kind: "bad", title: done.rejected, detail, refusal: sentence(order.reason) || "The order was rejected.", fresh: true, account: order.account, status: order.status };
  return { kind: order.status === "canceled" ? "note" : "good", title: done[order.status] || "Order accepted", detail, refusal: null, fresh: true, account: order.account, status: order.status };
}

function refused(title, body, fallback) {
  const fields = body?.errors ? Object.entries(body.errors).map(([name, text]) => `${name}: ${[].concat(text).join(" ")}`).join("; ") : "";
  const detail = body?.message || fields || fallback || "The server refused it.";
  return { kind: "bad", title, detail: fields && body?.message ? `${body.message} ${fields}` : detail, refusal: detail, fresh: true };
}

/** A reason {code, limit, value} in words: "BALANCE_INSUFFICIENT" -> "Balance insufficient". */
export function sentence(reason) {
  if (!reason) return "";
  const words = String(reason.code).toLowerCase().replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1) + (reason.limit ? ` (limit ${reason.limit})` : "");
}

/** The outcome was not seen: after `decided_by` a look-up is final, found or never. */
async function lookUp(body, order, price_places) {
  const until = Date.parse(body?.decided_by || "") || Date.now() + 5000;
  for (;;) {
    await wait(500);
    const found = await get("/api/v1/orders/client:" + encodeURIComponent(order.request_id));
    if (found.status === 200) return decided(found.body, price_places);
    if (found.status === 404 && Date.now() > until + 500) return { kind: "bad", title: "Not placed", detail: "The order did not reach the engine and never will.", refusal: "Not placed. You can send it again.", fresh: true };
    if (Date.now() > until + 20000) return { kind: "bad", title: "Outcome unknown", detail: "Look at Open orders before sending it again.", refusal: "Outcome unknown: look at Open orders.", fresh: false };
  }
}
