// <button data-copy="id" hidden>: copies what the field of that id holds. Without the script people mark it themselves.
import { tell } from "./console.js";

export function begin(button) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value); // only where the page came over TLS, or from this machine
    } catch {
      document.execCommand("copy");
    }
    const words = button.lastChild;
    const before = words.textContent;
    words.textContent = "Copied";
    tell("Copied");
    setTimeout(() => (words.textContent = before), 2000);
  });
}
