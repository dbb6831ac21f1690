// Reviewing by keyboard: j and k go from query to query, 1 to 3 say what one shows, x ticks it. See templates/review.html.
import { tell } from "./console.js";
import { fetched, formToken, swap } from "./swapping.js";

const VERDICTS = { 1: "right", 2: "wrong", 3: "not_landmark" };
let listening = false;
let busy = false;

export function begin() {
  if (listening) return; // the list is replaced, the page stays
  listening = true;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input[type=text], input[type=search], input[type=date], select, textarea, dialog")) return;
    const tiles = [...document.querySelectorAll("[data-review] [data-query]")];
    if (!tiles.length) return;
    const place = tiles.findIndex((tile) => tile.contains(document.activeElement));
    if (event.key === "j" || event.key === "k") {
      const goal = place < 0 ? 0 : place + (event.key === "j" ? 1 : -1);
      tiles[Math.min(tiles.length - 1, Math.max(0, goal))].querySelector("h3 a").focus();
    } else if (place >= 0 && event.key === "x") {
      tiles[place].querySelector("[data-pick]").click();
    } else if (place >= 0 && VERDICTS[event.key]) {
      say(tiles[place].dataset.query, VERDICTS[event.key], place);
    } else return;
    event.preventDefault();
  });
}

async function say(query, verdict, place) {
  if (busy) return;
  busy = true;
  try {
    const body = new FormData();
    body.set("token", formToken());
    body.set("query", query);
    body.set("verdict", verdict);
    const response = await fetched("/review/verdicts", { method: "POST", body });
    const text = response.ok ? await response.text() : (await response.json()).message;
    if (response.ok) await swap(location.href, "list");
    const tiles = document.querySelectorAll("[data-review] [data-query] h3 a");
    (tiles[Math.min(place, tiles.length - 1)] ?? document.getElementById("main")).focus();
    tell(text);
  } finally {
    busy = false;
  }
}
