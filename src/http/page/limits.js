// The limits of the server and of its users, and the rules.

import { bytes, count, element, rate, setText, span } from "/format.js";
import { Rows } from "/rows.js";

const id = (name) => document.getElementById(name);
const DAY = 86_400_000;
const NARROW = "\u00a0";

/** Shows them as an answer of the server tells them. */
export function showLimits({ time, limits, limited, rules }) {
  showSettings(limits);
  showUsers(limited, time);
  showRules(rules);
}

function showSettings(limits) {
  const list = id("limits");
  while (list.children.length > limits.length) list.lastChild.remove();
  while (list.children.length < limits.length) {
    const pair = element("div");
    pair.append(element("dt"), element("dd"));
    list.append(pair);
  }
  limits.forEach(({ name, value, unit }, at) => {
    const none = name === "Relay buffer" ? "grows with the traffic" : "no limit";
    const text = value === null ? none : unit === "s" ? span(value) : [count(value), unit].filter(Boolean).join(NARROW);
    setText(list.children[at].firstChild, name);
    setText(list.children[at].lastChild, text);
  });
}

// Of users.

/** Today in UTC, as the server reckons. */
let today = 0;

/** A text, and what there is to say about it. */
const makeMarked = (cell) => cell.append(element("span", "text"), " ", element("b"));

function mark(cell, text, is, words) {
  setText(cell.querySelector(".text"), text);
  const says = cell.querySelector("b");
  setText(says, words);
  says.className = is;
}

const quota = (label, of) => ({
  label,
  className: "quota",
  make: (cell) => {
    makeMarked(cell);
    cell.append(element("span", "gauge"));
  },
  change: (cell, user) => {
    const { used, quota, is } = of(user);
    // A part that is not all of it is never shown as 100 %.
    const part = quota === null ? 0 : Math.min(100, Math.floor((100 * used) / quota));
    const words = quota === null ? "" : is === "over" ? "used up" : is === "near" ? `${part}${NARROW}%, nearly used up` : `${part}${NARROW}%`;
    mark(cell, quota === null ? bytes(used) : `${bytes(used)} of ${bytes(quota)}`, is, words);
    const gauge = cell.querySelector(".gauge");
    gauge.hidden = quota === null;
    gauge.style.setProperty("--share", `${part}%`);
  },
});

const rateOf = (label, of) => ({
  label,
  className: "number",
  change: (cell, user) => {
    setText(cell, of(user) === null ? "–" : rate(of(user)));
    cell.classList.toggle("none", of(user) === null);
  },
});

function expiry(cell, { expires }) {
  cell.classList.toggle("none", expires === null);
  if (expires === null) return mark(cell, "–", "within", "");
  const days = Math.round((Date.parse(expires.date) - today) / DAY);
  const when = days === 1 ? "tomorrow" : `in ${days}${NARROW}days`;
  mark(cell, expires.date, expires.is, expires.is === "over" ? "expired" : expires.is === "near" ? when : "");
}

const users = new Rows(id("limited").tBodies[0], [
  { label: "User", className: "name", text: (user) => user.name },
  {
    label: "Connections",
    className: "number",
    text: ({ open, most }) => (most === null ? count(open) : `${count(open)}${NARROW}of${NARROW}${count(most)}`),
  },
  rateOf("Rate down", (user) => user.rateDown),
  rateOf("Rate up", (user) => user.rateUp),
  quota("Today", (user) => user.day),
  quota("This month", (user) => user.month),
  { label: "Expires", className: "expires", make: makeMarked, change: expiry },
]);

function showUsers({ known, rows }, time) {
  today = Math.floor(time / DAY) * DAY;
  id("limited").hidden = known === 0;
  users.show(rows, (user) => user.name);
  const more = known - rows.length;
  const left = more > 0 ? ` The first ${count(rows.length)} of ${count(known)} are shown, ${count(more)} more are not.` : "";
  setText(id("limited-note"), known === 0 ? "No user has limits of its own."
    : `Who is refused, or soon will be, comes first. Days and months are those of UTC; – is no limit.${left}`);
}

// Rules.

let shown = "";

const meaning = (name) => (name === "clients" ? "who may come"
  : name === "targets" ? "where everybody may go"
  : "where this user may go, looked at before targets");

function showRules(rules) {
  // They change seldom, and who reads them should not lose what is selected.
  const told = JSON.stringify(rules);
  if (told === shown) return;
  shown = told;
  const { lists, more } = rules;
  id("rules").replaceChildren(...lists.map(ruleList));
  const besides = more === 0 ? "" : ` ${count(more)} more ${more === 1 ? "user has" : "users have"} rules of their own, not shown here.`;
  setText(id("rules-note"), lists.length === 0 ? "There are no rules: everybody may come, and go wherever the safe default lets them."
    : `In each list the first rule that matches wins; what no rule matches is allowed.${besides}`);
}

function ruleList({ name, lines, more }) {
  const part = element("div");
  const head = element("h3");
  head.append(element("code", "", name), ` ${meaning(name)}`);
  const list = element("ol");
  list.append(...lines.map((line) => {
    const item = element("li");
    item.append(element("code", "", line));
    return item;
  }));
  part.append(head, list);
  if (more > 0) part.append(element("p", "note", `and ${count(more)} more, not shown here`));
  return part;
}
