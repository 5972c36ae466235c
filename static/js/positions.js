// The phone's positions: two-line rows with a Close button, never a sideways table.
import { cls, el, set } from "./format.js";

export class PositionList {
  /** `texts(row)` gives {size, gain, share, direction, long}. */
  constructor(box, texts, id, close, empty) {
    Object.assign(this, { box, texts, id, close });
    this.rows = new Map();
    this.list = el("ul", "position-list");
    this.empty = el("div", "empty", empty);
    this.node = el("div", "", this.list, this.empty);
  }

  show() {
    if (this.box.firstChild !== this.node || this.box.children.length > 1) this.box.replaceChildren(this.node);
  }

  sync(list) {
    const seen = new Set(list.map(this.id));
    for (const [id, entry] of this.rows) {
      if (seen.has(id)) continue;
      entry.node.remove();
      this.rows.delete(id);
    }
    for (const row of list) {
      let entry = this.rows.get(this.id(row));
      if (!entry) this.rows.set(this.id(row), (entry = this.#make(row)));
      entry.row = row;
      const { size, gain, share, direction, long } = this.texts(row);
      set(entry.tag, long ? "Long" : "Short");
      cls(entry.tag, "tag " + (long ? "buy" : "sell"));
      set(entry.size, size);
      set(entry.gain, gain);
      set(entry.share, share);
      cls(entry.value, "v " + direction);
    }
    this.empty.hidden = list.length > 0;
  }

  total() {
    // each row says its own; a phone has no room for a line of sums
  }

  #make(row) {
    const entry = { tag: el("span"), size: el("small"), gain: el("span"), share: el("small") };
    entry.value = el("div", "v", entry.gain, entry.share);
    const button = el("button", "btn danger", "Close");
    button.type = "button";
    button.addEventListener("click", () => this.close(entry.row));
    entry.node = el("li", "", el("div", "", el("b", "", row.symbol), entry.tag, entry.size), entry.value, button);
    this.list.append(entry.node);
    return entry;
  }
}
