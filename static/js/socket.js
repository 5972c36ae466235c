// One WebSocket with our frames: reconnects for ever, resumes where it left off, sees gaps, measures the server's clock.
//
// A frame whose `pq` is null is a snapshot and replaces what was known. A delta counts only if its `pq` is the last `q` seen;
// otherwise the channel is asked for anew and its deltas wait until the snapshot is here.

const FIRST_MS = 250;
const MOST_MS = 5000;
const HIDDEN_MS = 30000; // a tab nobody sees for this long hears no market any more
const HEAL_MS = 1500; // a channel that was asked for anew and is not whole by then is asked for again
const SILENT_MS = 4000; // the server beats every second: longer silence is a dead line

export class Socket {
  /**
   * Handlers get (frame, snapshot); state listeners connecting | open | down | signed-out. `resumable` channels are asked for from
   * the last change seen; `sleeps` stops listening while the tab is hidden.
   */
  constructor(path, { resumable = false, sleeps = false } = {}) {
    this.url = new URL(path, location.href.replace(/^http/, "ws")).href;
    this.resumable = resumable;
    this.channels = new Map(); // name -> {q, handler, healing, asked_at}
    this.listeners = new Set();
    this.state = "connecting";
    this.attempt = 0;
    this.offset_ms = 0; // server clock minus ours
    this.trip_ms = null;
    this.gaps = 0;
    this.heard_at = 0;
    this.retry_at = 0;
    this.away = 0;
    addEventListener("online", () => this.open(true));
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.drowsy);
      if (!document.hidden) this.#wake();
      else if (sleeps) this.drowsy = setTimeout(() => this.#sleep(), HIDDEN_MS);
    });
    setInterval(() => this.#watch(), 1000);
  }

  onState(listener) {
    this.listeners.add(listener);
  }

  open(now = false) {
    if (this.socket && this.socket.readyState <= 1) return;
    clearTimeout(this.timer);
    if (now) this.attempt = 0;
    const socket = (this.socket = new WebSocket(this.url));
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.heard_at = performance.now();
      this.attempt = 0;
      if (!this.asleep) this.#join([...this.channels.keys()]);
      this.#ping();
      this.#become("open");
    };
    socket.onmessage = (event) => socket === this.socket && this.#hear(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.#lost(event.code);
  }

  /** Listen to a channel; the first call of the handler carries a snapshot. */
  subscribe(name, handler) {
    this.channels.set(name, { q: null, handler, healing: true, asked_at: performance.now() });
    if (this.state === "open" && !this.asleep) this.send({ op: "subscribe", channels: [name] });
  }

  unsubscribe(name) {
    if (this.channels.delete(name) && this.state === "open") this.send({ op: "unsubscribe", channels: [name] });
  }

  send(message) {
    if (this.socket && this.socket.readyState === 1) this.socket.send(JSON.stringify(message));
  }

  /** The server's clock, in ms. */
  now() {
    return Date.now() + this.offset_ms;
  }

  #sleep() {
    this.asleep = true;
    this.send({ op: "unsubscribe", channels: [...this.channels.keys()] });
  }

  #wake() {
    if (this.asleep) {
      this.asleep = false;
      this.#join([...this.channels.keys()]);
    }
    this.open(true);
  }

  #join(names) {
    const known = {};
    const fresh = [];
    for (const name of names) {
      const channel = this.channels.get(name);
      channel.asked_at = performance.now();
      if (this.resumable && channel.q !== null) known[name] = channel.q;
      else {
        channel.healing = true;
        fresh.push(name);
      }
    }
    if (fresh.length) this.send({ op: "subscribe", channels: fresh });
    if (Object.keys(known).length) this.send({ op: "resume", channels: known });
  }

  #hear(frame) {
    this.heard_at = performance.now();
    if (frame.op) return this.#operate(frame);
    const channel = this.channels.get(frame.ch);
    if (!channel) return;
    const snapshot = frame.pq === null || frame.pq === undefined;
    if (!snapshot && (channel.healing || frame.pq !== channel.q)) {
      if (channel.q !== null && frame.q <= channel.q) return;
      if (!channel.healing) this.#heal(frame.ch, channel);
      if (!this.resumable || frame.pq !== channel.q) return;
    }
    channel.healing = false;
    channel.q = frame.q;
    channel.handler(frame, snapshot);
  }

  #heal(name, channel) {
    this.gaps += 1;
    channel.healing = true;
    channel.asked_at = performance.now();
    this.send(this.resumable ? { op: "resume", channels: { [name]: channel.q } } : { op: "snapshot", channels: [name] });
  }

  /** The server says what it told us last: what is newer than what we heard never came, nor did the answer to an old question. */
  #compare(told) {
    for (const [name, q] of Object.entries(told)) {
      const channel = this.channels.get(name);
      if (!channel || channel.q === null || channel.q >= q) continue;
      if (!channel.healing || performance.now() - channel.asked_at > HEAL_MS) this.#heal(name, channel);
    }
  }

  #operate(frame) {
    if (frame.op === "beat") {
      if (frame.q) this.#compare(frame.q);
    } else if (frame.op === "pong") {
      const now = Date.now();
      this.trip_ms = now - frame.id;
      this.offset_ms = frame.t - (frame.id + this.trip_ms / 2);
      for (const listener of this.listeners) listener(this.state);
    } else if (frame.op === "error") {
      console.info("socket:", frame.code, frame.message);
    }
  }

  #ping() {
    this.send({ op: "ping", id: Date.now() });
  }

  #watch() {
    if (this.state !== "open") return;
    if (performance.now() - this.heard_at > SILENT_MS) this.socket.close(4000);
    else if (++this.away % 5 === 0) this.#ping();
  }

  #lost(code) {
    if (code === 4401 || code === 4403) return this.#become("signed-out");
    const wait = Math.min(MOST_MS, FIRST_MS * 2 ** this.attempt) * (0.7 + Math.random() * 0.6);
    this.attempt += 1;
    this.retry_at = performance.now() + wait;
    this.timer = setTimeout(() => this.open(), wait);
    this.#become("down");
  }

  #become(state) {
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }
}
