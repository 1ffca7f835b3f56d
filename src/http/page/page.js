// The live page: asks the server every two seconds and shows what it says.

import { askToCut, describe } from "/cut.js";
import { bytes, count, element, exactClock, rate, setText, span } from "/format.js";
import { Graph } from "/graph.js";
import { showLimits } from "/limits.js";
import { Rows, showSorted, sortable } from "/rows.js";

const EVERY = 2000;
const PATIENCE = 6000;
const id = (name) => document.getElementById(name);

/** What the last answer said, and the one before it. */
let [last, before] = [null, null];
let [paused, timer, asking, locked, rangeChosen] = [false, 0, null, false, false];
let rearrange = false;
let openSort = ["down", "desc"];
const topSort = { users: ["down", "desc"], targets: ["down", "desc"] };

// Asking.

/** `changed`: somebody has asked for another order or choice of rows. */
async function ask(changed = false) {
  if (locked) return;
  clearTimeout(timer);
  rearrange ||= changed;
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  const patience = setTimeout(() => mine.abort("late"), PATIENCE);
  try {
    const query = new URLSearchParams({ sort: openSort[0], order: openSort[1] });
    const find = encodeURIComponent(id("find").value.trim());
    // Of the origin: an address with a name and a password in it can't be fetched from.
    const response = await fetch(`${location.origin}/live.json?${query}&find=${find}`, { signal: mine.signal });
    if (response.status === 401) return lock();
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    take(await response.json());
    setText(id("trouble"), "");
    if (paused) showPaused();
    else state("live", `Live, up for ${span(last.metrics.uptime)}`);
  } catch (error) {
    if (asking !== mine) return;
    lost(error);
  } finally {
    clearTimeout(patience);
    if (asking === mine) asking = null;
  }
  later();
}

function later() {
  clearTimeout(timer);
  if (!paused && !locked && !document.hidden) timer = setTimeout(() => ask(), EVERY);
}

function lost(error) {
  const why = error instanceof Error && !(error instanceof TypeError) && error.name !== "AbortError" ? ` (${error.message})` : "";
  setText(id("trouble"), `The server does not answer${why}. ${dated()} The page keeps trying.`);
  state("lost", "No answer");
}

/** Each further try would count as a guess of the token. */
function lock() {
  locked = true;
  setText(id("trouble"), `The server refuses the token, or this address after too many wrong passwords. ${dated()} Reload the page to try again.`);
  state("lost", "Token refused");
}

const dated = () => (last ? `What you see is from ${exactClock(last.time)}.` : "Nothing has been seen yet.");

const showPaused = () => state("paused", `Paused. ${dated()}`);

function state(is, text) {
  id("state").dataset.is = is;
  setText(id("state-text"), text);
}

function take(told) {
  const restarted = last && told.metrics.uptime < last.metrics.uptime;
  // Over less than a second a rate says little, so an extra question compares with the same.
  if (restarted) before = null;
  else if (last && told.time - last.time > 1000) before = last;
  last = told;
  show();
}

// Showing.

/** What a total has grown by in a second since the last answer. */
function perSecond(now, then) {
  const seconds = before ? (last.time - before.time) / 1000 : 0;
  return seconds > 0.1 && seconds < 60 && then !== undefined ? Math.max(0, now - then) / seconds : null;
}

function show() {
  const { metrics, limits } = last;
  const down = perSecond(metrics.down, before?.metrics.down);
  const up = perSecond(metrics.up, before?.metrics.up);
  const texts = {
    version: last.version,
    "now-down": down === null ? "–" : rate(down),
    "now-up": up === null ? "–" : rate(up),
    "all-down": `${bytes(metrics.down)} since the start`,
    "all-up": `${bytes(metrics.up)} since the start`,
    "now-open": count(metrics.open),
    "most-open": `${count(limits[0].value)} allowed, at most ${count(metrics.mostOpen)} so far`,
    accepted: count(metrics.accepted),
    refused: count(metrics.refused),
    failed: count(metrics.failedLogins),
  };
  for (const [name, text] of Object.entries(texts)) setText(id(name), text);
  showGraphs();
  showTop("users", users, "user");
  showTop("targets", targets, "target");
  showOpen();
  showLimits(last);
}

