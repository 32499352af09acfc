// Keeps a page fresh and lets keys be used. A page says all that it has to say without this.
//
// When /events says that something has happened, and every few seconds while something runs, the same page is fetched
// again, and its parts with `data-live` take the place of those that are shown. Nothing is kept but a choice of the
// reader's, in localStorage.
const MIN_PAUSE = 1000, PAUSE = 5000, LOST = 20000, CHORD = 1500;
const PLACES = { n: "/", h: "/tasks", c: "/buildroots", k: "/containers" };
const skew = Date.now() / 1000 - Number(document.documentElement.dataset.now);

// ---- Time

function duration(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 9.95) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
  if (whole < 60) return `${whole} s`;
  if (hours < 1) return `${minutes}:${two(whole % 60)}`;
  if (hours < 24) return `${hours}:${two(minutes % 60)}:${two(whole % 60)}`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function spoken(seconds) {
  for (const [limit, size, word] of [[60, 1, "second"], [3600, 60, "minute"], [86400, 3600, "hour"], [Infinity, 86400, "day"]]) {
    if (seconds >= limit) continue;
    const number = Math.max(0, Math.floor(seconds / size));
    return `${number} ${word}${number === 1 ? "" : "s"}`;
  }
}

function tick() {
  const now = Date.now() / 1000 - skew;
  for (const each of document.querySelectorAll("[data-since]")) each.textContent = duration(now - Number(each.dataset.since));
  for (const each of document.querySelectorAll("[data-ago]")) each.textContent = `${spoken(now - Number(each.dataset.ago))} ago`;
}

function localTimes() {
  for (const each of document.querySelectorAll("time:not([title])")) each.title = new Date(each.dateTime).toLocaleString();
}

// ---- Fresh parts

const freshness = document.getElementById("freshness");
let wanted = null, last = 0, busy = false, again = false, heard = Date.now();

function say(text) {
  if (freshness.textContent !== text) freshness.textContent = text;
}

function isInUse(part) {
  const chosen = document.getSelection();
  return chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode);
}

function replace(part, fresh) {
  if (part.innerHTML === fresh.innerHTML || isInUse(part)) return;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const address = focused?.getAttribute("href");
  const kin = () => focused ? [...part.querySelectorAll(focused.tagName)] : [];
  const place = kin().indexOf(focused);
  const scrolled = [...part.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
  for (const open of part.querySelectorAll("details[id]")) {
    const same = fresh.querySelector(`details[id="${open.id}"]`);
    if (same) same.open = open.open;
  }
  const chosen = part.querySelector(".chosen");
  part.replaceChildren(...fresh.childNodes);
  if (chosen) part.querySelector(`[data-task="${chosen.dataset.task}"]`)?.classList.add("chosen");
  part.querySelectorAll(".scroll").forEach((each, number) => { each.scrollLeft = scrolled[number] || 0; });
  const same = kin().find((each) => address && each.getAttribute("href") === address) || kin()[place];
  same?.focus({ preventScroll: true });
}

async function refresh() {
  if (document.hidden) return;
  if (busy) { again = true; return; }
  busy = true;
  last = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const same = fresh.getElementById(part.id);
      if (same) replace(part, document.adoptNode(same));
    }
    document.title = fresh.title;
    heard = Date.now();
    tick();
    localTimes();
    document.dispatchEvent(new Event("fresh"));
  } catch {
    // The next time may succeed; `watch` says so when none does.
  } finally {
    busy = false;
    if (again) soon();
    again = false;
  }
}

function soon() {
  if (wanted) return;
  wanted = setTimeout(() => { wanted = null; refresh(); }, Math.max(100, last + MIN_PAUSE - Date.now()));
}

function watch() {
  const silent = Date.now() - heard;
  say(silent > LOST && !document.hidden ? `no answer for ${spoken(silent / 1000)}` : "");
  if (Date.now() - last <= PAUSE) return;
  if (events?.readyState === EventSource.CLOSED) events = null;
  listen();
  refresh();
}

let events = null;
function listen() {
  if (document.hidden) {
    events?.close();
    events = null;
  } else if (!events) {
    events = new EventSource("/events");
    events.onmessage = soon;
    events.addEventListener("reset", soon);
    refresh();
  }
}

// ---- Keys

const help = document.getElementById("help"), helpButton = document.getElementById("help-button");
const switched = document.getElementById("shortcuts-on");
let chord = 0;

function remember(value) {
  try { localStorage.setItem("shortcuts", value); } catch { /* Not kept, then. */ }
}

function recall() {
  try { return localStorage.getItem("shortcuts"); } catch { return null; }
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-task]")].filter((row) => row.querySelector("a"));
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  for (const row of rows) row.classList.toggle("chosen", row === next);
  next.querySelector("a").focus();
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = event.target;
  if (target.matches("input, select, textarea") || help.open || !switched.checked) return;
  const key = event.key;
  if (Date.now() - chord < CHORD && key in PLACES) {
    location.assign(PLACES[key]);
  } else if (key === "g") {
    chord = Date.now();
    return;
  } else if (key === "j" || key === "k") {
    step(key === "j" ? 1 : -1);
  } else if (key === "?") {
    help.showModal();
  } else if (key === "/" && document.querySelector("#search, #find")) {
    document.querySelector("#find, #search").focus();
  } else if ("enpf".includes(key)) {
    document.dispatchEvent(new CustomEvent("logkey", { detail: key }));
    return;
  } else {
    return;
  }
  chord = 0;
  event.preventDefault();
}

helpButton.hidden = false;
helpButton.addEventListener("click", () => help.showModal());
switched.checked = recall() !== "off";
switched.addEventListener("change", () => remember(switched.checked ? "on" : "off"));
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", listen);
if (document.querySelector("main [data-live]")) {
  listen();
  setInterval(watch, 1000);
}
setInterval(tick, 1000);
tick();
localTimes();
