// swift-format-ignore-file
// Made by ops/embed-console.sh of Page/view.js: edit that.

extension EmbeddedConsole {
    static let viewJSTag: StaticString = "\"fa7acadfedaf6921\""
    static let viewJS: StaticString = ##"""
// Makes elements and tables. All text goes in as text: nothing that came from anywhere is ever read as markup.

export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const pill = (word, tone = "idle") => make("span", { class: `pill ${tone}` }, word);

/** Sets the text only where it is another, so that what is selected stays selected and readers are not disturbed. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows the children that `build` makes, but leaves the element alone while `data` is what it was. */
export function show(element, data, build) {
  const seen = JSON.stringify(data);
  if (element.shown === seen) return;
  element.shown = seen;
  element.replaceChildren(...[build()].flat());
}

/** Rows that a table has before it is told to show all; on a phone each of them is long. */
const most = matchMedia("(max-width: 700px)").matches ? 4 : 10;

/**
 * A table that keeps its rows from one time to the next, and shows the first of many only, until it is told otherwise. A column is `{ head, cell, kind }`, where `cell` gives the
 * text or the elements of a row's cell, or null, and `kind` is "number", "name", "long" or "tight".
 */
export class Table {
  constructor(place, caption, columns, empty) {
    Object.assign(this, { place, columns, empty });
    this.rows = new Map();
    this.items = [];
    this.more = make("button", { type: "button" });
    this.more.addEventListener("click", () => {
      this.showsAll = !this.showsAll;
      this.update(this.items, this.keyOf);
    });
    this.body = make("tbody", { role: "rowgroup" });
    // On narrow screens the parts of the table are blocks, which would lose their meaning without roles.
    const heads = columns.map((column) =>
      make("th", { scope: "col", role: "columnheader", class: column.kind }, column.head));
    this.table = make("table", { role: "table" }, make("caption", { class: "unseen" }, caption),
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)), this.body);
  }

  update(items, keyOf) {
    Object.assign(this, { items, keyOf });
    if (!items.length) {
      this.rows.clear();
      this.body.replaceChildren();
      show(this.place, ["empty"], () => make("div", { class: "empty" }, ...this.empty.build()));
      return;
    }
    const isLong = items.length > most;
    show(this.place, ["table", isLong], () => isLong ? [this.table, this.more] : this.table);
    this.more.setAttribute("aria-expanded", String(Boolean(this.showsAll)));
    say(this.more, this.showsAll ? `Show the first ${most} only` : `Show all ${items.length}`);
    const rows = new Map();
    const seen = new Map();
    for (const item of this.showsAll ? items : items.slice(0, most)) {
      const name = keyOf(item);
      const times = seen.get(name) ?? 0;
      seen.set(name, times + 1);
      const key = `${name}\u0000${times}`;
      const row = this.rows.get(key) ?? this.makeRow();
      this.fillRow(row, item);
      rows.set(key, row);
    }
    for (const [key, row] of this.rows) if (!rows.has(key)) row.remove();
    this.rows = rows;
    [...rows.values()].forEach((row, index) => {
      const there = this.body.children[index] ?? null;
      if (there !== row) this.body.insertBefore(row, there);
    });
  }

  makeRow() {
    const cells = this.columns.map(({ head, kind }) => make("td", { role: "cell", "data-head": head, class: kind }));
    return make("tr", { role: "row" }, ...cells);
  }

  fillRow(row, item) {
    this.columns.forEach((column, index) => {
      const cell = row.children[index];
      const content = [column.cell(item)].flat().filter((part) => part !== null && part !== undefined && part !== "");
      cell.classList.toggle("absent", !content.length);
      const seen = content.map((part) => part.outerHTML ?? part).join("\u0000");
      if (cell.shown === seen) return;
      cell.shown = seen;
      cell.replaceChildren(...(content.length > 1 ? [make("span", {}, ...content)] : content));
    });
  }
}

"""##
}