/** The history as points in time; the last one is the step that still runs. */
function points() {
  const { step, running, down, up, open, opened } = last.history;
  const ended = last.time - running;
  const all = down.map((_, at) => ({
    time: ended - (down.length - at - 1.5) * step * 1000,
    down: down[at] / step,
    up: up[at] / step,
    open: open[at],
    opened: opened[at],
  }));
  const newest = all.pop();
  // Of its first moments nothing can be said yet.
  if (running < 2000) return all;
  const length = running / 1000;
  all.push({
    time: ended + running / 2,
    down: newest.down * step / length,
    up: newest.up * step / length,
    open: newest.open,
    opened: Math.round(newest.opened * step / length),
  });
  return all;
}

const throughput = new Graph(id("throughput"), {
  title: "Throughput",
  show: rate,
  mark: (value) => rate(value).replace(/\.?0+(?=\u00a0)(?<=\.\d*)/, ""),
  series: [
    { key: "down", className: "down", name: "down", column: "Down, mean" },
    { key: "up", className: "up", name: "up", column: "Up, mean" },
  ],
});
const opened = new Graph(id("opened"), {
  title: "Connections",
  show: count,
  mark: count,
  whole: true,
  series: [
    { key: "open", className: "open", name: "open", column: "Open, at most", most: true },
    { key: "opened", className: "new", name: "new", column: "New" },
  ],
});

function showGraphs() {
  const all = points();
  const range = document.querySelector("input[name=range]:checked");
  if (!rangeChosen) {
    const minutes = (last.time - (all[0]?.time ?? last.time)) / 60_000;
    document.querySelector(`input[name=range][value="${minutes <= 5 ? 5 : minutes <= 15 ? 15 : 60}"]`).checked = true;
  }
  const from = last.time - Number((rangeChosen ? range : document.querySelector("input[name=range]:checked")).value) * 60_000;
  throughput.show(all, from, last.time);
  opened.show(all, from, last.time);
}

/** Columns of the tops; a bar shows the part of the largest. */
function topColumns(label) {
  const part = { largest: 1 };
  const told = (item, number) => (item.atLeast ? `≥ ${bytes(number)}` : bytes(number));
  return {
    part,
    columns: [
      {
        label,
        className: "name",
        make: (cell) => cell.append(element("span", "bar"), element("span", "text")),
        change: (cell, item) => {
          const share = (item.down + item.up) / part.largest;
          cell.querySelector(".bar").style.setProperty("--share", `${(100 * share).toFixed(1)}%`);
          setText(cell.querySelector(".text"), item.name);
          cell.classList.toggle("nameless", Boolean(item.kind));
        },
      },
      { className: "number", text: (item) => count(item.connections) },
      { className: "number", text: (item) => told(item, item.down) },
      { className: "number", text: (item) => told(item, item.up) },
    ],
  };
}

function topTable(name, label) {
  const { part, columns } = topColumns(label);
  sortable(id(name), (column, order) => {
    topSort[name] = [column, order];
    if (last) show();
  });
  return { part, rows: new Rows(id(name).tBodies[0], columns) };
}

const users = topTable("users", "User");
const targets = topTable("targets", "Target");

function showTop(name, { part, rows }, what) {
  const told = last[name];
  const [column, order] = topSort[name];
  const sign = order === "asc" ? 1 : -1;
  const compare = (a, b) => (column === "name" ? a.name.localeCompare(b.name) : a[column] - b[column]);
  const sorted = [...told.rows].sort((a, b) => sign * compare(a, b));
  part.largest = Math.max(1, ...sorted.map((item) => item.down + item.up));
  showSorted(id(name), column, order);
  rows.show(sorted, (item) => `${item.kind ?? ""}/${item.name}`);
  const more = told.known - told.rows.length;
  const active = name === "users" && last.metrics.activeUsers > 0 ? ` ${count(last.metrics.activeUsers)} connected now.` : "";
  const note = told.known === 0 ? `No ${what} yet.`
    : more > 0 ? `By octets since the start; ${count(more)} more ${more === 1 ? what : `${what}s`} behind them.`
    : "By octets since the start.";
  setText(id(`${name}-note`), note + active);
}

