import { get, post, Problem } from "./api.js";
import { el, failure, label, show } from "./dom.js";

const PIN = "auditroll.pinned-key";
// The server decides; this spares a person the round trip.
const MIN_PASSWORD = 15;

export let session = null;

export async function load() {
  try {
    session = await get("/v1/session");
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 401) throw problem;
    session = null;
  }
  return session;
}

// The key is pinned on first use, or from the enrolment link that the terminal printed, and never
// replaced by what a later answer says.
export function pinnedKey() {
  const pinned = localStorage.getItem(PIN);
  if (pinned) return pinned;
  localStorage.setItem(PIN, session.key);
  return session.key;
}

export function keyChanged() {
  return session !== null && pinnedKey() !== session.key;
}

function form(title, intro, fields, action, submit) {
  const message = el("div", { "aria-live": "polite" });
  const button = el("button", { class: "main", type: "submit" }, action);
  const send = async (event) => {
    event.preventDefault();
    button.disabled = true;
    message.replaceChildren();
    try {
      await submit();
    } catch (problem) {
      message.replaceChildren(failure(problem));
    } finally {
      button.disabled = false;
    }
  };
  const body = el("form", { onsubmit: send }, fields, el("p"), message, button);
  show(el("section", { class: "card narrow" }, el("h1", {}, title), el("p", { class: "soft" }, intro), body));
  body.querySelector("input:not([value])")?.focus();
}

function credentials(fresh) {
  const name = el("input", { name: "name", autocomplete: "username", required: true, maxlength: 64 });
  const password = el("input", {
    name: "password",
    type: "password",
    autocomplete: fresh ? "new-password" : "current-password",
    required: true,
    minlength: fresh ? MIN_PASSWORD : undefined,
  });
  return { name, password };
}

export function login(done) {
  const { name, password } = credentials(false);
  form(
    "Log in",
    "Every search and every view of a record is recorded.",
    [label("name", "Name", name), label("password", "Password", password)],
    "Log in",
    async () => {
      await post("/v1/login", { name: name.value, password: password.value });
      await done();
    },
  );
}

export function enrol(parameters, done) {
  const given = parameters.get("code") ?? "";
  const key = parameters.get("key");
  // The code leaves the address bar, and with it the browser's history.
  history.replaceState(null, "", "#/enrol");
  const code = el("input", { name: "code", autocomplete: "one-time-code", required: true, value: given || undefined });
  const { name, password } = credentials(true);
  form(
    "Enrol the first administrator",
    "The one-time code was printed by the terminal that runs auditroll.",
    [
      label("code", "One-time code", code),
      label("name", "Name", name),
      label("password", "Password", password, `At least ${MIN_PASSWORD} characters.`),
    ],
    "Enrol",
    async () => {
      await post("/v1/enrol", { code: code.value.trim(), name: name.value, password: password.value });
      // Only now: a link whose code is not accepted did not come from the terminal.
      if (key && /^[0-9a-f]{64}$/.test(key)) localStorage.setItem(PIN, key);
      await done();
    },
  );
}

export async function logout(done) {
  await post("/v1/logout");
  session = null;
  await done();
}
