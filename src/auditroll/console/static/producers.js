import { get, post } from "./api.js";
import { el, failure, label, notice, show } from "./dom.js";

function download(name, credential) {
  const blob = new Blob([JSON.stringify(credential, null, 2)], { type: "application/json" });
  const link = el("a", { href: URL.createObjectURL(blob), download: `${name}.producer.json` }, "Save the credential file");
  return el(
    "div",
    {},
    notice("Registered. The credential is shown this once: save the file where only the service can read it.", "warn"),
    link,
  );
}

function row(producer, again) {
  const revoke = el("button", { type: "button" }, "Revoke");
  revoke.addEventListener("click", async () => {
    if (!confirm(`Refuse everything from ${producer.producer} from now on?`)) return;
    try {
      await post(`/v1/producers/${producer.producer}/revoke`);
      await again();
    } catch (problem) {
      show(failure(problem));
    }
  });
  return el(
    "tr",
    {},
    el("td", { class: "mono" }, producer.producer),
    el("td", { class: "mono" }, producer.services.join(", ")),
    el("td", {}, producer.revoked ? "revoked" : "in force"),
    el("td", {}, producer.revoked ? "" : revoke),
  );
}

export async function producers() {
  const { producers: list } = await get("/v1/producers");
  const name = el("input", { name: "producer", required: true, pattern: "[a-z0-9][a-z0-9._\\-]{0,63}", spellcheck: "false" });
  const services = el("input", { name: "services", required: true, spellcheck: "false" });
  const result = el("div", { "aria-live": "polite" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      const wanted = { producer: name.value, services: services.value.split(/[\s,]+/).filter(Boolean) };
      result.replaceChildren(download(name.value, await post("/v1/producers", wanted)));
    } catch (problem) {
      result.replaceChildren(failure(problem));
    }
  };
  const head = ["Producer", "Services", "State", ""];
  show(
    el("h1", {}, "Producers"),
    el("p", { class: "soft" }, "A producer may insert records for its services, and can read nothing."),
    el(
      "form",
      { class: "card search", onsubmit: submit },
      el("div", { class: "field" }, label("producer", "Name", name)),
      el("div", { class: "grow" }, label("services", "Services, separated by commas", services)),
      el("button", { class: "main", type: "submit" }, "Register"),
    ),
    result,
    el(
      "section",
      { class: "card table", tabindex: "0", role: "region", "aria-label": "Producers" },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, head.map((title) => el("th", { scope: "col" }, title)))),
        el("tbody", {}, list.map((producer) => row(producer, producers))),
      ),
    ),
  );
}
