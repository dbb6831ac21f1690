// Sends photos and archives, with what becomes of each; see templates/add.html and templates/discover.html.
//
// A few photos are added one by one. Many, and whole folders, are made one archive, which goes a piece at a time and is
// imported by the server.
import { parsed } from "./swapping.js";
import { Choosing, ending, size, tell } from "./choosing.js";
import { asked, forget, patiently, Refused } from "./sending.js";

const AT_ONCE = 2;

export function begin(form) {
  form.dataset.upload === "add" ? new Adding(form) : new Archiving(form);
}

// --- the page that adds ---

class Adding extends Choosing {
  listen() {
    super.listen();
    const field = this.form.querySelector("[data-suggest]");
    const list = field.list;
    let pending = 0;
    field.addEventListener("input", () => {
      clearTimeout(pending);
      pending = setTimeout(async () => {
        const text = field.value;
        const found = await asked(`${field.dataset.suggest}?q=${encodeURIComponent(text)}`).catch(() => null);
        if (!found || field.value !== text) return;
        list.replaceChildren(...found.map((value) => Object.assign(document.createElement("option"), { value })));
      }, 200);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.rows?.some((row) => row.state === "sending")) event.preventDefault();
    });
  }

  get target() {
    return this.form.elements.target.value;
  }

  taken() {
    this.rows = [];
    const folders = new Set(this.entries.map(({ path }) => path.split("/").slice(0, -1).join("/")));
    if (this.archive || folders.size > 2) this.form.elements.target.value = "folders";
  }

  show() {
    super.show();
    this.rows ??= [];
    const count = this.entries.length;
    this.button.lastChild.textContent = count && !this.archive ? `Add ${ending(count, "photo")}` : "Add";
    this.queue.hidden = !count;
    const shown = count > Number(this.form.dataset.most) || this.archive ? [] : this.entries;
    if (!shown.length) {
      this.rows = [];
      const line = document.createElement("li");
      line.textContent = this.archive ? `${this.archive.name}: an archive of ${size(this.bytes)}` : `${ending(count, "photo")} of ${ending(new Set(this.entries.map(({ path }) => path.split("/").slice(0, -1).join("/"))).size, "folder")}`;
      const clear = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: "Remove all" });
      clear.addEventListener("click", () => ((this.entries = []), this.show()));
      line.className = "queued queued-row";
      line.append(clear);
      this.queue.replaceChildren(...(count ? [line] : []));
      return;
    }
    this.rows = shown.map((entry) => this.rows.find((row) => row.entry === entry) ?? new Row(entry, this));
    this.queue.replaceChildren(...this.rows.map((row) => row.element));
  }

  remove(row) {
    const index = this.rows.indexOf(row);
    this.entries = this.entries.filter((entry) => entry !== row.entry);
    this.show();
    (this.rows[Math.min(index, this.rows.length - 1)]?.element.querySelector("button") ?? this.form.querySelector("#files")).focus();
  }

  async submit() {
    const folders = this.target === "folders";
    if (this.archive && !folders) throw new Refused({ message: "An archive brings its own folders: choose “Each folder is a landmark”, or choose the photos themselves.", field: "files" });
    let landmark = null;
    if (!folders) {
      const given = this.form.elements;
      landmark = await patiently(() => asked("/add/target", { form: { target: this.target, landmark: given.landmark.value, display_name: given.display_name.value } }));
      if (landmark.made) {
        given.target.value = "existing"; // so that it is not made again
        given.landmark.value = landmark.written;
        given.display_name.value = "";
      }
    }
    if (folders || this.entries.length > Number(this.form.dataset.most)) await this.import(landmark);
    else await this.addAll(landmark);
  }

  async import(landmark) {
    let entries = this.entries;
    let note = { where: location.pathname };
    if (!this.archive) {
      note.photos = entries.length;
      if (landmark) {
        const says = new Blob([JSON.stringify({ id: landmark.id })]);
        entries = [{ path: `${landmark.id}/landmark.json`, file: says }, ...entries.map(({ path, file }) => ({ path: `${landmark.id}/${path}`, file }))];
      } else if (entries.some(({ path }) => !path.includes("/"))) {
        throw new Refused({ message: "These photos are in no folder that could name a landmark. Choose a folder, or say what they show.", field: "files" });
      }
    }
    const { id, key } = await this.sendArchive(entries, this.archive?.name ?? "photos.zip", note);
    const begun = await patiently(() => asked("/add/import", { form: { upload: id, lookalikes: this.form.elements.lookalikes.value } }));
    forget(key);
    location.assign(begun.path);
  }

  async addAll(landmark) {
    const rows = this.rows.filter((row) => row.state === "waiting" || row.state === "failed");
    this.landmark = landmark;
    this.button.disabled = true;
    this.form.classList.add("begun"); // from here on the page is about what becomes of them
    const title = this.form.querySelector("[data-title]");
    title.textContent = `Photos of ${landmark.name}`;
    title.focus();
    const waiting = [...rows];
    const work = async () => {
      for (let row; (row = waiting.shift()); ) if (this.rows.includes(row)) await row.send(landmark); // else it was removed
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.button.disabled = false;
    this.summarise();
    for (const row of this.rows) await row.draw(); // one after the other: each costs the server a search
  }

  summarise() {
    const count = (state) => this.rows.filter((row) => row.state === state).length;
    const parts = [`${ending(count("added"), "photo")} added`];
    if (count("there")) parts.push(`${count("there")} there already`);
    if (count("out")) parts.push(`${count("out")} left out`);
    if (count("refused")) parts.push(`${count("refused")} refused`);
    if (count("failed")) parts.push(`${count("failed")} not sent`);
    if (count("alike")) parts.push(`${count("alike")} for you to decide`);
    this.chosen.replaceChildren(`${parts.join(", ")}. `);
    const link = (href, textContent) => Object.assign(document.createElement("a"), { href, textContent });
    this.chosen.append(link(`/landmarks/${this.landmark.id}`, `To ${this.landmark.name}`), " · ", link(`/add?landmark=${this.landmark.id}`, "Add more"));
    this.button.hidden = !count("waiting") && !count("failed");
    this.button.lastChild.textContent = count("failed") ? "Try the rest again" : "Add";
    tell(parts.join(", "));
  }
}

