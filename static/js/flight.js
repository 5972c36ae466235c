// The flight recorder's browser side: stamps of what this page sends, told in bulk afterwards, and an order's timeline, drawn.
import { $, el, set } from "./format.js";
import { get } from "./http.js";

const TOLD_MS = 1000;
const TOLD_MAX = 50; // of one frame, as the server takes
const KEPT_MAX = 200; // while the line is down; older ones are let go
const NAMES = {
  click: "Click", sent: "Sent by the browser", accepted: "Accepted at the door", added: "Added to the stream", read: "Read by the engine",
  decided: "Decided", committed: "Committed", answered: "Answered", received: "Received by the browser", painted: "Painted",
};

const ns = (ms) => Math.round(ms * 1e6);

/** Nanoseconds in the unit that reads best. */
export function duration(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) < 1000) return `${value} ns`;
  if (Math.abs(value) < 1e6) return `${(value / 1e3).toFixed(1)} µs`;
  return `${(value / 1e6).toFixed(2)} ms`;
}

export class Flights {
  constructor(socket) {
    this.socket = socket;
    this.waiting = [];
    setInterval(() => this.#tell(), TOLD_MS);
  }

  /** An answer is about to be painted; all times by performance.now(). */
  answered(order_id, clicked, sent, received) {
    if (!order_id) return;
    // after the frame in which the answer is drawn has been painted
    requestAnimationFrame(() => setTimeout(() => {
      this.waiting.push([order_id, ns(sent - clicked), ns(received - clicked), ns(performance.now() - clicked)]);
      this.waiting.splice(0, this.waiting.length - KEPT_MAX);
    }, 0));
  }

  #tell() {
    if (!this.waiting.length || this.socket.state !== "open") return;
    this.socket.send({ op: "painted", flights: this.waiting.splice(0, TOLD_MAX) });
  }
}

/** Show an order's timeline in its dialog. */
export async function showFlight(order) {
  const dialog = $("#flight-dialog");
  set($("#flight-order"), `${order.side === "buy" ? "Buy" : "Sell"} ${order.quantity} ${order.symbol}`);
  $("#flight-lanes").replaceChildren();
  set($("#flight-note"), "Asking for its timeline …");
  if (!dialog.open) dialog.showModal();
  const answer = await get(`/api/v1/orders/${order.id}/flight`);
  if (answer.status !== 200) return set($("#flight-note"), answer.body?.message || "Its timeline cannot be shown now.");
  const flight = answer.body;
  const lanes = [lane("Server", flight.stages.filter((stage) => stage.clock === "server")), lane("Browser", flight.stages.filter((stage) => stage.clock === "browser"))];
  $("#flight-lanes").replaceChildren(...lanes);
  set($("#flight-note"), summary(flight));
}

function summary(flight) {
  const parts = [];
  if (flight.click_to_paint_ns !== null) parts.push(`Click to paint ${duration(flight.click_to_paint_ns)}.`);
  if (flight.round_trip_ns !== null) parts.push(`Round trip ${duration(flight.round_trip_ns)}, of which server ${duration(flight.server_ns)}, network and browser ${duration(flight.network_ns)}.`);
  if (flight.orders_in_batch > 1) parts.push(`Decided with ${flight.orders_in_batch - 1} others in one transaction.`);
  return parts.join(" ") || "Only what the server stamped is known.";
}

/** One clock's stages: a bar of their shares, and their numbers below it. Clocks are never laid over each other. */
function lane(title, stages) {
  const known = stages.filter((stage) => stage.took_ns > 0);
  const whole = known.reduce((sum, stage) => sum + stage.took_ns, 0);
  const bar = el("div", "flight-bar");
  bar.setAttribute("aria-hidden", "true");
  for (const stage of known) {
    const part = el("i");
    part.style.flexGrow = String(Math.max(stage.took_ns / whole, 0.01));
    part.title = `${NAMES[stage.stage]}: ${duration(stage.took_ns)}`;
    bar.append(part);
  }
  const list = el("dl", "flight-stages");
  for (const stage of stages) {
    const exact = stage.resolution_ns === 1 ? "" : "± 1 ms ";
    const numbers = el("dd", "", stage.offset_ns === null ? stage.unknown : `${exact}${duration(stage.offset_ns)}`);
    const took = el("dd", "took", stage.took_ns === null ? "" : `+${duration(stage.took_ns)}`);
    list.append(el("dt", "", NAMES[stage.stage]), numbers, took);
  }
  return el("section", "flight-lane", el("h3", "", title), bar, list);
}
