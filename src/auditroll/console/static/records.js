import { get, post } from "./api.js";
import { el, failure, label, notice, pill, show } from "./dom.js";

const OPERATORS = { "!=": "ne", ">=": "gte", "<=": "lte", "^=": "prefix", "=": "eq", ">": "gt", "<": "lt" };
const PAGE = 50;
const TAIL_MS = 1000;

export function parseFilters(words) {
  return words
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => {
      const match = /^([a-z_]+)(!=|>=|<=|\^=|=|>|<)(.+)$/.exec(word);
      if (!match) throw new Error(`"${word}" is not field=value.`);
      return { field: match[1], op: OPERATORS[match[2]], value: match[3] };
    });
}

export const when = (row) => row.timestamp.replace("T", " ").replace("Z", "");

export function recordLink(row, words) {
  return el("a", { href: `#/record/${row.stream}/${row.index}` }, words);
}

export function table(rows, caption) {
  const head = ["Time (UTC)", "Outcome", "Status", "Action", "Service", "Actor", "Resource", "Route or event"];
  return el(
    "div",
    { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
      el(
        "tbody",
        {},
        rows.map((row) =>
          el(
            "tr",
            {},
            el("td", { class: "mono" }, recordLink(row, when(row))),
            el("td", {}, row.outcome ? pill(row.outcome) : ""),
            el("td", { class: "mono" }, row.status_code ?? ""),
            el("td", {}, row.action_type ?? ""),
            el("td", {}, row.service_name ?? ""),
            el("td", { class: "mono", title: row.user_id }, (row.user_id ?? "").slice(0, 14)),
            el("td", { class: "mono", title: row.resource_id }, resource(row)),
            el("td", { class: "mono" }, row.route ?? row.event_type),
          ),
        ),
      ),
    ),
  );
}

function resource(row) {
  if (row.resource_count !== undefined && row.resource_ids) return `${row.resource_count} × ${row.resource_type}`;
  const id = row.resource_id ?? row.resource_type ?? "";
  return id.length > 26 ? `${id.slice(0, 25)}…` : id;
}

let timer = null;

export function leave() {
  clearInterval(timer);
  timer = null;
}

export function records() {
  const words = el("input", { name: "filters", placeholder: "outcome=denied service_name=records", spellcheck: "false", autocapitalize: "none" });
  const from = el("input", { name: "from", type: "datetime-local", step: "1" });
  const to = el("input", { name: "to", type: "datetime-local", step: "1" });
  const tail = el("button", { type: "button", "aria-pressed": "false" }, "Live tail");
  const results = el("div", { "aria-live": "off" });
  const state = el("p", { class: "soft", role: "status" });
  let rows = [];
  let cursor = null;
  let unreadable = 0;
  let busy = false;

  const query = () => {
    const body = { filters: parseFilters(words.value), limit: PAGE, order: "newest", live: timer !== null };
    if (from.value) body.from = `${from.value.padEnd(19, ":00").slice(0, 19)}.000Z`;
    if (to.value) body.to = `${to.value.padEnd(19, ":00").slice(0, 19)}.000Z`;
    return body;
  };
  const draw = (note) => {
    state.textContent = note;
    const more = el("button", { type: "button", onclick: () => run(cursor) }, "Older records");
    results.replaceChildren(
      unreadable
        ? notice(`${unreadable} parts of the log could not be read and were not searched. Run auditroll verify.`, "bad")
        : "",
      rows.length ? table(rows, "Records found") : notice("No record matches."),
      cursor && !timer ? el("div", { class: "more" }, more) : "",
    );
  };
  const run = async (at = null) => {
    if (timer === null) state.textContent = "Searching…";
    try {
      const page = await post("/v1/records/search", at ? { ...query(), cursor: at } : query());
      rows = at ? rows.concat(page.rows) : page.rows;
      cursor = page.cursor ?? null;
      unreadable = page.unreadable.length;
      draw(timer ? `Live; newest ${rows.length} records.` : `${rows.length} records${cursor ? ", more follow" : ""}.`);
    } catch (problem) {
      leave();
      tail.setAttribute("aria-pressed", "false");
      state.textContent = "";
      results.replaceChildren(failure(problem));
    }
  };
  // A search that takes longer than a tick is not overtaken by the next.
  const watch = async () => {
    if (busy) return;
    busy = true;
    await run();
    busy = false;
  };
  tail.addEventListener("click", () => {
    const on = timer === null;
    leave();
    if (on) timer = setInterval(watch, TAIL_MS);
    tail.setAttribute("aria-pressed", String(on));
    run();
  });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  show(
    el("div", { class: "row" }, el("h1", {}, "Records"), tail),
    el(
      "form",
      { class: "card search", role: "search", onsubmit: submit },
      el("div", { class: "grow" }, label("filters", "Filters", words)),
      el("div", { class: "field" }, label("from", "From (UTC)", from)),
      el("div", { class: "field" }, label("to", "Before (UTC)", to)),
      el("button", { class: "main", type: "submit" }, "Search"),
    ),
    state,
    el("section", { class: "card" }, results),
  );
  run();
}

export async function streams() {
  const { streams: list } = await get("/v1/streams");
  const head = ["Stream", "Kind", "Tenant", "Class", "Records", "Sealed", "Root"];
  show(
    el("h1", {}, "Streams"),
    el("p", { class: "soft" }, "One chain and one Merkle tree each; the root stream lists the heads of all others every second."),
    el(
      "section",
      { class: "card table", tabindex: "0", role: "region", "aria-label": "Streams" },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
        el(
          "tbody",
          {},
          list.map((row) =>
            el(
              "tr",
              {},
              el("td", { class: "mono" }, row.stream),
              el("td", {}, row.kind),
              el("td", {}, row.tenant ?? ""),
              el("td", {}, row.data_class ?? ""),
              el("td", { class: "mono" }, row.size),
              el("td", { class: "mono" }, row.sealed),
              el("td", { class: "mono" }, `${row.root.slice(0, 20)}…`),
            ),
          ),
        ),
      ),
    ),
  );
}
