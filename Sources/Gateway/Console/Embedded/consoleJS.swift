// swift-format-ignore-file
// Made by ops/embed-console.sh of Page/console.js: edit that.

extension EmbeddedConsole {
    static let consoleJSTag: StaticString = "\"4d4261a737d18024\""
    static let consoleJS: StaticString = ##"""
// Asks the gateway for its state every two seconds while somebody looks, and shows it.

import { Chart } from "/console/chart.js";
import * as panels from "/console/panels.js";
import { make, say, show } from "/console/view.js";
import { clock, duration, number, time, timeParts } from "/console/format.js";

const pollTime = 2000;
const answerTime = 8000;
const keyName = "qwen-gateway-admin-key";
const byId = (id) => document.getElementById(id);

let timer = null;
let round = 0;
let lastContact = null;

const charts = {
  requests: new Chart(byId("chart-requests"), {
    title: "Requests", series: ["all", "refused or failed"], nothing: "No requests in the last half hour",
    text: (value, isAxis) => isAxis || value === null ? number(value) : `${number(value)}/s`,
  }),
  tokens: new Chart(byId("chart-tokens"), {
    title: "Tokens", series: ["in", "out"], nothing: "No tokens in the last half hour",
    text: (value, isAxis) => isAxis || value === null ? number(value) : `${number(value)}/s`,
  }),
  latency: new Chart(byId("chart-latency"), {
    title: "Time to first byte", series: ["median", "95 of 100"], nothing: "No answers in the last half hour",
    text: (value) => time(value),
  }),
};

// The key

const key = {
  get: () => sessionStorage.getItem(keyName),
  set: (value) => sessionStorage.setItem(keyName, value),
  forget: () => sessionStorage.removeItem(keyName),
};

function openDoor(problem = "") {
  key.forget();
  clearTimeout(timer);
  byId("content").hidden = true;
  byId("forget").hidden = true;
  byId("serving").hidden = true;
  byId("unreachable").hidden = true;
  say(byId("version"), "");
  say(byId("contact"), "Locked");
  say(byId("door-problem"), problem);
  byId("door").hidden = false;
  byId("door-key").focus();
}

byId("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = byId("door-key").value.trim();
  if (!/^[\x21-\x7e]+$/.test(given)) return say(byId("door-problem"), "This can not be a key.");
  byId("door-key").value = "";
  key.set(given);
  poll();
});

byId("forget").addEventListener("click", () => openDoor());

// Asking

async function ask(path) {
  const headers = { accept: "application/json" };
  const presented = key.get();
  if (presented) headers.authorization = `Bearer ${presented}`;
  const response = await fetch(path, {
    headers, cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(answerTime),
  });
  if (response.status === 401) throw new Refusal(presented ? "The gateway does not know this key." : "");
  if (response.status === 403) throw new Refusal(await reason(response));
  if (!response.ok) throw new Error(`it answered with status ${response.status}`);
  return response.json();
}

class Refusal extends Error {}

async function reason(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return "This key is not an administrator’s.";
  }
}

async function poll() {
  clearTimeout(timer);
  const current = ++round;
  try {
    const state = await ask("/console/state");
    if (current !== round) return;
    byId("door").hidden = true;
    byId("unreachable").hidden = true;
    lastContact = Date.now();
    render(state);
    byId("content").hidden = false;
    byId("forget").hidden = key.get() === null;
    say(byId("contact"), "Live, every 2 seconds");
  } catch (error) {
    if (current !== round) return;
    if (error instanceof Refusal) return openDoor(error.message);
    unreachable(error);
  }
  schedule();
}

function schedule() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(poll, pollTime);
}

function unreachable(error) {
  const last = lastContact ? ` It last answered at ${clock(lastContact)}; what is below is from then.` : "";
  const why = error.name === "TimeoutError" ? "it does not answer" : error.message;
  say(byId("unreachable"), `The gateway can not be reached: ${why}.${last} Trying again every 2 seconds.`);
  byId("unreachable").hidden = false;
  say(byId("contact"), "Unreachable");
}

document.addEventListener("visibilitychange", () => {
  if (!byId("door").hidden) return;
  if (document.hidden) {
    clearTimeout(timer);
    say(byId("contact"), "Paused while hidden");
  } else {
    poll();
  }
});

byId("begin-login").addEventListener("click", async () => {
  byId("begin-login").disabled = true;
  try {
    await ask("/auth");
  } catch (error) {
    if (error instanceof Refusal) return openDoor(error.message);
    unreachable(error);
  } finally {
    byId("begin-login").disabled = false;
  }
  poll();
});

// Showing

function render(state) {
  say(byId("version"), `Version ${state.version}, up for ${duration(state.uptime_seconds)}`);
  const serving = byId("serving");
  serving.hidden = false;
  serving.className = state.status === "ok" ? "pill good" : "pill bad";
  say(serving, state.status === "ok" ? "Serving" : "Can not serve: no working credential");
  renderFigures(state);
  const axis = { steps: state.history.steps, stepSeconds: state.history.step_seconds, now: state.time_ms };
  const history = state.history;
  charts.requests.update([history.requests, history.errors], axis);
  charts.tokens.update([history.tokens_in, history.tokens_out], axis);
  charts.latency.update([history.first_byte_p50_ms, history.first_byte_p95_ms], axis);
  panels.render(state);
}

function renderFigures({ gauges, history }) {
  const last = (values) => values[values.length - 1] ?? null;
  const ended = last(history.requests);
  const failures = last(history.errors);
  const [median, unit] = timeParts(last(history.first_byte_p50_ms));
  const figures = [
    ["Under way", number(gauges.requests), gauges.requests === 1 ? "request" : "requests"],
    ["In the queue", number(gauges.waiting_requests), "", gauges.waiting_requests > 0],
    ["Requests", number(ended), "/s"],
    ["Failed", number(failures), "/s", failures > 0 && failures >= ended / 10],
    ["Tokens out", number(last(history.tokens_out)), "/s"],
    ["First byte, median", median, unit],
  ];
  show(byId("figures"), figures, () => figures.map(([name, value, unitText, isAlarming]) =>
    make("div", { class: isAlarming ? "alarming" : null }, make("dt", {}, name),
      make("dd", {}, value, unitText && value !== "–" ? make("span", { class: "unit" }, unitText) : null))));
}

// On an address of HTTPS a key is asked for: no need to be refused first.
if (location.protocol === "https:" && key.get() === null) openDoor();
else poll();

"""##
}
