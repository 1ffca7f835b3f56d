// Numbers, times and names as people read them.

const NARROW = "\u00a0";
const whole = new Intl.NumberFormat("en");

/** A count: 12,345. */
export const count = (number) => whole.format(number);

/** Octets in powers of 1000, three digits: 1.23 MB. */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  let unit = 0;
  while (number >= 999.5 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  return number.toFixed(digits) + NARROW + units[unit];
}

/** Octets per second. */
export const rate = (number) => bytes(number) + "/s";

/** Seconds as the two largest units: 2 h 05 min. */
export function span(seconds) {
  const all = Math.floor(seconds);
  const [days, hours] = [Math.floor(all / 86400), Math.floor(all / 3600) % 24];
  const [minutes, rest] = [Math.floor(all / 60) % 60, all % 60];
  const two = (number) => String(number).padStart(2, "0");
  if (days > 0) return `${days}${NARROW}d ${hours}${NARROW}h`;
  if (hours > 0) return `${hours}${NARROW}h ${two(minutes)}${NARROW}min`;
  if (minutes > 0) return `${minutes}${NARROW}min ${two(rest)}${NARROW}s`;
  return `${rest}${NARROW}s`;
}

const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** A moment, in milliseconds since the epoch, as 12:34. */
export const clock = (moment) => minutes.format(moment);

/** The same as 12:34:56. */
export const exactClock = (moment) => seconds.format(moment);

/** Puts a text into a node, and leaves it alone where it stands there already. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** An element with a class and a text. Texts are never taken for HTML. */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
