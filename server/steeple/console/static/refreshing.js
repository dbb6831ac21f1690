// <div data-refresh="10" data-swap="ids">: looks again every ten seconds, but not while somebody has paused it, answers
// a question, types, or looks at something else. Its <button data-pause hidden> pauses it.
import { swap } from "./swapping.js";
import { tell } from "./console.js";

export function begin(element) {
  const button = element.querySelector("[data-pause]");
  const words = button.querySelector("[data-words]");
  let paused = false;

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    words.textContent = paused ? "Go on" : "Pause";
    tell(paused ? "This page stands still" : "This page looks again by itself");
  });

  setInterval(async () => {
    const typing = document.activeElement?.matches("main input, main select, main textarea");
    if (paused || typing || document.hidden || document.querySelector("dialog[open], .busy")) return;
    try {
      await swap(location.href, element.dataset.swap, { quiet: true });
    } catch {
      // The server is away; the page stays as it is, and is right again when it is back.
    }
  }, 1000 * Number(element.dataset.refresh));
}
