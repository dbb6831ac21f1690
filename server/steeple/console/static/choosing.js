// Choosing photos and archives: by the form's fields, by dropping and by pasting; and sending them as one archive.
import { crc32, zipped } from "./zipping.js";
import { forget, remembered, send } from "./sending.js";

const PHOTO = /\.(jpe?g|png|webp|bmp)$/i;

export function tell(text) {
  document.getElementById("told").textContent = text; // to readers of screens
}

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

export function size(bytes) {
  const [amount, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${amount < 100 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}

export function ending(count, one) {
  return `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
}

// What both forms do: files come from the fields, by dropping and by pasting.
export class Choosing {
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
    for (const field of form.querySelectorAll("input[type=file]")) this.takeFrom(field); // from before this script
  }

  takeFrom(field) {
    if (!field.files.length) return;
    this.take([...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    field.value = ""; // the same can be chosen again
  }

  listen() {
    for (const field of this.form.querySelectorAll("input[type=file]")) {
      field.addEventListener("change", () => this.takeFrom(field));
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
