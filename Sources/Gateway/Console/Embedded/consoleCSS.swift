// swift-format-ignore-file
// Made by ops/embed-console.sh of Page/console.css: edit that.

extension EmbeddedConsole {
    static let consoleCSSTag: StaticString = "\"b9e9b3b9102c55db\""
    static let consoleCSS: StaticString = ##"""
:root {
  color-scheme: light dark;
  --ground: #f4f5f8;
  --card: #ffffff;
  --line: #e1e4eb;
  --text: #1c2230;
  --quiet: #5a6375;
  --accent: #3557c7;
  --accent-text: #ffffff;
  --first: #3557c7;
  --second: #c2571a;
  --good: #1c7a45;
  --good-ground: #e4f4ea;
  --warn: #8a5a00;
  --warn-ground: #fdf1d7;
  --bad: #b3261e;
  --bad-ground: #fce8e6;
  --idle: #5a6375;
  --idle-ground: #eceef3;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}

@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10131a;
    --card: #181d27;
    --line: #2a313f;
    --text: #e6e9f0;
    --quiet: #9aa4b8;
    --accent: #8ea7ff;
    --accent-text: #10131a;
    --first: #8ea7ff;
    --second: #f0a05f;
    --good: #6fd49a;
    --good-ground: #17301f;
    --warn: #f0c36a;
    --warn-ground: #352a12;
    --bad: #ff9a90;
    --bad-ground: #3b1c1a;
    --idle: #9aa4b8;
    --idle-ground: #262d3a;
  }
}

* { box-sizing: border-box; }

[hidden] { display: none !important; }

body {
  margin: 0;
  background: var(--ground);
  color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: 100%;
}

h1, h2, p, dl, dd, figure { margin: 0; }

h1 { font-size: 18px; line-height: 1.25; font-weight: 650; }

h2 { font-size: 15px; font-weight: 650; margin-bottom: 12px; }

a { color: var(--accent); }

code, .mono { font-family: var(--mono); font-size: .88em; }

code { background: var(--idle-ground); border-radius: 4px; padding: 1px 5px; overflow-wrap: anywhere; }

:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }

main:focus { outline: none; }

.unseen, .skip:not(:focus) {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

.skip { position: absolute; left: 16px; top: 8px; background: var(--card); padding: 6px 12px; border-radius: 8px; }

/* Frame */

header, main { max-width: 1320px; margin: 0 auto; padding: 0 24px; }

header { display: flex; align-items: center; flex-wrap: wrap; gap: 12px 14px; padding-top: 20px; padding-bottom: 16px; }

header img { display: block; }

.title p { color: var(--quiet); font-size: 13px; }

.contact { margin-left: auto; display: flex; align-items: center; gap: 14px; color: var(--quiet); font-size: 13px; }

main { padding-bottom: 48px; }

.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; }

.narrow { max-width: 460px; margin: 48px auto; }

#content { display: grid; gap: 16px; }

.columns { display: grid; gap: 16px; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }

.charts { display: grid; gap: 16px; grid-template-columns: repeat(3, minmax(0, 1fr)); }

.notice { border-radius: 10px; padding: 10px 14px; margin-bottom: 16px; }

.notice.bad { background: var(--bad-ground); color: var(--bad); }

.quiet { color: var(--quiet); }

.empty { color: var(--quiet); padding: 6px 0; }

.empty p + p { margin-top: 6px; }

.count { color: var(--quiet); font-weight: 400; margin-left: 4px; }

button {
  font: inherit;
  font-size: 14px;
  color: var(--text);
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 8px;
  padding: 6px 14px;
  cursor: pointer;
}

button:hover { border-color: var(--accent); }

button:disabled { cursor: default; opacity: .6; }

button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-text); }

form { display: grid; gap: 8px; margin-top: 14px; }

label { font-weight: 600; font-size: 14px; }

input {
  font: inherit;
  color: var(--text);
  background: var(--ground);
  border: 1px solid var(--line);
  border-radius: 8px;
  padding: 8px 10px;
  width: 100%;
}

.problem { color: var(--bad); min-height: 1.5em; }

/* A state: a word, and a mark whose shape tells as much as its colour. */

.pill {
  display: inline-flex;
  align-items: center;
  gap: 6px;
  border-radius: 999px;
  padding: 1px 10px 1px 8px;
  font-size: 13px;
  font-weight: 600;
  white-space: nowrap;
  color: var(--idle);
  background: var(--idle-ground);
}

.pill::before { content: ""; width: 8px; height: 8px; background: currentcolor; border-radius: 50%; flex: none; }

.pill.good { color: var(--good); background: var(--good-ground); }

.pill.warn { color: var(--warn); background: var(--warn-ground); }

.pill.warn::before { border-radius: 0; clip-path: polygon(50% 0, 100% 100%, 0 100%); }

.pill.bad { color: var(--bad); background: var(--bad-ground); }

.pill.bad::before { border-radius: 1px; }

.pill.idle::before { background: none; border: 2px solid currentcolor; }

