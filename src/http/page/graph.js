// A graph of two series over time, drawn as SVG; its words are its text alternative.

import { clock, exactClock, element, setText } from "/format.js";

const HEIGHT = 220;
const EDGE = { top: 12, right: 10, bottom: 26 };

/** An SVG element with attributes. */
function drawn(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The end of an axis and the distance of its marks: 1, 2 or 5 times a power of ten. */
function scale(most, whole) {
  const rough = Math.max(most, whole ? 4 : 1000) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  return { step, end: step * Math.ceil(Math.max(most, step) / step) };
}

export class Graph {
  #figure;
  #plot;
  #options;
  #data = null;
  #hovered = null;

  /** `series`: two of `{ key, className, name }`; `show` words a value, `mark` one of the axis; `whole` counts things. */
  constructor(figure, options) {
    this.#figure = figure;
    this.#plot = figure.querySelector(".plot");
    this.#options = options;
    new ResizeObserver(() => this.#draw()).observe(this.#plot);
    figure.querySelector("details").addEventListener("toggle", () => this.#table());
    this.#plot.addEventListener("pointermove", (event) => this.#hover(event));
    this.#plot.addEventListener("pointerleave", () => this.#hover(null));
  }

  /** `points`, oldest first: `{ time, ...values }`; shows the time from `from` to `to`. */
  show(points, from, to) {
    const shown = points.filter((point) => point.time >= from && point.time <= to);
    this.#data = { points: shown, from, to };
    this.#draw();
    this.#table();
  }

  #draw() {
    const width = Math.floor(this.#plot.clientWidth);
    if (!this.#data || width < 50) return;
    const { points, from, to } = this.#data;
    const most = Math.max(0, ...points.flatMap((point) => this.#values(point)));
    const { step, end } = scale(most, this.#options.whole);
    const marks = [];
    for (let value = 0; value <= end + step / 2; value += step) marks.push(value);
    const left = 12 + 7.2 * Math.max(...marks.map((mark) => this.#options.mark(mark).length));
    const x = (time) => left + ((time - from) / (to - from)) * (width - left - EDGE.right);
    const y = (value) => HEIGHT - EDGE.bottom - (value / end) * (HEIGHT - EDGE.bottom - EDGE.top);
    const svg = drawn("svg", {
      role: "img", "aria-label": this.#words(), viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT,
    });
    for (const mark of marks) {
      svg.append(drawn("line", { class: mark === 0 ? "axis" : "grid", x1: left, x2: width - EDGE.right, y1: y(mark), y2: y(mark) }));
      svg.append(drawn("text", { class: "mark", x: left - 8, y: y(mark) + 4, "text-anchor": "end" }, this.#options.mark(mark)));
    }
    this.#times(svg, x, width - left);
    this.#lines(svg, x, y);
    this.#pointer(svg, x, y);
    this.#plot.replaceChildren(svg);
  }

  #values(point) {
    return this.#options.series.map((series) => point[series.key]);
  }

  /** Marks at round clock times, as many as there is room for. */
  #times(svg, x, width) {
    const { from, to } = this.#data;
    const minute = 60_000;
    const every = [1, 2, 5, 10, 15, 20, 30].find((each) => (to - from) / (each * minute) <= width / 62) * minute;
    // Whole minutes of the device's clock, whose zone may be off by a part of an hour.
    const zone = new Date(to).getTimezoneOffset() * minute;
    for (let time = Math.ceil((from - zone) / every) * every + zone; time <= to; time += every) {
      svg.append(drawn("line", { class: "grid", x1: x(time), x2: x(time), y1: HEIGHT - EDGE.bottom, y2: HEIGHT - EDGE.bottom + 5 }));
      const anchor = x(to) - x(time) < 18 ? "end" : "middle";
      svg.append(drawn("text", { class: "mark", x: x(time), y: HEIGHT - 6, "text-anchor": anchor }, clock(time)));
    }
  }

  #lines(svg, x, y) {
    const { points } = this.#data;
    if (points.length === 0) return;
    const two = (number) => number.toFixed(1);
    for (const { key, className } of this.#options.series) {
      const path = points.map((point, at) => `${at === 0 ? "M" : "L"}${two(x(point.time))} ${two(y(point[key]))}`).join("");
      const [first, last] = [points[0], points[points.length - 1]];
      const area = `${path}L${two(x(last.time))} ${two(y(0))}L${two(x(first.time))} ${two(y(0))}Z`;
      svg.append(drawn("path", { class: `area ${className}`, d: area }));
      svg.append(drawn("path", { class: `line ${className}`, d: path }));
      // The newest value: a line of one point, or of few, would not be seen.
      svg.append(drawn("circle", { class: `spot ${className}`, cx: two(x(last.time)), cy: two(y(last[key])), r: 3 }));
    }
  }

  /** The values under the pointer. */
  #pointer(svg, x, y) {
    const { points } = this.#data;
    if (this.#hovered === null || points.length === 0) return;
    const off = (point) => Math.abs(x(point.time) - this.#hovered);
    const near = points.reduce((best, point) => (off(point) < off(best) ? point : best));
    svg.append(drawn("line", { class: "axis", x1: x(near.time), x2: x(near.time), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
    for (const { key, className } of this.#options.series) {
      svg.append(drawn("circle", { class: `spot ${className}`, cx: x(near.time), cy: y(near[key]), r: 4 }));
    }
    const words = this.#options.series.map(({ key, name }) => `${this.#options.show(near[key])} ${name}`).join(", ");
    const right = x(near.time) > svg.getAttribute("width") / 2;
    const place = { class: "readout", x: x(near.time) + (right ? -8 : 8), y: EDGE.top + 10, "text-anchor": right ? "end" : "start" };
    svg.append(drawn("text", place, `${exactClock(near.time)}  ${words}`));
  }

  #hover(event) {
    this.#hovered = event ? event.clientX - this.#plot.getBoundingClientRect().left : null;
    this.#draw();
  }

  /** The graph in words. */
  #words() {
    const { points } = this.#data;
    if (points.length === 0) return `${this.#options.title}: nothing recorded yet`;
    const last = points[points.length - 1];
    const told = this.#options.series.map(({ key, name }) => {
      const most = points.reduce((best, point) => (point[key] > best[key] ? point : best));
      const { show } = this.#options;
      return `${name}: now ${show(last[key])}, at most ${show(most[key])} at ${clock(most.time)}`;
    });
    return `${this.#options.title} since ${clock(points[0].time)}. ${told.join("; ")}`;
  }

  /** The same as rows: a tenth to a fifteenth of the time each. */
  #table() {
    const details = this.#figure.querySelector("details");
    if (!details.open || !this.#data) return;
    const { points, from, to } = this.#data;
    const { series, show, whole } = this.#options;
    const length = to - from > 1_800_000 ? 300_000 : to - from > 600_000 ? 60_000 : 30_000;
    const rows = new Map();
    for (const point of points) {
      const start = Math.floor(point.time / length) * length;
      rows.set(start, [...(rows.get(start) ?? []), point]);
    }
    const head = element("tr");
    for (const name of ["From", ...series.map((each) => each.column)]) {
      const cell = element("th", "", name);
      cell.scope = "col";
      head.append(cell);
    }
    details.querySelector("thead").replaceChildren(head);
    const told = [...rows].reverse().map(([start, held]) => {
      const row = element("tr");
      const time = element("th", "", exactClock(start));
      time.scope = "row";
      const value = (key, most) => {
        const values = held.map((point) => point[key]);
        return most ? Math.max(...values) : values.reduce((a, b) => a + b, 0) / (whole ? 1 : values.length);
      };
      row.append(time, ...series.map(({ key, most }) => element("td", "number", show(value(key, most)))));
      return row;
    });
    details.querySelector("tbody").replaceChildren(...told);
    setText(details.querySelector("caption"), this.#words());
  }
}
