// Orders with conditions in words, and orders that follow another's fills beside the one they follow.

const TYPES = { limit: "Limit", market: "Market", stop: "Stop", stop_limit: "Stop limit", take_profit: "Take profit", take_profit_limit: "Take profit limit", trailing_stop: "Trailing stop" };
const stamp = (iso) => String(iso).slice(5, 19).replace("T", " ");

/** Each order followed by its legs; legs whose parent is over stand together. */
export function families(orders) {
  const known = new Set(orders.map((order) => order.id));
  const legs = new Map();
  for (const order of orders) {
    if (!order.parent_id) continue;
    if (!legs.has(order.parent_id)) legs.set(order.parent_id, []);
    legs.get(order.parent_id).push(order);
  }
  for (const pair of legs.values()) pair.sort((a, b) => (a.request_id < b.request_id ? 1 : -1)); // the take profit first
  const rows = [];
  for (const order of orders) {
    if (!order.parent_id) rows.push(order, ...(legs.get(order.id) || []));
    else if (!known.has(order.parent_id)) {
      rows.push(...legs.get(order.parent_id));
      known.add(order.parent_id);
    }
  }
  return rows;
}

/** "Stop limit"; an order with legs to come says so; a leg says what it is for, and whose it is when that one is not above it. */
export function name(order, below = false) {
  const type = TYPES[order.type] || order.type;
  if (order.parent_id) {
    const profit = order.request_id.startsWith("tp~");
    if (below) return profit ? "↳ Take profit" : "↳ Stop loss";
    return `${profit ? "TP" : "SL"} of ${order.side === "buy" ? "sell" : "buy"} ${stamp(order.created_at).slice(6)}`;
  }
  if (order.take_profit && order.stop_loss) return `${type} + TP, SL`;
  return type + (order.take_profit ? " + TP" : order.stop_loss ? " + SL" : "");
}

/** The stop price, or how far it trails. */
export function stops(order, show) {
  const trail = order.trail_percent ? order.trail_percent + "%" : order.trail_amount ? show(order.trail_amount) : "";
  if (!order.stop_price) return trail || "–";
  return show(order.stop_price) + (trail ? ` (${trail})` : "");
}

/** The same at length, for a tooltip. */
export function waits(order, parent, show) {
  const said = [TYPES[order.type] || order.type];
  if (order.reduce_only) said.push("reduce-only");
  if (order.post_only) said.push("post-only");
  if (order.triggered_at) said.push(`triggered ${stamp(order.triggered_at)}`);
  if (order.take_profit) said.push(`take profit ${show(order.take_profit.price)}`);
  if (order.stop_loss) said.push(`stop loss ${show(order.stop_loss.stop_price)}${order.stop_loss.limit_price ? " limit " + show(order.stop_loss.limit_price) : ""}`);
  if (order.parent_id) said.push(parent ? `follows ${parent.side} ${parent.quantity} of ${stamp(parent.created_at)}` : `follows order ${order.parent_id}`);
  return said.join(", ");
}

/** Until when it stands. */
export const until = (order) => (order.expires_at ? `until ${stamp(order.expires_at)} UTC` : "");
