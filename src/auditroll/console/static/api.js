// The HTTP API with the session cookie. The header is what a foreign page cannot send.

export class Problem extends Error {
  constructor(status, body) {
    super(body.title ?? `The collector answered ${status}.`);
    this.status = status;
    this.code = body.code ?? "http";
    this.detail = body.detail ?? "";
  }
}

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { "Content-Type": "application/json", "X-Auditroll-Console": "1" },
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    cache: "no-store",
  });
  const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, answer);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
