// Makes pages quicker to use. Without it, every link and form does the same by loading a page.
//
//   <form data-swap="ids">, <a data-swap="ids">  only the elements with these ids change, and the address
//   <form data-confirm="question">               asks first
//   <div data-events="/path" data-swap="ids">    follows what the server tells of long work; these ids change at its end,
//                                                those of data-changed, if there are such, meanwhile
//   <input data-pick>, <input data-pick-all>     choose many; [data-picked] tells how many are chosen
//   <form data-live>, <form data-live="choices">  is sent while it is filled in; or when something is chosen
//   data-key="x"                                 the key that goes there
import { swap, load } from "./swapping.js";

const told = document.getElementById("told");

export function tell(text) {
  told.textContent = "";
  setTimeout(() => (told.textContent = text), 50); // readers of screens notice a change alone
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  const question = button?.dataset.confirm ?? form.dataset.confirm;
  if (question && !form.dataset.confirmed) {
    event.preventDefault();
    if (await confirmed(question, button?.textContent.trim() || "Go on")) {
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
      delete form.dataset.confirmed;
    }
    return;
  }
  if (form.dataset.swap && form.method === "get") {
    event.preventDefault();
    const query = new URLSearchParams(new FormData(form, button));
    for (const [name, value] of [...query]) if (value === "") query.delete(name, value);
    await swap(`${new URL(form.action).pathname}?${query}`, form.dataset.swap, { history: "push" });
    return;
  }
  if (form.dataset.once !== undefined) setTimeout(() => (button ? (button.disabled = true) : 0));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  swap(link.getAttribute("href"), link.dataset.swap, { history: "push", focus: link.dataset.focus });
});

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-live]");
  if (!form || (form.dataset.live === "choices" && !event.target.matches("select, [type=checkbox], [type=radio]"))) return;
  clearTimeout(form.pending);
  form.pending = setTimeout(() => form.requestSubmit(), 250);
});

history.replaceState({ page: true }, "");
window.addEventListener("popstate", (event) => {
  if (event.state?.page) location.reload(); // else it is a place on this page
});

// --- choose many ---

function picks(scope) {
  return [...scope.querySelectorAll("input[data-pick]")];
}

function showPicked() {
  for (const scope of document.querySelectorAll("[data-picks]")) {
    const all = picks(scope);
    const chosen = all.filter((box) => box.checked);
    for (const box of all) box.closest(".tile, tr")?.classList.toggle("chosen", box.checked);
    for (const place of scope.querySelectorAll("[data-picked]")) place.textContent = `${chosen.length} chosen`;
    for (const bar of scope.querySelectorAll("[data-when-picked]")) bar.hidden = chosen.length === 0;
    for (const box of scope.querySelectorAll("input[data-pick-all]")) {
      box.checked = all.length > 0 && chosen.length === all.length;
      box.indeterminate = chosen.length > 0 && chosen.length < all.length;
    }
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches("input[data-pick-all]")) {
    for (const box of picks(event.target.closest("[data-picks]"))) box.checked = event.target.checked;
  }
  if (event.target.matches("input[data-pick], input[data-pick-all]")) showPicked();
});

// --- keys ---

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const goal = [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === event.key);
  if (!goal) return;
  event.preventDefault();
  if (goal.matches("input, select, textarea")) goal.focus();
  else goal.click();
});

// --- a question ---

function confirmed(question, answer) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "question");
  const text = document.createElement("p");
  text.id = "question";
  text.textContent = question;
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "actions";
  const yes = Object.assign(document.createElement("button"), { value: "yes", className: "danger", textContent: answer });
  const no = Object.assign(document.createElement("button"), { value: "", className: "quiet", textContent: "Cancel", autofocus: true });
  form.append(yes, no);
  dialog.append(text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

// --- what goes on meanwhile ---

function follow(element) {
  const source = new EventSource(element.dataset.events);
  const gone = () => !element.isConnected && (source.close(), true); // another part of the page is in its place
  source.addEventListener("progress", (event) => {
    if (gone()) return;
    const facts = JSON.parse(event.data);
    const bar = element.querySelector("progress");
    if (bar && facts.total) Object.assign(bar, { max: facts.total, value: facts.done });
    else if (bar) bar.removeAttribute("value");
    for (const [name, value] of Object.entries(facts)) {
      for (const place of element.querySelectorAll(`[data-fact="${name}"]`)) place.textContent = value;
    }
  });
  source.addEventListener("changed", () => gone() || swap(location.href, element.dataset.changed || element.dataset.swap));
  source.addEventListener("end", () => {
    source.close();
    if (element.dataset.swap) swap(location.href, element.dataset.swap).then(() => tell("Done"));
  });
}

// --- pages, and parts of pages that came later ---

const MODULES = {
  "[data-upload]": "./uploading.js",
  "[data-proposals]": "./discovering.js",
  "[data-map]": "./mapping.js",
  "[data-copy]": "./copying.js",
  "[data-refresh]": "./refreshing.js",
  "[data-try], [data-knobs]": "./trying.js",
  "[data-review]": "./reviewing.js",
};

export async function prepare(scope) {
  for (const element of scope.querySelectorAll("[data-events]")) follow(element);
  for (const element of scope.querySelectorAll("[data-later]")) load(element);
  for (const [selector, path] of Object.entries(MODULES)) {
    const found = scope.querySelectorAll(selector);
    if (!found.length) continue;
    const module = await import(path);
    for (const element of found) module.begin(element);
  }
  showPicked();
}

document.addEventListener("steeple:swapped", (event) => prepare(event.target));
document.querySelector("[data-menu]")?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") event.currentTarget.open = false;
});
prepare(document).then(() => (document.documentElement.dataset.ready = "")); // for who drives the page
