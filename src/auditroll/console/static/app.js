import { el, failure, notice, show } from "./dom.js";
import { producers } from "./producers.js";
import { record } from "./record.js";
import { leave, records, streams } from "./records.js";
import { enrol, keyChanged, load, login, logout, session } from "./session.js";

function header() {
  const nav = document.getElementById("nav");
  const who = document.getElementById("who");
  nav.hidden = who.hidden = session === null;
  if (session === null) return;
  for (const link of nav.querySelectorAll("a")) {
    link.hidden = link.dataset.role !== undefined && link.dataset.role !== session.role;
    if (location.hash.startsWith(link.getAttribute("href"))) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  who.replaceChildren(
    el("span", {}, session.name),
    el("button", { type: "button", onclick: () => logout(route) }, "Log out"),
  );
}

async function page(path) {
  const match = /^\/record\/([0-9a-f]{32})\/([0-9]{1,16})$/.exec(path);
  if (match) return record(match[1], Number(match[2]));
  if (path === "/streams") return streams();
  if (path === "/producers") return producers();
  return records();
}

async function home() {
  await load();
  if (location.hash === "#/records") await route();
  else location.hash = "#/records";
}

async function route() {
  leave();
  const [path, query] = location.hash.slice(1).split("?");
  try {
    if (path === "/enrol") return enrol(new URLSearchParams(query ?? ""), home);
    if (session === null) return login(home);
    await page(path);
    if (keyChanged())
      document
        .getElementById("content")
        .prepend(notice("The collector's key is not the one this browser pinned. Do not trust what you see; ask the security officer.", "bad"));
  } catch (problem) {
    if (problem.status === 401) {
      await load();
      return route();
    }
    show(failure(problem));
  } finally {
    header();
    // A form keeps the focus it has taken; otherwise the keyboard starts at the new content.
    if (document.activeElement === document.body || document.activeElement?.closest("header"))
      document.getElementById("content").focus({ preventScroll: true });
  }
}

addEventListener("hashchange", route);
await load();
await route();
