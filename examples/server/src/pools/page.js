// The page's numbers, charts, order and buttons. The server sends a sample of all pools at an interval, and at first those of the last minutes;
// a number that it leaves out is zero. Names of pools are text everywhere: nothing here writes HTML.
"use strict";

const find = (selector, inside = document) => inside.querySelector(selector);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

const kept = Number(document.body.dataset.seconds) * 1000;
const body = find("tbody");
const template = find("template").content.firstElementChild;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** As many rows as are drawn at once. */
const MAX_ROWS = 100;
/** Milliseconds between two drawings, if the person wants little motion. */
const CALM = 5000;

/** The oldest first: { at, pools: { name: row } }. */
const samples = [];
/** The elements of the rows that are drawn, by the pool's name. */
const rows = new Map();
const order = { by: "name", descending: false };
let paused = false;

// Numbers

const number = (row, of) => row?.[of] ?? 0;

const grouped = (value) => Math.round(value).toLocaleString("en");

const rate = (value) => (value > 0 && value < 10 ? value.toFixed(1) : grouped(value));

function bytes(value) {
  if (value === undefined) return "not weighed";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** How many a second since the sample before. A pool that was not there before has made its objects since. */
function perSecond(place, name, of) {
  const [before, now] = [samples[place - 1], samples[place]];
  if (!before || now.at === before.at) return 0;
  return Math.max(0, number(now.pools[name], of) - number(before.pools[name], of)) / (now.at - before.at) * 1000;
}

/** The numbers with a chart: the value at a sample, and as text. */
const columns = {
  in_use: [(place, name) => number(samples[place].pools[name], "in_use"), grouped],
  idle: [(place, name) => number(samples[place].pools[name], "idle"), grouped],
  victims: [(place, name) => number(samples[place].pools[name], "victims"), grouped],
  bytes: [(place, name) => samples[place].pools[name]?.bytes, bytes],
  made: [(place, name) => perSecond(place, name, "made"), rate],
  dropped: [(place, name) => perSecond(place, name, "dropped"), rate],
};

/** The reasons of the drops in all samples, the most frequent first. */
function reasons(name) {
  const [first, last] = [samples[0].pools[name]?.why ?? {}, samples.at(-1).pools[name].why ?? {}];
  const since = Object.entries(last).map(([reason, count]) => [reason, count - (first[reason] ?? 0)]);
  const dropped = since.filter(([, count]) => count > 0).sort((one, other) => other[1] - one[1]);
  return dropped.map(([reason, count]) => `${reason} ${grouped(count)}`).join(", ");
}

// Drawing

/** A line for each time without a gap, from the left, which is `kept` milliseconds ago. */
function chart(values, most) {
  const end = samples.at(-1).at;
  let path = "";
  let pen = "M";
  values.forEach((value, place) => {
    if (value === undefined) {
      pen = "M";
      return;
    }
    const x = 100 - (end - samples[place].at) / kept * 100;
    const y = 23 - (most > 0 ? value / most : 0) * 22;
    path += `${pen}${x.toFixed(2)} ${y.toFixed(2)}`;
    pen = "L";
  });
  return path;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function drawRow(name) {
  let row = rows.get(name);
  if (!row) {
    row = template.cloneNode(true);
    set(find("bdi", row), name);
    rows.set(name, row);
  }
  for (const [of, [value, text]] of Object.entries(columns)) {
    const cell = find(`[data-of="${of}"]`, row);
    const values = samples.map((sample, place) => (sample.pools[name] ? value(place, name) : undefined));
    const now = values.at(-1);
    const most = Math.max(0, ...values.filter((value) => value !== undefined));
    find("data", cell).value = now ?? 0;
    set(find("data", cell), text(now));
    set(find(".most", cell), most > 0 ? `max ${text(most)}` : "");
    find("path", cell).setAttribute("d", chart(values, most));
  }
  set(find('[data-of="max_idle"]', row), grouped(number(samples.at(-1).pools[name], "max_idle")));
  set(find('[data-of="why"] span', row), reasons(name));
  return row;
}

/** The names of the pools that the filter lets pass, in their order. */
function chosen(pools) {
  const wanted = find("#filter").value.toLowerCase();
  const names = Object.keys(pools).filter((name) => name.toLowerCase().includes(wanted)).sort();
  if (order.by !== "name") {
    const value = (name) => columns[order.by][0](samples.length - 1, name) ?? -1;
    const values = new Map(names.map((name) => [name, value(name)]));
    names.sort((one, other) => values.get(one) - values.get(other));
  }
  return order.descending ? names.reverse() : names;
}

function draw() {
  if (samples.length === 0) return;
  const { pools } = samples.at(-1);
  const names = chosen(pools);
  const drawn = names.slice(0, MAX_ROWS).map(drawRow);
  // Elements are moved only if the order is another.
  if (drawn.length !== body.children.length || drawn.some((row, place) => row !== body.children[place])) body.replaceChildren(...drawn);
  for (const name of rows.keys()) if (!pools[name]) rows.delete(name);

  const sum = (of) => Object.values(pools).reduce((total, row) => total + number(row, of), 0);
  const count = Object.keys(pools).length;
  set(find("#sum"), `${grouped(count)} pools: ${grouped(sum("in_use"))} objects in use, ${grouped(sum("idle"))} idle, ${bytes(sum("bytes"))} weighed`);
  const more = find("#more");
  more.hidden = names.length > 0 && names.length <= MAX_ROWS;
  set(more, names.length === 0 ? "No pool has such a name." : `The first ${MAX_ROWS} of ${grouped(names.length)} pools. Filter by name to see others.`);
}

let drawing = false;
let drawnAt = -Infinity;

/** Draws once for all samples that come before the next frame: those of the last minutes come together. */
function drawSoon() {
  if (drawing || paused || (still.matches && performance.now() - drawnAt < CALM)) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawnAt = performance.now();
    draw();
  });
}

