// One record's proof, checked here and nowhere else: the record's octets against its commitments,
// its leaf against the signed root, the signature against the pinned key. Format reference,
// sections 2, 4, 7 and 8.

import { shake128 } from "./shake128.js";

const SLOTS = ["actor", "subject", "resource", "source", "agent", "detail"];
const text = new TextEncoder();

const hex = (octets) => Array.from(octets, (o) => o.toString(16).padStart(2, "0")).join("");
const unhex = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const unbase64 = (value) => Uint8Array.from(atob(value), (char) => char.charCodeAt(0));

function join(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const node = (left, right) => sha256(Uint8Array.of(1), left, right);

export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

export async function sealedOf(line) {
  const salts = line.seed ? shake128(unhex(line.seed), 96) : null;
  const commitments = await Promise.all(
    SLOTS.map((slot, i) => {
      const hidden = line.hidden?.[slot];
      if (hidden) return unhex(hidden.commitment);
      const salt = salts ? salts.slice(16 * i, 16 * i + 16) : unhex(line.salts[slot]);
      return sha256(salt, text.encode(canonical(line.slots[slot] ?? {})));
    }),
  );
  return hex(await sha256(...commitments));
}

// Source: RFC 9162 section 2.1.3.2 (the same computation as RFC 6962's audit path).
export async function rootFrom(index, size, leafHash, path) {
  let fn = BigInt(index);
  let sn = BigInt(size) - 1n;
  let root = leafHash;
  for (const sibling of path) {
    if (sn === 0n) return null;
    if (fn & 1n || fn === sn) {
      root = await node(sibling, root);
      while (!(fn & 1n) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      root = await node(root, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n ? root : null;
}

async function signed(note, origin, key) {
  const end = note.indexOf("\n\n");
  const body = note.slice(0, end + 1);
  const keyId = (await sha256(text.encode(origin), Uint8Array.of(10, 1), key)).slice(0, 4);
  const publicKey = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  for (const row of note.slice(end + 2).split("\n")) {
    const [dash, name, value] = row.split(" ");
    if (dash !== "—" || name !== origin) continue;
    const octets = unbase64(value);
    if (hex(octets.slice(0, 4)) !== hex(keyId)) continue;
    if (await crypto.subtle.verify("Ed25519", publicKey, octets.slice(4), text.encode(body)))
      return body.split("\n");
  }
  return null;
}

// Returns [{ok, text}], one entry a step; the record is proven only if every step is ok.
export async function check(proof, expected) {
  const line = JSON.parse(proof.line);
  const leaf = JSON.parse(line.leaf);
  const leafHash = await sha256(Uint8Array.of(0), text.encode(line.leaf));
  const root = await rootFrom(proof.index, proof.size, leafHash, proof.path.map(unhex));
  const origin = `${expected.installation}/${expected.stream}`;
  const head = await signed(proof.checkpoint, origin, unhex(expected.key));
  const step = (ok, good, bad) => ({ ok: Boolean(ok), text: ok ? good : bad });
  return [
    step(
      leaf.stream === expected.stream && leaf.index === expected.index && proof.index === leaf.index,
      `The leaf says stream ${expected.stream.slice(0, 8)}…, index ${leaf.index}`,
      "The leaf names another stream or index",
    ),
    step(
      (await sealedOf(line)) === leaf.sealed,
      "All six slots open the commitments in the leaf",
      "A slot does not match its commitment",
    ),
    step(
      head !== null,
      "The checkpoint is signed by the pinned key",
      "No signature of the pinned key on the checkpoint",
    ),
    step(
      head && head[0] === origin && head[1] === String(proof.size),
      `The checkpoint is this stream's, at size ${proof.size}`,
      "The checkpoint is of another stream or size",
    ),
    step(
      head && root && hex(root) === hex(unbase64(head[2])),
      `The audit path of ${proof.path.length} hashes leads to the signed root`,
      "The audit path does not lead to the signed root",
    ),
    step(
      expected.leaf === undefined || expected.leaf === line.leaf,
      "What this page shows is what was proven",
      "The page shows something else than what was proven",
    ),
  ];
}