/** What each connection had moved at the last answer. */
const movedBefore = (row) => before?.connections.rows.find((other) => other.id === row.id);
const shownNow = new Map();

const openRows = new Rows(
  id("open").tBodies[0],
  [
    { label: "No.", className: "number id", text: (row) => String(row.id) },
    { label: "User", className: "user", text: (row) => (row.user === "-" ? "not logged in" : row.user === "anonymous" ? "no login" : row.user) },
    { label: "Client", className: "client", text: (row) => row.client },
    { label: "Target", className: "target", text: (row) => row.target ?? (row.service === "socks" ? "not said yet" : `mailbox (${row.service})`) },
    { label: "State", className: "state", text: (row) => row.state },
    { label: "Down", className: "number moved", text: (row) => bytes(row.down) },
    { label: "Up", className: "number moved", text: (row) => bytes(row.up) },
    { label: "Now", className: "number moved", text: (row) => shownNow.get(row.id) ?? "–" },
    { label: "Age", className: "number age", text: (row) => span(row.age) },
    { className: "action", make: makeCut, change: changeCut },
  ],
  (row) => {
    // Of a choice nobody can tell whether it has ended or only left the choice.
    const all = last.connections.matching === last.connections.rows.length && !id("find").value.trim();
    setText(row.querySelector(".state"), all ? "ended" : "not listed now");
    if (all) row.querySelector("button").setAttribute("aria-disabled", "true");
  },
);

const cuttable = new WeakMap();

function makeCut(cell) {
  const button = element("button", "cut", "Cut");
  button.type = "button";
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    askToCut(cuttable.get(button), (sentence) => {
      say(sentence);
      ask();
    });
  });
  cell.append(button);
}

function changeCut(cell, row) {
  const button = cell.querySelector("button");
  cuttable.set(button, row);
  button.removeAttribute("aria-disabled");
  const name = `Cut ${describe(row)}`;
  if (button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
}

function showOpen() {
  const { rows, matching } = last.connections;
  shownNow.clear();
  for (const row of rows) {
    const then = movedBefore(row);
    const moved = perSecond(row.down + row.up, then && then.down + then.up);
    if (moved !== null) shownNow.set(row.id, rate(moved));
  }
  openRows.show(rows, (row) => row.id, rearrange);
  rearrange = false;
  showSorted(id("open"), ...openSort);
  setText(id("found"), found(rows.length, matching));
}

function found(shown, matching) {
  const searched = id("find").value.trim() !== "";
  const all = searched ? `${count(matching)} of ${count(last.metrics.open)} match` : `${count(matching)} open`;
  return shown < matching ? `${all}; the first ${count(shown)} are shown, ${count(matching - shown)} more are not.` : `${all}.`;
}

// What people do.

let saying = 0;

/** Says what became of something; readers of the screen hear it. */
function say(sentence) {
  clearTimeout(saying);
  setText(id("says"), sentence);
  saying = setTimeout(() => setText(id("says"), ""), 10_000);
}

function sortOpen(column, order) {
  openSort = [column, order];
  id("sort").value = `${column} ${order}`;
  ask(true);
}

sortable(id("open"), sortOpen);
id("sort").addEventListener("change", () => sortOpen(...id("sort").value.split(" ")));

// Where connections are cards, the heads are for readers of the screen only: nobody
// should have to tab through what can't be seen.
const cards = matchMedia("(max-width: 60rem)");
const skipHeads = () => id("open").querySelectorAll("thead button").forEach((button) => {
  button.tabIndex = cards.matches ? -1 : 0;
});
cards.addEventListener("change", skipHeads);
skipHeads();

let typing = 0;
id("find").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(async () => {
    await ask(true);
    setText(id("heard"), id("found").textContent);
  }, 250);
});

id("range").addEventListener("change", () => {
  rangeChosen = true;
  if (last) showGraphs();
});

id("pause").addEventListener("click", () => {
  paused = !paused;
  id("pause").setAttribute("aria-pressed", String(paused));
  if (paused) {
    clearTimeout(timer);
    const late = asking;
    asking = null;
    late?.abort();
    showPaused();
  } else {
    ask();
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else if (!paused && !locked) ask();
});

document.title = `socksd at ${location.host}`;
ask();
