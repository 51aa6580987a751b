import { get, post } from "./api.js";
import { el, notice, show } from "./dom.js";
import { check } from "./proof.js";
import { table } from "./records.js";
import { pinnedKey, session } from "./session.js";

const TITLES = {
  who: "Who", what: "What", when: "When", where: "Where", outcome: "Outcome", why: "Why and context",
  ai: "AI call", privacy: "Privacy", log: "Place in the log",
};

function card(question, fields) {
  const entries = Object.entries(fields);
  return el(
    "section",
    { class: "card" },
    el("h2", {}, TITLES[question] ?? question),
    entries.length
      ? el("dl", {}, entries.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, shown(value))]))
      : el("p", { class: "soft" }, "Nothing recorded."),
  );
}

const shown = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

async function proofCard(stream, index, leaf) {
  const box = el("section", { class: "card", id: "proof" }, el("h2", {}, "Proof"), notice("Checking in this browser…"));
  const fill = async () => {
    try {
      const proof = await get(`/v1/records/${stream}/${index}/proof`);
      const expected = { stream, index, leaf, installation: session.installation, key: pinnedKey() };
      const steps = await check(proof, expected);
      const good = steps.every((step) => step.ok);
      box.replaceChildren(
        el("h2", {}, "Proof"),
        notice(
          good ? "Proven: this record stands unaltered in the signed log." : "Not proven. Treat this record as evidence of tampering until explained.",
          good ? "good" : "bad",
        ),
        el("ul", { class: "steps" }, steps.map((step) => el("li", { class: step.ok ? "" : "failed" }, step.text))),
        el("p", { class: "hint" }, `Checked here with WebCrypto against the pinned key ${pinnedKey().slice(0, 16)}…`),
      );
    } catch (problem) {
      box.replaceChildren(el("h2", {}, "Proof"), notice(`Not checked: ${problem.message} ${problem.detail ?? ""}`, "bad"));
    }
  };
  return { box, done: fill() };
}

async function trace(requestId, stream, index) {
  const body = { filters: [{ field: "request_id", op: "eq", value: requestId }], limit: 200, order: "oldest" };
  const { rows } = await post("/v1/records/search", body);
  const others = rows.filter((row) => row.stream !== stream || row.index !== index).length;
  return el(
    "section",
    { class: "card" },
    el("h2", {}, "The whole request"),
    el("p", { class: "soft" }, others ? `${rows.length} records share request ${requestId}.` : "No other record shares this request id."),
    others ? table(rows, "Records of this request") : "",
  );
}

export async function record(stream, index) {
  const found = await get(`/v1/records/${stream}/${index}`);
  const proof = await proofCard(stream, index, found.leaf);
  const more = el("div", {});
  show(
    el("div", { class: "row" }, el("h1", {}, `${found.record.event_type}`), el("a", { href: "#/records" }, "All records")),
    el("p", { class: "soft mono" }, `${stream} / ${index}`),
    el("div", { class: "grid" }, Object.entries(found.questions).map(([question, fields]) => card(question, fields))),
    el("p"),
    proof.box,
    more,
  );
  await proof.done;
  if (found.record.request_id) more.replaceChildren(await trace(found.record.request_id, stream, index));
}