// The server

/** For a screen reader, too, so it says what has changed, and not each number. */
const say = (text) => set(find("#said"), text);

function connect() {
  const source = new EventSource("pools/events");
  let lost = false;
  source.addEventListener("sample", (event) => {
    // Another process has another token.
    if (!event.lastEventId.startsWith(document.body.dataset.run)) return location.reload();
    const sample = JSON.parse(event.data);
    if (samples.length > 0 && sample.at <= samples.at(-1).at) return;
    samples.push(sample);
    while (samples.length > 2 && samples[0].at < sample.at - kept) samples.shift();
    drawSoon();
  });
  source.addEventListener("open", () => {
    if (lost) say("The numbers are live again.");
    lost = false;
  });
  source.addEventListener("error", () => {
    lost = true;
    say("The server does not answer, or has too many pages open. The numbers are old; the page tries again.");
    // After an answer that is no stream a browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 10000);
  });
}

async function press(event) {
  event.preventDefault();
  const form = event.target;
  const button = find("button", form);
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(await answer.text());
    const { dropped } = await answer.json();
    drawnAt = -Infinity;
    say(`${button.textContent}: ${grouped(dropped)} objects dropped.`);
  } catch (error) {
    say(`${button.textContent}: ${error.message}.`);
  }
  button.disabled = false;
  button.focus();
}

// The controls

function sortBy(head) {
  const { by } = head.dataset;
  // Names from A, numbers from the highest; the second time the other way round.
  order.descending = order.by === by ? !order.descending : by !== "name";
  order.by = by;
  for (const other of all("th[data-by]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
  draw();
}

for (const head of all("th[data-by]")) {
  const button = find("button", head);
  button.disabled = false;
  button.addEventListener("click", () => sortBy(head));
}
for (const form of all("form")) form.addEventListener("submit", press);
find("#filter").addEventListener("input", draw);
find("#pause").addEventListener("click", ({ currentTarget }) => {
  paused = !paused;
  currentTarget.setAttribute("aria-pressed", paused);
  drawSoon();
});
find("#controls").hidden = false;
connect();
