// SHAKE128 (FIPS 202) for inputs below one block of 168 octets and up to one block of output:
// a record's seed is 16 octets and its six salts are 96. WebCrypto has no SHA-3.

const ROTATIONS = [
  0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
];
const MASK = (1n << 64n) - 1n;
const RATE = 168;

function roundConstants() {
  const constants = [];
  let state = 1;
  for (let round = 0; round < 24; round += 1) {
    let constant = 0n;
    for (let bit = 0; bit < 7; bit += 1) {
      if (state & 1) constant |= 1n << BigInt((1 << bit) - 1);
      state = state & 0x80 ? ((state << 1) ^ 0x171) & 0xff : state << 1;
    }
    constants.push(constant);
  }
  return constants;
}

const CONSTANTS = roundConstants();
const rotate = (word, by) =>
  by === 0 ? word : ((word << BigInt(by)) | (word >> BigInt(64 - by))) & MASK;

function permute(lanes) {
  let a = lanes;
  for (const constant of CONSTANTS) {
    const c = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
    const d = [0, 1, 2, 3, 4].map((x) => c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1));
    a = a.map((word, i) => word ^ d[i % 5]);
    const b = new Array(25);
    for (let x = 0; x < 5; x += 1)
      for (let y = 0; y < 5; y += 1)
        b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[x + 5 * y], ROTATIONS[x + 5 * y]);
    a = b.map((word, i) => {
      const row = i - (i % 5);
      return word ^ (~b[row + ((i + 1) % 5)] & MASK & b[row + ((i + 2) % 5)]);
    });
    a[0] ^= constant;
  }
  return a;
}

export function shake128(input, length) {
  if (input.length >= RATE || length > RATE) throw new RangeError("one block only");
  const block = new Uint8Array(200);
  block.set(input);
  block[input.length] ^= 0x1f;
  block[RATE - 1] ^= 0x80;
  const view = new DataView(block.buffer);
  const lanes = Array.from({ length: 25 }, (_, i) => view.getBigUint64(8 * i, true));
  permute(lanes).forEach((word, i) => view.setBigUint64(8 * i, word, true));
  return block.slice(0, length);
}
