// The parts of the page that are tables and lists.

import { draw, make, pill, say, show, Table } from "/console/view.js";
import { bytes, clock, date, duration, number, time } from "/console/format.js";

const byId = (id) => document.getElementById(id);
const code = (text) => make("code", {}, text);
const paragraph = (...parts) => make("p", {}, ...parts);

/** A word for people and a tone for each word of the gateway's; a word that is not known is shown as it is. */
const words = {
  request: {
    receiving: ["Receiving", "idle"], queued: ["Waiting for a credential", "warn"], waiting: ["Waiting for Qwen", "idle"],
    answering: ["Answering", "good"], sending: ["Sending the rest", "idle"],
  },
  credential: {
    healthy: ["Healthy", "good"], slowed: ["Slowed down", "warn"], pausing: ["Pausing", "warn"],
    resting: ["Resting", "bad"], dead: ["Ended", "bad"], unreadable: ["Unreadable", "bad"],
  },
  login: {
    logged_in: ["Logged in", "good"], logged_out: ["Logged out", "idle"], starting: ["Starting", "idle"],
    waiting: ["Waiting for you", "warn"], waiting_elsewhere: ["Under way elsewhere", "warn"], failed: ["Failed", "bad"],
    unavailable: ["Not available", "idle"],
  },
  outcome: {
    rejected: ["Refused", "warn"], upstream_error: ["Qwen failed", "bad"], upstream_timeout: ["Qwen was silent", "bad"],
    upstream_truncated: ["Qwen broke off", "bad"], timeout: ["Client too slow", "warn"],
    internal_error: ["Gateway failed", "bad"], shutdown: ["Shut down", "warn"], completed: ["Completed", "idle"],
  },
  key: {
    active: ["Active", "good"], expired: ["Expired", "bad"], revoked: ["Revoked", "bad"],
  },
};

const kinds = { api_key: "API key", oauth: "Login" };

const state = (kind, word) => pill(...(words[kind][word] ?? [word, "idle"]));
const small = (text) => text ? make("small", {}, text) : null;

const requests = new Table(byId("requests"), "Requests under way", [
  { head: "State", cell: (item) => state("request", item.state) },
  { head: "Age", cell: (item) => time(item.age_ms), kind: "number" },
  { head: "Request", cell: (item) => [`${item.method} ${item.route}`, small(item.request_id)], kind: "long" },
  { head: "Model", cell: (item) => item.model, kind: "name" },
  { head: "Client", cell: (item) => [item.key ?? "no key", small(item.client)], kind: "name" },
  { head: "Credential", cell: (item) => item.attempts > 1
    ? [item.credential, small(`sent ${item.attempts} times`)] : item.credential, kind: "name" },
  { head: "Protocol", cell: (item) => item.protocol, kind: "tight" },
  { head: "In", cell: (item) => bytes(item.bytes_in), kind: "number" },
  { head: "Out", cell: (item) => bytes(item.bytes_out), kind: "number" },
], { build: () => [paragraph("No request is under way.")] });

const credentials = new Table(byId("credentials"), "Credentials for Qwen", [
  { head: "Name", cell: (item) => item.kind ? [item.name, small(kinds[item.kind] ?? item.kind)] : item.name, kind: "name" },
  { head: "State", cell: (item) => [state("credential", item.state), small(why(item))] },
  { head: "Under way", cell: (item) => number(item.in_flight ?? null), kind: "number" },
  { head: "Succeeded", cell: (item) => number(item.succeeded ?? null), kind: "number" },
  { head: "Failed", cell: (item) => number(item.failed ?? null), kind: "number" },
], {
  build: () => [
    paragraph("There is no credential, so that no request can be served."),
    paragraph("Add a key of Model Studio: ", code("qwen-gateway credentials add NAME"),
      ", or set ", code("QWEN_API_KEY"), " and start again."),
  ],
});

function why(item) {
  const reason = item.reason?.replaceAll("_", " ");
  if (item.rests_for_seconds === undefined) return reason;
  return `${reason ? `${reason}, ` : ""}again in ${duration(Math.ceil(item.rests_for_seconds))}`;
}

const errors = new Table(byId("errors"), "Requests that were refused or failed, newest first", [
  { head: "Time", cell: (item) => clock(item.time_ms), kind: "tight" },
  { head: "Outcome", cell: (item) => state("outcome", item.outcome) },
  { head: "Status", cell: (item) => item.status === undefined ? "none" : String(item.status), kind: "number" },
  { head: "Code", cell: (item) => item.code
    ? [code(item.code), small(item.reason === item.code ? null : item.reason?.replaceAll("_", " "))] : null, kind: "name" },
  { head: "Request", cell: (item) => [`${item.method} ${item.route}`, small(item.request_id)], kind: "long" },
  { head: "Model", cell: (item) => item.model, kind: "name" },
  { head: "Client", cell: (item) => [item.key ?? "no key", small(item.client)], kind: "name" },
  { head: "Took", cell: (item) => time(item.duration_ms), kind: "number" },
], { build: () => [paragraph("Nothing was refused, and nothing has failed, since the gateway started.")] });

