// Line charts of the last half hour, as SVG. What they show is also said in words, for who does not see them.

import { make, draw } from "/console/view.js";
import { clock } from "/console/format.js";

const margin = { top: 8, right: 4, bottom: 20, left: 44 };

/** A chart of two lines within a figure. `series` names them; `text` writes a value with its unit. */
export class Chart {
  constructor(figure, { title, series, text, nothing }) {
    Object.assign(this, { title, series, text, nothing });
    this.values = series.map(() => []);
    this.readings = series.map(() => make("b"));
    const legend = make("div", { class: "legend" }, ...series.map((name, index) =>
      make("span", {}, make("i", { class: index ? "second" : "first" }), name, this.readings[index])));
    this.at = make("span");
    legend.append(this.at);
    this.plot = make("div", { class: "plot" });
    figure.replaceChildren(make("figcaption", {}, title), legend, this.plot);
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  /** `values` has an array for each line, oldest first; the last value belongs to `now`. */
  update(values, { steps, stepSeconds, now }) {
    const seen = JSON.stringify([values, steps]);
    Object.assign(this, { values, steps, stepSeconds, now });
    if (this.seen === seen) return;
    this.seen = seen;
    this.draw();
  }

  point(event) {
    const box = this.plot.getBoundingClientRect();
    const place = event && (event.clientX - box.left - margin.left) / (box.width - margin.left - margin.right);
    this.cursor = event === null || !this.steps ? null
      : Math.round(Math.min(Math.max(place, 0), 1) * (this.steps - 1));
    this.draw();
  }

  draw() {
    const width = this.plot.clientWidth;
    const height = this.plot.clientHeight;
    if (!width || !this.steps) return;
    const offset = this.steps - this.values[0].length;
    const right = width - margin.right;
    const bottom = height - margin.bottom;
    const top = ceiling(Math.max(0, ...this.values.flat().filter((value) => value !== null)));
    const x = (index) => margin.left + (right - margin.left) * index / (this.steps - 1);
    const y = (value) => bottom - (bottom - margin.top) * value / top;

    const hasAnything = this.values.some((line) => line.some((value) => value > 0));
    const parts = [draw("title", {}, this.summary())];
    for (const value of hasAnything ? [0, top / 2, top] : [0]) {
      parts.push(draw("line", { class: "grid", x1: margin.left, x2: right, y1: y(value), y2: y(value) }));
      if (hasAnything) {
        parts.push(draw("text", { x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, this.text(value, true)));
      }
    }
    const span = (this.steps - 1) * this.stepSeconds / 60;
    const marks = [["start", 0, `${Math.round(span)} min ago`], ["middle", (this.steps - 1) / 2,
      `${Math.round(span / 2)} min ago`], ["end", this.steps - 1, "now"]];
    for (const [anchor, index, text] of marks) {
      parts.push(draw("text", { x: x(index), y: height - 4, "text-anchor": anchor }, text));
    }
    if (!hasAnything) {
      parts.push(draw("text", { class: "nothing", x: (margin.left + right) / 2, y: (margin.top + bottom) / 2 + 4,
        "text-anchor": "middle" }, this.nothing));
    }
    this.values.forEach((line, number) => {
      const name = number ? "second" : "first";
      for (const run of runs(line)) {
        const points = run.map(([index, value]) => `${x(index + offset).toFixed(1)},${y(value).toFixed(1)}`);
        if (points.length === 1) {
          const [cx, cy] = points[0].split(",");
          parts.push(draw("circle", { class: name, cx, cy, r: 2 }));
          continue;
        }
        if (!number) {
          const from = x(run[0][0] + offset).toFixed(1);
          const to = x(run[run.length - 1][0] + offset).toFixed(1);
          parts.push(draw("path", { class: "under", d: `M${from},${bottom}L${points.join("L")}L${to},${bottom}Z` }));
        }
        parts.push(draw("path", { class: name, d: `M${points.join("L")}` }));
      }
    });
    this.drawCursor(parts, offset, x, y, bottom);
    this.plot.replaceChildren(draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": this.summary() }, ...parts));
  }

  /** The values under the pointer, or else the last ones, are in the legend. */
  drawCursor(parts, offset, x, y, bottom) {
    const isPointed = this.cursor !== null && this.cursor !== undefined && this.cursor >= offset;
    const index = isPointed ? this.cursor - offset : this.values[0].length - 1;
    this.values.forEach((line, number) => {
      const value = line[index] ?? null;
      this.readings[number].textContent = this.text(value);
      if (isPointed && value !== null) {
        parts.push(draw("circle", { class: number ? "second" : "first", cx: x(this.cursor), cy: y(value), r: 3.5 }));
      }
    });
    const ago = (this.values[0].length - 1 - index) * this.stepSeconds * 1000;
    this.at.textContent = isPointed ? `at ${clock(this.now - ago)}` : "";
    if (isPointed) {
      parts.push(draw("line", { class: "cursor", x1: x(this.cursor), x2: x(this.cursor), y1: margin.top, y2: bottom }));
    }
  }

  summary() {
    const lines = this.series.map((name, index) => {
      const known = this.values[index].filter((value) => value !== null);
      if (!known.length) return `${name}: nothing yet`;
      return `${name}: ${this.text(known[known.length - 1])} at last, ${this.text(Math.max(...known))} at most`;
    });
    return `${this.title}, the last half hour. ${lines.join("; ")}.`;
  }
}

/** The parts of a line between its gaps, as lists of index and value. */
function runs(line) {
  const found = [];
  let run = [];
  line.forEach((value, index) => {
    if (value === null) {
      if (run.length) found.push(run);
      run = [];
    } else {
      run.push([index, value]);
    }
  });
  if (run.length) found.push(run);
  return found;
}

/** A round number above the largest value, whose half is round too. */
function ceiling(value) {
  if (!(value > 0)) return 1;
  const scale = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * scale).find((step) => step >= value * 1.02) ?? 20 * scale;
}
