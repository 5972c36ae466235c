// A table whose rows are kept and written into: focus, selection and scroll survive every update.
import { cls, el, set } from "./format.js";

/**
 * Columns: {head, c, left, text(row), kls(row), build(cell, row)}. `build` runs once a row and may return a function that updates it.
 * Rows are keyed by `id(row)`.
 */
export class Table {
  constructor(box, columns, id, empty) {
    this.columns = columns;
    this.id = id;
    this.rows = new Map();
    this.box = box;
    this.body = el("tbody");
    this.foot = el("tfoot");
    const head = el("tr");
    for (const column of columns) {
      const cell = el("th", classes(column));
      cell.scope = "col";
      cell.append(column.head ? column.head : el("span", "vh", "Actions"));
      head.append(cell);
    }
    this.table = el("table", "", el("thead", "", head), this.body, this.foot);
    this.empty = el("div", "empty", empty);
    this.node = el("div", "", this.table, this.empty);
  }

  show() {
    if (this.box.firstChild !== this.node || this.box.children.length > 1) this.box.replaceChildren(this.node);
  }

  sync(list) {
    const seen = new Set();
    let before = this.body.firstChild;
    for (const row of list) {
      const id = this.id(row);
      seen.add(id);
      let entry = this.rows.get(id);
      if (!entry) this.rows.set(id, (entry = this.#make(row)));
      this.#write(entry, row);
      if (entry.node === before) before = before.nextSibling;
      else this.body.insertBefore(entry.node, before);
    }
    for (const [id, entry] of this.rows) {
      if (seen.has(id)) continue;
      entry.node.remove();
      this.rows.delete(id);
    }
    this.empty.hidden = list.length > 0;
    this.body.hidden = list.length === 0;
  }

  /** One line of totals: {c: text}. */
  total(cells) {
    if (!cells) return this.foot.replaceChildren();
    if (!this.sums) this.sums = this.columns.map((column) => el("td", classes(column)));
    if (!this.foot.firstChild) this.foot.append(el("tr", "", ...this.sums));
    this.columns.forEach((column, i) => {
      const cell = cells[column.c];
      set(this.sums[i], cell ? cell.text : "");
      cls(this.sums[i], classes(column, cell?.kls));
    });
  }

  #make(row) {
    const entry = { node: el("tr"), cells: [] };
    entry.node.dataset.id = this.id(row);
    for (const column of this.columns) {
      const cell = el("td", classes(column));
      entry.node.append(cell);
      entry.cells.push({ cell, update: column.build ? column.build(cell, row) || null : null });
    }
    return entry;
  }

  #write(entry, row) {
    entry.row = row;
    this.columns.forEach((column, i) => {
      const { cell, update } = entry.cells[i];
      if (update) update(row);
      else if (column.text) set(cell, column.text(row));
      if (column.kls) cls(cell, classes(column, column.kls(row)));
    });
  }
}

const classes = (column, more = "") => [`c-${column.c}`, column.left ? "l" : "", column.more || "", more].filter(Boolean).join(" ");
