// The body of a table that is told again and again: rows are changed in place, so
// that neither the focus nor a selection is lost.

import { element, setText } from "/format.js";

/** The most rows that are kept while nothing may move. */
const MOST = 300;

export class Rows {
  #body;
  #columns;
  #rows = new Map();

  /**
   * A column has a `label`, a `className`, and either `text(item)` or, for more
   * than text, `make(cell, item)` and `change(cell, item)`. The first is the head
   * of its row. `gone(row)` is told of a row that has ended and can't leave yet.
   */
  constructor(body, columns, gone = () => {}) {
    this.#body = body;
    this.#columns = columns;
    this.gone = gone;
  }

  /**
   * Shows these items in this order. While somebody is about to use a row none moves,
   * unless it was them who `asked` for another order or choice.
   */
  show(items, key, asked = false) {
    const still = !asked && this.#body.matches(":hover, :focus-within");
    const wanted = new Set();
    for (const item of items) {
      const name = key(item);
      wanted.add(name);
      const row = this.#rows.get(name) ?? this.#make(item, name);
      this.#change(row, item);
    }
    this.#leave(wanted, still);
    const order = items.map((item) => this.#rows.get(key(item)));
    if (still) {
      order.filter((row) => !row.isConnected).forEach((row) => this.#body.append(row));
    } else {
      this.#arrange(order);
    }
  }

  #make(item, name) {
    const row = element("tr");
    row.setAttribute("role", "row");
    for (const [place, column] of this.#columns.entries()) {
      const cell = element(place === 0 ? "th" : "td", column.className);
      if (place === 0) cell.scope = "row";
      cell.setAttribute("role", place === 0 ? "rowheader" : "cell");
      if (column.label) cell.dataset.label = column.label;
      column.make?.(cell, item);
      row.append(cell);
    }
    this.#rows.set(name, row);
    return row;
  }

  #change(row, item) {
    row.classList.remove("gone");
    for (const [place, column] of this.#columns.entries()) {
      const cell = row.cells[place];
      if (column.change) column.change(cell, item);
      else if (column.text) setText(cell, column.text(item));
    }
  }

  /** Takes away what is not wanted any more, but never from under a hand or the focus. */
  #leave(wanted, still) {
    const rowsLeft = this.#rows.size;
    let spare = Math.max(0, rowsLeft - MOST);
    for (const [name, row] of this.#rows) {
      if (wanted.has(name)) continue;
      const held = row.contains(document.activeElement);
      if (held || (still && spare === 0)) {
        row.classList.add("gone");
        this.gone(row);
      } else {
        row.remove();
        this.#rows.delete(name);
        spare = Math.max(0, spare - 1);
      }
    }
  }

  /** Puts rows in order without moving the one that has the focus. */
  #arrange(order) {
    if (order.length === 0) return;
    const fixed = Math.max(0, order.findIndex((row) => row.contains(document.activeElement)));
    const body = this.#body;
    if (!order[fixed].isConnected) body.prepend(order[fixed]);
    for (let at = fixed - 1; at >= 0; at -= 1) {
      if (order[at].nextSibling !== order[at + 1]) body.insertBefore(order[at], order[at + 1]);
    }
    for (let at = fixed + 1; at < order.length; at += 1) {
      const next = order[at - 1].nextSibling;
      if (next !== order[at]) body.insertBefore(order[at], next);
    }
  }
}

/** Buttons in the heads of columns: says which column and direction is asked for. */
export function sortable(table, changed) {
  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => {
      const name = button.dataset.sort;
      const now = button.closest("th").getAttribute("aria-sort");
      // Numbers begin with the largest, texts with the first.
      const first = ["name", "user", "client", "target", "state", "id"].includes(name) ? "asc" : "desc";
      const other = first === "asc" ? "desc" : "asc";
      const order = now === null ? first : now === long(first) ? other : first;
      changed(name, order);
    });
  }
}

/** Shows by which column a table is sorted. */
export function showSorted(table, name, order) {
  for (const head of table.querySelectorAll("thead th")) {
    if (head.querySelector("button")?.dataset.sort === name) head.setAttribute("aria-sort", long(order));
    else head.removeAttribute("aria-sort");
  }
}

const long = (order) => (order === "asc" ? "ascending" : "descending");
