// Deciding about proposals without loading pages; see templates/discovery.html.
//
//   j, k   the next proposal, the one before     d   discard     x   choose for merging
//   a      accept, or ask for a name             u   take the last discard back
import { fetched, formToken, swap } from "./swapping.js";

const PARTS = "discovery";

let listens = false;
let last = null; // the discard that can be taken back

export function begin(element) {
  if (!listens) document.addEventListener("keydown", pressed);
  listens = true;
  for (const part of document.querySelectorAll("#discovery [data-script]")) part.hidden = false;
  element.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    decide(event.target, event.submitter);
  });
}

function cards() {
  return [...document.querySelectorAll("[data-proposals] [data-proposal]")];
}

function current() {
  return document.activeElement?.closest("[data-proposal]");
}

function go(index) {
  const all = cards();
  const card = all[Math.max(0, Math.min(index, all.length - 1))];
  if (!card) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog")) {
    if (event.key === "Escape") event.target.closest("[data-proposal]")?.focus();
    return;
  }
  const card = current();
  const index = cards().indexOf(card);
  const action = {
    j: () => go(index + 1),
    k: () => go(index < 0 ? 0 : index - 1),
    u: () => last && takeBack(),
    a: () => accept(card),
    d: () => card?.querySelector('[value="discard"]')?.click(),
    x: () => card?.querySelector("[data-pick]")?.click(),
  }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function accept(card) {
  const name = card?.querySelector('input[name="name"]');
  const addition = card?.querySelector("[data-addition]");
  if (addition) addition.click();
  else if (name?.value.trim()) card.querySelector('[value="accept"]').click();
  else name?.focus();
}

async function sent(path, form) {
  const response = await fetched(path, { method: "POST", body: form, headers: { "X-Form-Token": formToken() } });
  const facts = await response.json();
  if (!response.ok) throw Object.assign(new Error(facts.message), { field: facts.field });
  return facts;
}

async function decide(form, button) {
  const card = form.closest("[data-proposal]");
  const index = cards().indexOf(card);
  const body = new FormData(form, button);
  for (const each of form.querySelectorAll("button")) each.disabled = true;
  try {
    const told = await sent(form.action, body);
    last = told.undo ? { path: form.action, index } : null;
    await shown(told.told, index);
  } catch (error) {
    for (const each of form.querySelectorAll("button")) each.disabled = false;
    complain(card ?? form, error);
  }
}

async function takeBack() {
  const { path, index } = last;
  last = null;
  const body = new FormData();
  body.append("do", "restore");
  try {
    await shown((await sent(path, body)).told, index);
  } catch (error) {
    toast(error.message);
  }
}

async function shown(text, index) {
  await swap(location.href, PARTS);
  toast(text);
  if (cards().length) go(Math.max(index, 0));
  else document.querySelector("#main").focus();
}

function complain(place, error) {
  const problem = place.querySelector("p.problem");
  if (!problem) return toast(error.message);
  problem.textContent = error.message[0].toUpperCase() + error.message.slice(1);
  problem.hidden = false;
  const field = error.field === "photos" ? place.querySelector('input[name="photos"]') : place.querySelector('input[name="name"]');
  field?.setAttribute("aria-describedby", problem.id);
  field?.focus();
}

function toast(text) {
  const place = document.getElementById("undo");
  place.querySelector("span").textContent = text;
  const button = place.querySelector("button");
  button.hidden = !last;
  button.onclick = takeBack;
  place.hidden = false;
}
