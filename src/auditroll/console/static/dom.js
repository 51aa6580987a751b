// Elements are made, never parsed from text: nothing from a record can become markup.

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else node.setAttribute(key, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export function show(...children) {
  const main = document.getElementById("content");
  main.replaceChildren(...children);
}

export function notice(text, kind = "") {
  return el("p", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);
}

export function pill(outcome) {
  return el("span", { class: `pill ${outcome}` }, outcome);
}

export function label(id, text, input, hint) {
  input.id = id;
  return [el("label", { for: id }, text), input, hint ? el("p", { class: "hint" }, hint) : null];
}

export function failure(problem) {
  return notice([problem.message, problem.detail].filter(Boolean).join(" "), "bad");
}