export function render(data) {
  const { gauges } = data;
  say(byId("requests-count"), gauges.requests > data.requests.length
    ? `the oldest ${data.requests.length} of ${number(gauges.requests)}` : "");
  requests.update(data.requests, (item) => item.request_id);
  credentials.update(data.credentials, (item) => item.name);
  errors.update(data.errors, (item) => `${item.time_ms} ${item.request_id}`);
  renderLogin(data);
  renderKeys(data);
  renderCertificates(data);
}

// Login

function renderLogin({ login, login_qr: rows, status }) {
  // The seconds that are left are no news.
  const { expires_in: _, ...news } = login;
  const place = byId("login");
  show(place, [news, rows, status], () => loginParts(login, rows, status));
  const left = place.querySelector(".left");
  if (left) say(left, `Valid for another ${duration(login.expires_in)}.`);
  byId("begin-login").hidden = !["logged_out", "failed"].includes(login.state);
}

function loginParts(login, rows, status) {
  const head = paragraph(state("login", login.state));
  if (login.state !== "waiting") {
    const isNotNeeded = login.state === "logged_out" && status === "ok";
    const note = isNotNeeded ? " That is not needed while a credential serves." : "";
    return [head, make("p", { class: "quiet" }, login.message + note)];
  }
  const text = make("div", {}, head, paragraph("Open the page, and confirm this code:"),
    make("p", { class: "code" }, login.user_code));
  const url = safeURL(login.verification_uri_complete);
  text.append(paragraph(url ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open Qwen’s page")
    : code(login.verification_uri_complete)));
  // What changes every two seconds is not read out.
  text.append(make("p", { class: "quiet left", "aria-live": "off" }));
  return [make("div", { class: "waiting" }, rows ? picture(rows, login) : null, text)];
}

/** Only what a browser opens as a page: a link could be code otherwise. */
function safeURL(text) {
  try {
    const url = new URL(text);
    return ["https:", "http:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** The QR code, with four modules of light around it. */
function picture(rows, login) {
  const size = rows.length + 8;
  const path = rows.map((row, y) => [...row].map((module, x) =>
    module === "1" ? `M${x + 4} ${y + 4}h1v1h-1z` : "").join("")).join("");
  return draw("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "shape-rendering": "crispEdges",
    "aria-label": `QR code of the page for the code ${login.user_code}` },
  draw("path", { d: path, fill: "#000" }));
}

// Keys

function renderKeys({ keys, allows_anonymous: allowsAnonymous, time_ms: now }) {
  // Times are told to the minute.
  const known = keys.map((key) => ({ ...key, note: keyNote(key, now), last_used_ms: undefined }));
  show(byId("keys"), [known, allowsAnonymous], () => {
    const parts = [];
    if (allowsAnonymous) {
      parts.push(paragraph(pill("Open to everyone", "warn"), " ", code("ALLOW_ANONYMOUS"), " is true."));
    }
    if (!known.length && !allowsAnonymous) {
      parts.push(make("div", { class: "empty" }, "There is no key. Make one: ", code("qwen-gateway keys add NAME")));
    }
    parts.push(make("ul", { class: "rows" }, ...known.map((key) => make("li", {},
      make("span", { class: "name" }, key.name),
      make("span", {}, key.admin ? pill("Administrator", "idle") : null, key.admin ? " " : null,
        state("key", key.state)),
      small(key.note)))));
    return parts;
  });
}

function keyNote(key, now) {
  const parts = [key.last_used_ms === undefined ? "not used yet" : `used ${ago(now - key.last_used_ms)}`];
  if (key.tokens_per_day) {
    parts.push(`${number(key.tokens_today)} of ${number(key.tokens_per_day)} tokens today`);
  } else if (key.tokens_today) {
    parts.push(`${number(key.tokens_today)} tokens today`);
  }
  if (key.expires_ms !== undefined) parts.push(`${key.state === "expired" ? "ended" : "until"} ${date(key.expires_ms)}`);
  return parts.join(", ");
}

function ago(ms) {
  return ms < 60_000 ? "within the last minute" : `${duration(Math.floor(ms / 60_000) * 60)} ago`;
}

// Certificates

const day = 86_400_000;

function renderCertificates({ certificates, time_ms: now }) {
  const minute = Math.floor(now / 60_000);
  show(byId("certificates"), [certificates, minute], () => {
    if (!certificates.length) return make("div", { class: "empty" }, "No certificate is in use.");
    return make("ul", { class: "rows" }, ...certificates.map((certificate) => make("li", {},
      make("span", { class: "name" }, certificate.names.join(", ") || "without a name"),
      validity(certificate, now),
      make("small", {}, `Valid until ${date(certificate.not_after_ms)}, issued by ${certificate.issuer || "nobody"}`))));
  });
}

function validity({ not_before_ms: from, not_after_ms: until }, now) {
  if (now < from) return pill("Not valid yet", "bad");
  if (now >= until) return pill("Expired: replace it", "bad");
  const left = until - now;
  const tone = left < 3 * day ? "bad" : left < 21 * day ? "warn" : "good";
  return pill(`${duration(left / 1000)} left`, tone);
}
