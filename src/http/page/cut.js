// Cutting a connection, or all of its user: a dialog that asks for an admin's name and
// password each time, so that nothing in this browser can cut by itself.

import { setText } from "/format.js";

const dialog = document.querySelector("#cut");
const form = dialog.querySelector("form");
const [name, password] = [document.querySelector("#cut-name"), document.querySelector("#cut-password")];
const [error, go] = [document.querySelector("#cut-error"), document.querySelector("#cut-go")];
const [one, all] = [document.querySelector("#cut-one"), document.querySelector("#cut-all")];

let order = null;

/** Asks who wants to cut this connection; `done` is told the sentence of a success. */
export function askToCut(connection, done) {
  order = { connection, done };
  setText(document.querySelector("#cut-what"), describe(connection));
  // Who has not logged in is nobody whose connections could be told from others'.
  document.querySelector("#cut-choice").hidden = connection.login === null;
  setText(document.querySelector("#cut-whose"), `all connections of ${connection.user}`);
  one.checked = true;
  nameAction();
  setText(error, "");
  password.value = "";
  dialog.showModal();
  (name.value ? password : name).focus();
}

const nameAction = () => setText(go, all.checked ? "Cut all" : "Cut it");
one.addEventListener("change", nameAction);
all.addEventListener("change", nameAction);

/** A connection in words. */
export function describe({ id, user, client, target, service }) {
  const whose = user === "-" ? `from ${client}` : `of ${user}`;
  const where = target ? ` to ${target}` : service === "socks" ? "" : ` (${service})`;
  return `connection ${id} ${whose}${where}`;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [wanted, missing] = [order, [name, password].find((field) => field.value === "")];
  if (missing) {
    setText(error, "An admin's name and password are needed.");
    missing.focus();
    return;
  }
  if (go.getAttribute("aria-disabled") === "true") return;
  go.setAttribute("aria-disabled", "true");
  const { id, login } = wanted.connection;
  const what = all.checked ? { user: login } : { connection: id };
  const answer = await send({ ...what, name: name.value, password: password.value });
  go.removeAttribute("aria-disabled");
  password.value = "";
  if (answer.over) {
    dialog.close();
    wanted.done(answer.sentence);
  } else {
    setText(error, answer.sentence);
    password.focus();
  }
});

async function send(body) {
  try {
    const response = await fetch(`${location.origin}/cut`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!(response.headers.get("Content-Type") ?? "").startsWith("application/json")) {
      return { over: false, sentence: `The server refused: ${response.status} ${response.statusText}.` };
    }
    const { sentence } = await response.json();
    // A connection that has ended by itself needs no second try.
    return { over: response.ok || response.status === 404, sentence };
  } catch {
    return { over: false, sentence: "The server does not answer; nothing is known to be cut." };
  }
}

document.querySelector("#cut-cancel").addEventListener("click", () => dialog.close());
// It is told late: the dialog may be open again, with what has been typed since.
dialog.addEventListener("close", () => {
  if (!dialog.open) password.value = "";
});
