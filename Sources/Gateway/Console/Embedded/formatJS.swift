// swift-format-ignore-file
// Made by ops/embed-console.sh of Page/format.js: edit that.

extension EmbeddedConsole {
    static let formatJSTag: StaticString = "\"bd0a203573395a36\""
    static let formatJS: StaticString = ##"""
// How numbers, times and sizes are written: with units, and no more digits than tell something.

export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)} G`;
  if (size >= 1e6) return `${trim(value / 1e6)} M`;
  if (size >= 1e4) return `${trim(value / 1e3)} k`;
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return trim(value);
}

function trim(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

/** Milliseconds as two parts, number and unit. */
export function timeParts(ms) {
  if (ms === null || ms === undefined) return ["–", ""];
  if (ms < 1000) return [trim(ms), "ms"];
  if (ms < 60_000) return [trim(ms / 1000), "s"];
  return [duration(ms / 1000), ""];
}

export function time(ms) {
  return timeParts(ms).join(" ").trim();
}

/** Seconds in the two largest units. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  const [name, size] = units[first];
  const count = Math.floor(whole / size);
  const next = units[first + 1];
  const rest = next ? Math.floor((whole % size) / next[1]) : 0;
  return rest > 0 ? `${count} ${name} ${rest} ${next[0]}` : `${count} ${name}`;
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${trim(value)} ${units[unit]}`;
}

/** A moment as the clock on the wall has it; with its day where that is not today. */
export function clock(ms, now = Date.now()) {
  const moment = new Date(ms);
  const text = moment.toLocaleTimeString("en-GB");
  return new Date(now).toDateString() === moment.toDateString() ? text : `${date(ms)} ${text}`;
}

export function date(ms) {
  const moment = new Date(ms);
  const two = (value) => String(value).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

"""##
}