const STATES = {
  waiting: ["waiting", ""],
  sending: ["sending", "on"],
  added: ["added", "good"],
  there: ["there already", "warn"],
  alike: ["your decision", "warn"],
  out: ["left out", ""],
  refused: ["refused", "bad"],
  failed: ["not sent", "bad"],
};

// One photo of the list.
class Row {
  constructor(entry, adding) {
    this.entry = entry;
    this.adding = adding;
    this.element = document.getElementById("queued").content.firstElementChild.cloneNode(true);
    this.url = URL.createObjectURL(entry.file);
    const picture = this.part("img");
    picture.src = this.url;
    picture.addEventListener("error", () => picture.removeAttribute("src"));
    this.part(".queued-name").textContent = entry.path;
    this.part(".queued-text").textContent = size(entry.file.size);
    const remove = this.part(".queued-remove");
    remove.setAttribute("aria-label", `Remove ${entry.path}`);
    remove.addEventListener("click", () => adding.remove(this));
    this.become("waiting");
  }

  part(selector) {
    return this.element.querySelector(selector);
  }

  become(state, text) {
    this.state = state;
    const [words, kind] = STATES[state];
    const badge = this.part(".queued-state");
    badge.textContent = words;
    badge.className = `queued-state badge ${kind}`;
    this.part(".queued-remove").hidden = state !== "waiting" && state !== "failed";
    if (text !== undefined) this.part(".queued-text").textContent = text;
  }

  async send(landmark, ask = this.adding.form.elements.lookalikes.value !== "add") {
    this.become("sending", `Sending ${size(this.entry.file.size)}`);
    try {
      const form = { photo: this.entry.file, landmark: landmark.id, ask: ask ? "yes" : "" };
      const told = await patiently(
        () => asked("/add/photo", { form }),
        () => this.become("sending", "The server cannot be reached, or has much to do. Trying again …"),
      );
      this.show(told, landmark);
    } catch (error) {
      this.become("failed", error.message);
    }
  }

  show(told, landmark) {
    const text = [told.text, ...told.reasons].join(" ");
    if (told.state === "alike" && this.adding.form.elements.lookalikes.value === "refuse") {
      this.become("out", told.text);
    } else {
      this.become(told.state, text);
    }
    const image = told.image || told.other;
    if (image) {
      const link = Object.assign(document.createElement("a"), { href: `/${image}`, textContent: told.image ? "See it" : `See that of ${told.other_name}` });
      this.part(".queued-text").append(" ", link);
    }
    if (this.state === "alike") this.decide(told, landmark);
  }

  decide(told, landmark) {
    this.told = told;
    const place = this.part(".queued-decision");
    const part = document.getElementById("decision").content.firstElementChild.cloneNode(true);
    const move = part.querySelector('[data-decide="move"]');
    if (told.other_landmark === landmark.id) move.remove();
    else move.textContent = `It belongs to ${told.other_name}`;
    for (const button of part.querySelectorAll("[data-decide]")) {
      button.setAttribute("aria-description", this.entry.path);
      button.addEventListener("click", () => this.decided(button.dataset.decide, landmark));
    }
    place.replaceChildren(part);
    place.hidden = false;
  }

  async decided(choice, landmark) {
    const place = this.part(".queued-decision");
    place.hidden = true;
    if (choice === "leave") this.become("out", "Left out, as you decided.");
    else if (choice === "anyway") await this.send(landmark, false);
    else await this.send({ id: this.told.other_landmark, name: this.told.other_name }, false);
    this.adding.summarise();
    const next = this.adding.rows.find((row) => row.state === "alike");
    (next?.part("[data-decide]") ?? this.adding.chosen.querySelector("a"))?.focus();
  }

  // Both pictures side by side, with lines between what matches.
  async draw() {
    if (this.state !== "alike") return;
    const place = this.part(".decision-picture");
    try {
      const text = await patiently(() => asked("/add/compare", { form: { photo: this.entry.file, other: this.told.other } }));
      const drawn = parsed(text).getElementById("matched");
      drawn.querySelector("image").setAttribute("href", this.url); // the first one is not in the catalogue
      place.replaceChildren(document.adoptNode(drawn));
    } catch (error) {
      place.textContent = error.message;
    }
  }
}

// --- the page that discovers: everything is one archive ---

class Archiving extends Choosing {
  async submit() {
    const entries = this.entries;
    const note = { where: location.pathname, ...(this.archive ? {} : { photos: entries.length }) };
    const { id, key } = await this.sendArchive(entries, this.archive?.name ?? "photos.zip", note);
    const fields = Object.fromEntries([...new FormData(this.form)].filter(([, value]) => typeof value === "string"));
    const begun = await patiently(() => asked(this.form.dataset.upload, { form: { ...fields, upload: id } }));
    forget(key);
    location.assign(begun.path);
  }
}
