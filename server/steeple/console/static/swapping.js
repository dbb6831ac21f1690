// Replaces parts of the page with those of another, by their ids.

const policy = window.trustedTypes?.createPolicy("steeple", { createHTML: (text) => text }); // of this server's own pages

let newest = 0;

export function parsed(text) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
}

export async function fetched(url, options = {}) {
  const response = await fetch(url, {
    credentials: "same-origin",
    ...options,
    headers: { "X-Steeple-Script": "1", ...options.headers },
  });
  if (response.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    throw new Error("signed out");
  }
  return response;
}

export function formToken() {
  return document.querySelector('meta[name="form-token"]').content;
}

export async function swap(url, ids, { history: mode = "", focus = "", quiet = false } = {}) {
  const number = ++newest;
  const names = ids.split(" ");
  if (!quiet) for (const id of names) document.getElementById(id)?.classList.add("busy");
  try {
    const response = await fetched(url);
    if (!response.ok) {
      if (!quiet) location.assign(url); // the page itself says what is wrong
      return;
    }
    const page = parsed(await response.text());
    if (number !== newest && mode) return; // another was asked for meanwhile
    for (const id of names) {
      const fresh = page.getElementById(id);
      const old = document.getElementById(id);
      if (!fresh || !old) continue;
      const held = document.activeElement?.id;
      const adopted = document.adoptNode(fresh);
      old.replaceWith(adopted);
      if (held && adopted.querySelector(`#${CSS.escape(held)}`)) document.getElementById(held).focus();
      adopted.dispatchEvent(new CustomEvent("steeple:swapped", { bubbles: true }));
    }
    if (mode === "push") history.pushState({ page: true }, "", url);
    if (focus) document.getElementById(focus)?.focus();
  } finally {
    for (const id of names) document.getElementById(id)?.classList.remove("busy");
  }
}

// What takes long to make comes after the page: <div data-later="/path">a link to the same</div>
export async function load(element) {
  const response = await fetched(element.dataset.later);
  if (!response.ok) return; // the link is still there, and its page says what is wrong
  const fresh = parsed(await response.text()).getElementById(element.dataset.part || "main");
  element.removeAttribute("data-later");
  element.replaceChildren(...fresh.childNodes);
  element.dispatchEvent(new CustomEvent("steeple:swapped", { bubbles: true }));
}
