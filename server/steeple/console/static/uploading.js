// Sends photos and archives, with what becomes of each; see templates/add.html and templates/discover.html.
//
// A few photos are added one by one. Many, and whole folders, are made one archive, which goes a piece at a time and is
// imported by the server.
import { parsed } from "./swapping.js";
import { asked, forget, patiently, remembered, Refused, send } from "./sending.js";
import { crc32, zipped } from "./zipping.js";

const PHOTO = /\.(jpe?g|png|webp|bmp)$/i;
const AT_ONCE = 2;

function tell(text) {
  document.getElementById("told").textContent = text; // to readers of screens
}

export function begin(form) {
  form.dataset.upload === "add" ? new Adding(form) : new Archiving(form);
}

// --- choosing files ---

async function* filesOf(entry, folder = "") {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    yield { file, path: folder + entry.name };
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (!some.length) return;
    for (const each of some) yield* filesOf(each, `${folder}${entry.name}/`);
  }
}

function size(bytes) {
  const [amount, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${amount < 100 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}

function ending(count, one) {
  return `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
}

// What both forms do: files come from the fields, by dropping and by pasting.
class Choosing {
  constructor(form) {
    this.form = form;
    this.drop = form.querySelector("[data-drop]");
    this.queue = form.querySelector("[data-queue]");
    this.chosen = form.querySelector("[data-chosen]");
    this.sending = form.querySelector("[data-sending]");
    this.button = form.querySelector("[data-send]");
    this.entries = [];
    for (const part of form.querySelectorAll("[data-script]")) part.hidden = false;
    this.listen();
    this.showInterrupted();
    this.show();
  }

  listen() {
    for (const field of this.form.querySelectorAll("input[type=file]")) {
      field.addEventListener("change", () => {
        this.take([...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
        field.value = ""; // the same can be chosen again
      });
    }
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        this.drop.classList.add("over");
      });
    }
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.drop.classList.remove("over");
    });
    document.addEventListener("drop", async (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.drop.classList.remove("over");
      const plain = [...event.dataTransfer.files].map((file) => ({ file, path: file.name }));
      const dropped = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      if (!dropped.some((entry) => entry.isDirectory)) return this.take(plain);
      const found = [];
      for (const entry of dropped) for await (const each of filesOf(entry)) found.push(each);
      this.take(found);
    });
    document.addEventListener("paste", (event) => {
      const pasted = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
      if (!pasted.length) return;
      event.preventDefault();
      const stamp = new Date().toISOString().slice(11, 19).replaceAll(":", "");
      this.take(pasted.map((file, index) => ({ file, path: PHOTO.test(file.name) && file.name !== "image.png" ? file.name : `pasted-${stamp}-${index + 1}.${file.type.split("/")[1]}` })));
    });
    this.form.addEventListener("submit", (event) => {
      if (!this.entries.length) return; // the form as it is: a folder of the server, or nothing
      event.preventDefault();
      this.clearProblems();
      this.submit().catch((error) => this.fail(error));
    });
  }

  take(found) {
    const archives = found.filter(({ path }) => /\.zip$/i.test(path));
    const photos = found.filter(({ path }) => PHOTO.test(path) && !path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX"));
    const others = found.length - archives.length - photos.length;
    if (archives.length) this.entries = [archives[0]];
    else {
      const there = new Set(this.entries.map(({ path, file }) => `${path} ${file.size} ${file.lastModified}`));
      const fresh = photos.filter(({ path, file }) => !there.has(`${path} ${file.size} ${file.lastModified}`));
      this.entries = [...this.entries.filter(({ path }) => !/\.zip$/i.test(path)), ...fresh].sort((a, b) => (a.path < b.path ? -1 : 1));
    }
    this.taken?.();
    this.show();
    const passed = others > 0 && !photos.length && !archives.length ? "None of these files is a photo or a ZIP archive." : "";
    if (passed) this.problem("files", passed);
    tell(passed || this.chosen.textContent);
  }

  get archive() {
    return this.entries.length === 1 && /\.zip$/i.test(this.entries[0].path) ? this.entries[0].file : null;
  }

  get bytes() {
    return this.entries.reduce((sum, { file }) => sum + file.size, 0);
  }

  show() {
    const count = this.entries.length;
    this.chosen.textContent = !count ? "" : this.archive ? `${this.archive.name}, ${size(this.bytes)}` : `${ending(count, "photo")}, ${size(this.bytes)}`;
  }

  // One archive of all entries, or the one that was chosen, on the server; its upload's id.
  async sendArchive(entries, name, note) {
    const text = this.sending.querySelector("[data-sending-text]");
    const bar = this.sending.querySelector("progress");
    this.sending.hidden = false;
    this.button.disabled = true;
    this.sending.scrollIntoView({ block: "nearest" });
    let blob = this.archive;
    if (!blob) {
      blob = await zipped(entries, (done) => {
        text.textContent = `Reading photos: ${done.toLocaleString("en")} of ${entries.length.toLocaleString("en")}`;
        Object.assign(bar, { max: entries.length, value: done });
      });
    }
    const list = entries.map(({ path, file }) => `${path} ${file.size} ${file.lastModified}`).join("\n");
    const key = this.archive ? `${blob.name} ${blob.size} ${blob.lastModified}` : `${entries.length} photos ${blob.size} ${crc32(new TextEncoder().encode(list)).toString(16)}`;
    const began = performance.now();
    let from = -1;
    const id = await send(blob, {
      key,
      name,
      note,
      progress: (done, total) => {
        if (from < 0) from = done;
        const rate = (done - from) / (performance.now() - began);
        const seconds = rate > 0 ? (total - done) / rate / 1000 : 0;
        const left = seconds > 90 ? `, about ${Math.round(seconds / 60)} minutes left` : seconds > 5 ? `, about ${Math.round(seconds)} seconds left` : "";
        text.textContent = `${from > 0 ? "Going on with" : "Sending"} ${name}: ${size(done)} of ${size(total)}${left}`;
        Object.assign(bar, { max: total, value: done });
      },
      waiting: () => (text.textContent = `The server cannot be reached. ${name} goes on by itself when it can.`),
    });
    text.textContent = "All is there. The server begins …";
    return { id, key };
  }

  showInterrupted() {
    const place = this.form.querySelector("[data-interrupted]");
    const left = remembered().filter((each) => each.where === location.pathname);
    place.hidden = !left.length;
    place.replaceChildren(
      ...left.map((each) => {
        const line = document.createElement("p");
        const forgetIt = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: "Forget it" });
        forgetIt.addEventListener("click", () => {
          forget(each.key);
          this.showInterrupted();
          this.form.querySelector("input[type=file]").focus();
        });
        const what = each.photos ? `The upload of ${ending(each.photos, "photo")}` : `The upload of ${each.name}`;
        line.append(`${what} was interrupted at ${size(each.offset)} of ${size(each.size)}. Choose the same ${each.photos ? "photos" : "file"} again and it goes on from there. `, forgetIt);
        return line;
      }),
    );
  }

  problem(name, text) {
    const field = this.form.querySelector(`#${CSS.escape(name.replace(/^options\./, ""))}`) ?? this.form.querySelector("#files");
    const box = field.closest(".field, [data-drop]");
    let told = box.querySelector(".problem");
    if (!told) box.append((told = Object.assign(document.createElement("p"), { className: "problem", id: `${field.id}-problem` })));
    told.textContent = text;
    box.classList.add("wrong");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", told.id);
    return field;
  }

  clearProblems() {
    for (const box of this.form.querySelectorAll(".wrong")) {
      box.classList.remove("wrong");
      box.querySelector(".problem")?.remove();
      box.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
    }
  }

  fail(error) {
    this.button.disabled = false;
    this.sending.hidden = true;
    this.problem(error.field || "files", error.message).focus();
    tell(error.message);
  }
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
