// Shows a log as it grows: follows it, searches in it, finds the first error. All text is put in as text.
//
// The end of a log is read first; the rest of it, up to MOST bytes, when it is searched. A log that runs is one answer
// that goes on; when it breaks off, the next begins where that one ended.
const AT_FIRST = 256 * 1024, MOST = 8 * 1024 * 1024, LONGEST = 4000, CHUNK = 200, AGAIN = 1000, MOST_LINES = 150000;
const LOST = "no connection, trying again";
const TOO_LONG = "The log is longer than what is shown: the raw log has all of it.";
const ERROR = /\b(?:fatal )?error:/i;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const STYLES = { 1: "bold", 2: "faint", 3: "italic", 4: "underline", 7: "reverse", 9: "strike" };
const ENDS = { 22: ["bold", "faint"], 23: ["italic"], 24: ["underline"], 27: ["reverse"], 29: ["strike"] };
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function visible(text) {
  return text.replace(CONTROL, (one) => {
    const code = one.charCodeAt(0);
    if (code === 0xa0 || code === 0x202f) return " ";
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

// The colours of a terminal: a set of classes, changed by the codes of each sequence.
class Style {
  styles = new Set();
  colour = "";
  ground = "";

  apply(parameters) {
    const codes = parameters.split(";").map(Number);
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at];
      if (code === 38 || code === 48) at += this.extended(code, codes.slice(at + 1));
      else this.one(code);
    }
  }

  one(code) {
    if (code === 0) { this.styles.clear(); this.colour = this.ground = ""; }
    else if (code in STYLES) this.styles.add(STYLES[code]);
    else if (code in ENDS) for (const each of ENDS[code]) this.styles.delete(each);
    else if (code >= 30 && code < 38) this.colour = NAMES[code - 30];
    else if (code >= 90 && code < 98) this.colour = `bright-${NAMES[code - 90]}`;
    else if (code >= 40 && code < 48) this.ground = `on-${NAMES[code - 40]}`;
    else if (code >= 100 && code < 108) this.ground = `on-bright-${NAMES[code - 100]}`;
    else if (code === 39) this.colour = "";
    else if (code === 49) this.ground = "";
  }

  extended(kind, rest) {
    if (rest[0] === 2) return 4;
    if (rest[0] !== 5) return 0;
    const number = rest[1], first = kind === 38 ? 30 : 40;
    if (number < 8) this.one(first + number);
    else if (number < 16) this.one(first + 60 + number - 8);
    return 2;
  }

  get classes() {
    return [...this.styles, this.colour, this.ground].filter(Boolean).map((one) => `ansi-${one}`).join(" ");
  }
}

function lineElement(text, style) {
  const line = document.createElement("div");
  line.className = "line";
  let plain = "";
  text.split(/\x1b\[([0-9;]{0,64})m/).forEach((piece, number) => {
    if (number % 2) { style.apply(piece); return; }
    const shown = visible(piece.replaceAll("\x1b[K", ""));
    if (!shown) return;
    plain += shown;
    const classes = style.classes;
    if (!classes) { line.append(shown); return; }
    const span = document.createElement("span");
    span.className = classes;
    span.textContent = shown;
    line.append(span);
  });
  return [line, plain];
}

class LogView {
  constructor(element) {
    this.address = element.dataset.log;
    this.running = element.dataset.running === "yes";
    this.known = element.dataset.error;
    this.box = element.querySelector(".loglines");
    this.find = element.querySelector(".find");
    this.found = element.querySelector(".found");
    this.state = element.querySelector(".state");
    this.followButton = element.querySelector(".follow");
    this.size = Number(element.dataset.size);
    this.begin = Math.max(0, this.size - AT_FIRST);
    this.offset = this.begin;
    this.following = true;
    this.lines = [];
    this.matches = [];
    this.at = -1;
    this.partial = null;
    this.style = new Style();
    this.decoder = new TextDecoder();
    this.rest = "";
    this.box.replaceChildren();
    this.there = new Promise((go) => { this.isThere = go; });
    element.querySelector(".logtools").hidden = false;
    this.wire(element);
    this.read();
  }

  wire(element) {
    this.followButton.hidden = !this.running;
    this.followButton.addEventListener("click", () => this.follow(!this.following));
    element.querySelector(".error").addEventListener("click", () => this.firstError());
    element.querySelector(".previous").addEventListener("click", () => this.move(-1));
    const wrap = element.querySelector(".wrap");
    wrap.addEventListener("click", () => {
      const unwrapped = this.box.classList.toggle("unwrapped");
      wrap.setAttribute("aria-pressed", String(!unwrapped));
    });
    this.find.addEventListener("submit", (event) => { event.preventDefault(); this.move(1); });
    let pause = null;
    this.find.elements.find.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(() => this.search(), 150); });
    this.box.addEventListener("wheel", (event) => { if (event.deltaY < 0) this.follow(false); }, { passive: true });
    this.box.addEventListener("scroll", () => { if (this.running && this.isAtEnd() && !this.following) this.follow(true); }, { passive: true });
    this.box.addEventListener("keydown", (event) => { if (["PageUp", "ArrowUp", "Home"].includes(event.key)) this.follow(false); });
    document.addEventListener("logkey", ({ detail }) => {
      if (detail === "f" && this.running) this.follow(!this.following);
      if (detail === "e") this.firstError();
      if (detail === "n" || detail === "p") this.move(detail === "n" ? 1 : -1);
    });
  }

  say(text) {
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  isAtEnd() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 4;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
  }

  follow(on) {
    if (this.following === on) return;
    this.following = on;
    this.followButton.setAttribute("aria-pressed", String(on));
    this.followButton.textContent = on ? "Follow" : "Paused";
    if (on) this.toEnd();
  }

  // ---- Reading

  async read() {
    for (;;) {
      try {
        const over = await this.readOnce();
        if (this.state.textContent === LOST) this.say("");
        if (over) break;
      } catch {
        this.say(LOST);
      }
      await new Promise((go) => setTimeout(go, AGAIN));
    }
    this.flush();
    this.running = false;
    this.followButton.hidden = true;
  }

  // One answer, and whether it is the last: one that ends at once, with nothing in it. Others may have been broken off.
  async readOnce() {
    const asked = Date.now();
    let got = 0;
    const answer = await fetch(`${this.address}?follow=1`, { headers: { Range: `bytes=${this.offset}-` } });
    if (answer.status === 416) {
      if (!this.offset || this.lines.length) { this.isThere(); return !this.running; }
      // The log is shorter than the page thought.
      this.begin = this.offset = 0;
      return false;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) { this.isThere(); return !got && Date.now() - asked < AGAIN; }
      got += value.length;
      this.offset += value.length;
      this.take(this.decoder.decode(value, { stream: true }));
      if (this.offset >= this.size) this.isThere();
    }
  }

  take(text) {
    const pieces = (this.rest + text).split("\n");
    this.rest = pieces.pop();
    if (this.partial) { this.partial.remove(); this.partial = null; }
    for (const piece of pieces) this.add(piece);
    while (this.rest.length > LONGEST) { this.add(this.rest.slice(0, LONGEST)); this.rest = this.rest.slice(LONGEST); }
    if (this.rest) {
      [this.partial] = lineElement(this.rest, Object.assign(new Style(), { styles: new Set(this.style.styles), colour: this.style.colour, ground: this.style.ground }));
      this.box.append(this.partial);
    }
    this.trim();
    if (this.following) this.toEnd();
    this.count();
  }

  flush() {
    if (this.partial) { this.partial.remove(); this.partial = null; }
    if (this.rest) this.add(this.rest);
    this.rest = "";
    if (this.following) this.toEnd();
  }

  add(text) {
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    for (let at = 0; at === 0 || at < whole.length; at += LONGEST) {
      const [element, plain] = lineElement(whole.slice(at, at + LONGEST), this.style);
      if (this.lines.length % CHUNK === 0 || !this.chunk) {
        this.chunk = document.createElement("div");
        this.chunk.className = "chunk";
        this.box.append(this.chunk);
      }
      this.chunk.append(element);
      this.lines.push({ element, plain });
      this.test(this.lines.length - 1);
    }
  }

  // Lets go of the oldest lines of a log that is very long.
  trim() {
    if (this.lines.length <= MOST_LINES) return;
    const number = this.box.firstElementChild.childElementCount;
    this.box.firstElementChild.remove();
    this.lines.splice(0, number);
    this.matches = this.matches.map((one) => one - number).filter((one) => one >= 0);
    this.at = Math.max(-1, Math.min(this.at, this.matches.length - 1));
    this.say(TOO_LONG);
  }

  // What stands before the part that was read first; asked for twice, it is read once.
  all() {
    this.whole ??= this.readAll();
    return this.whole;
  }

  async readAll() {
    if (!this.begin) return;
    const end = this.begin, from = Math.max(0, end - MOST);
    this.say("reading the rest of the log");
    const answer = await fetch(this.address, { headers: { Range: `bytes=${from}-${end - 1}` } });
    if (!answer.ok) {
      this.whole = null;
      this.say("the rest of the log cannot be read");
      return;
    }
    const text = await answer.text();
    const [later, chunks] = [this.lines, [...this.box.children]];
    // The first line was read from its middle on.
    const pieces = text.split("\n"), style = new Style(), cut = pieces.pop();
    this.begin = 0;
    [this.lines, this.matches, this.chunk] = [[], [], null];
    const now = this.style;
    this.style = style;
    for (const piece of pieces) this.add(piece);
    this.style = now;
    this.chunk = null;
    for (const chunk of chunks) this.box.append(chunk);
    if (cut && later.length) later[0].element.prepend(visible(cut));
    if (cut && later.length) later[0].plain = visible(cut) + later[0].plain;
    for (const line of later) { this.lines.push(line); this.test(this.lines.length - 1); }
    this.chunk = null;
    this.say(from ? TOO_LONG : "");
  }

  // ---- Searching

  test(number) {
    const { element, plain } = this.lines[number];
    const match = Boolean(this.wanted) && plain.toLowerCase().includes(this.wanted);
    element.classList.toggle("match", match);
    if (match) this.matches.push(number);
  }

  async search() {
    this.wanted = this.find.elements.find.value.toLowerCase();
    if (this.wanted) await this.all();
    document.querySelector(".line.now")?.classList.remove("now");
    [this.matches, this.at] = [[], -1];
    for (let number = 0; number < this.lines.length; number++) this.test(number);
    if (this.matches.length) this.move(1);
    this.count();
  }

  count() {
    this.found.textContent = !this.wanted ? "" : this.matches.length ? `${this.at + 1} of ${this.matches.length}` : "nothing found";
  }

  move(by) {
    if (!this.matches.length) return;
    this.at = (this.at + by + this.matches.length) % this.matches.length;
    this.show(this.lines[this.matches[this.at]].element, "now");
    this.count();
  }

  show(element, mark) {
    this.follow(false);
    for (const each of this.box.querySelectorAll(`.${mark}`)) each.classList.remove(mark);
    element.classList.add(mark);
    element.scrollIntoView({ block: "center" });
  }

  async firstError() {
    await this.there;
    await this.all();
    const exact = this.known && this.lines.find(({ plain }) => plain.trim() === this.known.trim());
    const first = exact || this.lines.find(({ plain }) => ERROR.test(plain));
    if (first) { this.show(first.element, "first"); this.say(""); }
    else this.say("no error in this log");
  }
}

function start() {
  for (const section of document.querySelectorAll(".scripted")) section.hidden = false;
  for (const element of document.querySelectorAll("[data-log]")) {
    const view = new LogView(element);
    if (location.hash === "#first-error") view.firstError();
  }
}

start();