/* Figures */

#figures { display: grid; gap: 16px; grid-template-columns: repeat(6, minmax(0, 1fr)); }

#figures > div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 18px; }

dt { color: var(--quiet); font-size: 13px; }

#figures dd { font-size: 24px; line-height: 1.3; font-weight: 650; letter-spacing: -.01em; }

#figures .unit { font-size: 13px; font-weight: 400; color: var(--quiet); letter-spacing: 0; margin-left: 4px; }

#figures .alarming dd { color: var(--bad); }

/* Charts */

figure { min-width: 0; }

figcaption { font-weight: 650; }

.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13px; color: var(--quiet); margin: 2px 0 8px; }

.legend span { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap; }

.legend b { color: var(--text); font-weight: 600; }

.legend i { width: 16px; border-top: 2px solid var(--first); }

.legend i.second { border-top: 2px dashed var(--second); }

.plot { height: 150px; position: relative; touch-action: pan-y; }

.plot svg { display: block; width: 100%; height: 100%; overflow: visible; }

.plot text { fill: var(--quiet); font-size: 11px; }

.plot .grid { stroke: var(--line); }

.plot .first { fill: none; stroke: var(--first); stroke-width: 2; stroke-linejoin: round; }

.plot .under { fill: var(--first); opacity: .1; }

.plot .second { fill: none; stroke: var(--second); stroke-width: 2; stroke-dasharray: 5 3; stroke-linejoin: round; }

.plot circle.first { fill: var(--first); stroke: none; }

.plot circle.second { fill: var(--second); stroke: none; }

.plot .cursor { stroke: var(--quiet); stroke-dasharray: 2 3; }

.plot .nothing { fill: var(--quiet); font-size: 13px; }

/* Tables */

table { border-collapse: collapse; width: 100%; font-size: 14px; }

th { text-align: left; color: var(--quiet); font-weight: 500; font-size: 13px; padding: 0 12px 6px 0; white-space: nowrap; }

td { border-top: 1px solid var(--line); padding: 7px 12px 7px 0; vertical-align: top; overflow-wrap: anywhere; }

/* Where words break anywhere a column can become as narrow as a letter. */

td.name { min-width: 8.5em; }

td.long { min-width: 13em; }

th:last-child, td:last-child { padding-right: 0; }

.number { text-align: right; white-space: nowrap; }

td small { display: block; color: var(--quiet); font-size: 13px; }

td.tight { white-space: nowrap; overflow-wrap: normal; }

table + button { margin-top: 10px; }

/* Login */

.waiting { display: flex; gap: 18px; flex-wrap: wrap; align-items: flex-start; }

.waiting > div { flex: 1 1 180px; display: grid; gap: 8px; }

.qr { width: 172px; height: 172px; background: #fff; border-radius: 8px; flex: none; }

.code { font-family: var(--mono); font-size: 24px; font-weight: 650; letter-spacing: .06em; overflow-wrap: anywhere; }

#login .pill { margin-bottom: 6px; }

#begin-login { margin-top: 10px; }

/* Lists of keys and certificates */

ul.rows { list-style: none; margin: 0; padding: 0; }

ul.rows li {
  display: flex;
  flex-wrap: wrap;
  gap: 4px 10px;
  align-items: baseline;
  justify-content: space-between;
  padding: 7px 0;
  border-top: 1px solid var(--line);
}

ul.rows li:first-child { border-top: 0; padding-top: 0; }

ul.rows .name { font-weight: 600; overflow-wrap: anywhere; min-width: 0; }

ul.rows small { color: var(--quiet); font-size: 13px; flex-basis: 100%; }

/* Where there is no room for a table its rows are lists of their cells, each with the head of its column. */

@media (max-width: 1080px) {
  #figures { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .charts, .columns { grid-template-columns: minmax(0, 1fr); }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, td { display: block; }
  tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 0 40px; border-top: 1px solid var(--line); padding: 8px 0; }
  tbody tr:first-child { border-top: 0; padding-top: 0; }
  td, td.number { display: flex; justify-content: space-between; align-items: start; gap: 16px; border: 0; padding: 2px 0; text-align: right; }
  td::before { content: attr(data-head); color: var(--quiet); font-size: 13px; flex: none; text-align: left; }
  td.tight { white-space: normal; overflow-wrap: anywhere; }
  td.name, td.long { min-width: 0; }
  td.absent { display: none; }
  td small { text-align: right; }
}

@media (max-width: 700px) {
  header, main { padding-left: 14px; padding-right: 14px; }
  .contact { margin-left: 0; flex-basis: 100%; justify-content: space-between; }
  .card { padding: 14px; }
  #content, .charts, .columns, #figures { gap: 12px; }
  #figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #figures > div { padding: 10px 14px; }
  #figures dd { font-size: 21px; }
  tr { grid-template-columns: minmax(0, 1fr); }
}

@media (forced-colors: active) {
  .pill, .card, #figures > div { border: 1px solid; }
}

"""##
}
