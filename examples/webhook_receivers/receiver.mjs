// A receiver with Node's own modules (Node 20 or later), no package.
//
// Run it with: GREENLANE_WEBHOOK_KEYS="whsec_…" PORT=8000 GREENLANE_WEBHOOK_DIR=webhooks node receiver.mjs
//
// Order matters: first the effect, then the mark. A failed effect answers 500, nothing is marked, and the sender tries
// again. If the process dies between the two, the effect happens again: at least once. So make it idempotent, as here:
// it replaces the newest event of a seller by the same event. Everything between `handled` and `mark` is synchronous, so
// two attempts of one webhook never run at once; with several processes, use one transaction of your database instead.
import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { renameSync, statSync, unlinkSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const TOLERANCE_SECONDS = 300;
const KEEP_MS = 14 * 86_400_000; // longer than a webhook is repeated: 71 hours and what Retry-After adds
const MAX_BODY = 1_000_000;
const MAX_SIGNATURES = 32;

const folder = process.env.GREENLANE_WEBHOOK_DIR ?? "webhooks";
const [handledFolder, newestFolder] = ["handled", "newest"].map((name) => join(folder, name));
for (const name of [handledFolder, newestFolder]) if (!existsSync(name)) mkdirSync(name, { recursive: true });

class VerificationError extends Error {}
class BodyError extends Error {}

// whsec_ (HMAC-SHA256, signatures "v1,…") or whpk_ (Ed25519, "v1a,…"): a function that checks one signature
function verifier(key) {
  const raw = Buffer.from(key.slice(key.indexOf("_") + 1), "base64");
  if (key.startsWith("whsec_") && raw.length >= 24 && raw.length <= 64) {
    return (signature, signed) => {
      const expected = Buffer.from("v1," + createHmac("sha256", raw).update(signed).digest("base64"));
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    };
  }
  if (key.startsWith("whpk_") && raw.length === 32) {
    const jwk = { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") };
    const publicKey = createPublicKey({ key: jwk, format: "jwk" });
    return (signature, signed) =>
      signature.startsWith("v1a,") && verify(null, signed, publicKey, Buffer.from(signature.slice(4), "base64"));
  }
  throw new Error("GREENLANE_WEBHOOK_KEYS: expected whsec_ with 24 to 64 bytes or whpk_ with 32 bytes, in base64");
}

const verifiers = (process.env.GREENLANE_WEBHOOK_KEYS ?? "").split(/\s+/).filter(Boolean).map(verifier);
if (verifiers.length === 0) throw new Error("GREENLANE_WEBHOOK_KEYS: give at least one key");

function header(headers, name) {
  const value = headers[name];
  // Node hands other bytes over as latin-1; no genuine header has any
  if (!value || !/^[\x20-\x7e]+$/.test(value)) throw new VerificationError(`${name}: missing or not printable ASCII`);
  return value;
}

function verifiedId(headers, body) {
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature").split(" ").slice(0, MAX_SIGNATURES);
  if (id.length > 256) throw new VerificationError("webhook-id: longer than 256 characters");
  if (!/^[0-9]{1,12}$/.test(timestamp)) throw new VerificationError("webhook-timestamp: not whole seconds");
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) {
    throw new VerificationError("webhook-timestamp: more than 300 seconds from now; check both clocks");
  }
  const signed = Buffer.concat([Buffer.from(`${id}.${Number(timestamp)}.`), body]);
  if (!signatures.some((signature) => verifiers.some((made) => made(signature, signed)))) {
    throw new VerificationError("webhook-signature: none was made with a known key for these bytes");
  }
  return id;
}

const hash = (text) => createHash("sha256").update(text).digest("hex");

// A file is there whole or not at all, also after a loss of power
function writeWhole(path, text) {
  const file = openSync(path + ".new", "w");
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(path + ".new", path);
}

function forgetOldIds() {
  for (const name of readdirSync(handledFolder)) {
    const path = join(handledFolder, name);
    if (statSync(path).mtimeMs < Date.now() - KEEP_MS) unlinkSync(path);
  }
}

// The effect: the newest event of each kind and seller. Order is (day, sequence), never `time`: a correction's score
// carries the time of the parcel it corrects.
function effect(event, body) {
  const kind = event.type.split(".")[0];
  const { marketplace, seller_id: seller, day, sequence } = event.data ?? {};
  const good = [marketplace, seller, day].every((value) => typeof value === "string");
  if (!good || !/^\d{4}-\d\d-\d\d$/.test(day) || !Number.isSafeInteger(sequence) || sequence < 0) {
    throw new BodyError("body: not a score or badge decision with marketplace, seller, day, sequence");
  }
  const path = join(newestFolder, hash(`${kind}:${marketplace}/${seller}`) + ".json");
  if (existsSync(path)) {
    const { data: last } = JSON.parse(readFileSync(path, "utf8"));
    if (day < last.day || (day === last.day && sequence <= last.sequence)) return;
  }
  writeWhole(path, body);
}

function handle(headers, body) {
  const id = verifiedId(headers, body);
  let event;
  try {
    event = JSON.parse(body.toString("utf8"));
  } catch {
    throw new VerificationError("body: not JSON");
  }
  if (event === null || typeof event !== "object" || Array.isArray(event)) {
    throw new VerificationError("body: not a JSON object");
  }
  const mark = join(handledFolder, hash(id));
  if (existsSync(mark)) return;
  const kind = typeof event.type === "string" ? event.type.split(".")[0] : "";
  if (kind === "seller" || kind === "badge") effect(event, body);
  writeWhole(mark, id);
}

function statusOf(error) {
  if (error instanceof VerificationError) return 401;
  if (error instanceof BodyError) return 422;
  console.error(error);
  return 500;
}

function answer(response, status, text = "") {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}

const server = createServer((request, response) => {
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  });
  request.on("end", () => {
    if (request.method !== "POST") return answer(response, 405);
    if (size > MAX_BODY) return answer(response, 413);
    try {
      handle(request.headers, Buffer.concat(chunks)); // the bytes as they came
      response.writeHead(204).end();
    } catch (error) {
      const status = statusOf(error);
      answer(response, status, status === 500 ? "" : error.message);
    }
  });
});

forgetOldIds();
setInterval(forgetOldIds, 3_600_000).unref();
server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
