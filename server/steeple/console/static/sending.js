// Sends a large file a piece at a time. What the server has stays there: after a lost connection, a reload or a closed
// browser, the server is asked how far it is, and the same file goes on from there.
import { fetched, formToken } from "./swapping.js";

const PIECE = 2 << 20;
const PREFIX = "steeple-upload ";
const KEPT_DAYS = 6; // the server forgets uploads after a week

export class Refused extends Error {
  constructor(facts, status) {
    super(facts.message || "That did not work.");
    this.status = status;
    this.field = facts.field || "";
  }
}

export async function asked(path, { form = null, body = null, signal = undefined } = {}) {
  const options = { signal };
  if (form || body) {
    options.method = "POST";
    options.headers = { "X-Form-Token": formToken() };
    options.body = form ? formOf(form) : body;
    if (body) options.headers["Content-Type"] = "application/octet-stream";
  }
  const response = await fetched(path, options);
  const json = response.headers.get("content-type")?.includes("json");
  if (!response.ok) throw new Refused(json ? await response.json() : {}, response.status);
  return json ? response.json() : response.text();
}

function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

// --- what is remembered of uploads under way ---

export function remembered() {
  const found = [];
  if (!storage()) return found;
  for (let index = 0; index < localStorage.length; index++) {
    const key = localStorage.key(index);
    if (!key.startsWith(PREFIX)) continue;
    try {
      const note = JSON.parse(localStorage.getItem(key));
      if (Date.now() - note.at < KEPT_DAYS * 86_400_000) found.push({ key: key.slice(PREFIX.length), ...note });
      else localStorage.removeItem(key);
    } catch {
      localStorage.removeItem(key);
    }
  }
  return found;
}

function storage() {
  try {
    return localStorage;
  } catch {
    return null; // a browser may forbid it
  }
}

function remember(key, note) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify({ ...note, at: Date.now() }));
  } catch {
    // no room, or not allowed: then it does not go on after a reload
  }
}

export function forget(key) {
  storage()?.removeItem(PREFIX + key);
}

// --- sending ---

const MAY_PASS = new Set([0, 408, 429, 499, 500, 502, 503, 504]);

function pause(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, 1000 * seconds);
    function done() {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    }
    window.addEventListener("online", done); // no need to wait any longer then
  });
}

// Tries until it works, or is refused for good; says so by waiting(seconds) meanwhile.
export async function patiently(action, waiting = () => {}) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      const passes = error instanceof Refused ? MAY_PASS.has(error.status) : error instanceof TypeError;
      if (!passes || attempt > 40) throw error;
      const seconds = Math.min(15, 0.5 * 2 ** attempt);
      waiting(seconds);
      await pause(seconds);
    }
  }
}

// The upload's id, when all of it is there. key: the same for the same file; note: what a later visit is told of it.
export async function send(blob, { key, name, note = {}, progress = () => {}, waiting = () => {} }) {
  let upload = await patiently(() => begun(blob, key, name), waiting);
  remember(key, { id: upload.id, name, size: blob.size, offset: upload.offset, ...note });
  while (!upload.complete) {
    progress(upload.offset, blob.size);
    try {
      const piece = blob.slice(upload.offset, upload.offset + PIECE);
      upload = await asked(`/uploads/${upload.id}?offset=${upload.offset}`, { body: piece });
    } catch (error) {
      if (error instanceof Refused && !MAY_PASS.has(error.status) && error.status !== 409) throw error;
      waiting(1);
      await pause(1);
      upload = await patiently(() => asked(`/uploads/${upload.id}`), waiting); // it knows how far it is
    }
    remember(key, { id: upload.id, name, size: blob.size, offset: upload.offset, ...note });
  }
  progress(blob.size, blob.size);
  return upload.id;
}

async function begun(blob, key, name) {
  const before = remembered().find((each) => each.key === key);
  if (before) {
    try {
      const upload = await asked(`/uploads/${before.id}`);
      if (upload.size === blob.size) return upload;
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
    }
    forget(key);
  }
  return asked("/uploads", { form: { file_name: name, size: blob.size } });
}
