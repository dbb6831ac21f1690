// Maps that are dragged, turned by the wheel and by keys. The server draws them; until its picture is there, the old one
// is moved. See templates/mapping.html and steeple.console.web_map.
//
//   <div data-map data-swap="ids" data-lat data-lon data-zoom>   the map of the catalogue: the address changes with it
//   <svg data-map data-map-pick="field" ...>                     a small one: a click fills the field
import { fetched, parsed, swap } from "./swapping.js";

const TILE = 256;
const LEAST_ZOOM = 2;
const MOST_ZOOM = 20;
const PAUSE = 180; // milliseconds without the wheel or a key, after which the server is asked
const NORTHMOST = 85.0511;

const mercator = (latitude) => {
  const angle = (Math.max(-NORTHMOST, Math.min(NORTHMOST, latitude)) * Math.PI) / 180;
  return 0.5 - Math.asinh(Math.tan(angle)) / (2 * Math.PI);
};
const latitudeOf = (y) => (Math.atan(Math.sinh((0.5 - Math.max(0, Math.min(1, y))) * 2 * Math.PI)) * 180) / Math.PI;
const around = (longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180;

export function begin(element) {
  const svg = element.matches("svg") ? element : element.querySelector("svg");
  const moves = svg.querySelector("[data-map-moves]");
  const box = svg.viewBox.baseVal;
  const pick = element.dataset.mapPick && document.getElementById(element.dataset.mapPick);
  const zoom = Number(element.dataset.zoom);
  const world = TILE * 2 ** zoom;
  const start = { x: ((Number(element.dataset.lon) + 180) / 360) * world, y: mercator(Number(element.dataset.lat)) * world };
  // What was done since the server drew it: pixels of the picture, after it was made larger by a power of two.
  let shift = { x: 0, y: 0 };
  let steps = 0;
  let held = null;
  let waiting = 0;

  function point(event) {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return { x: place.x, y: place.y };
  }

  function show() {
    moves.setAttribute("transform", `translate(${shift.x} ${shift.y}) scale(${2 ** steps})`);
  }

  // The middle of the picture as it is shown, and of what place it is the picture.
  function middle() {
    const factor = 2 ** steps;
    return placeAt((box.width / 2 - shift.x) / factor, (box.height / 2 - shift.y) / factor);
  }

  function placeAt(x, y) {
    return {
      lat: latitudeOf((start.y + y - box.height / 2) / world),
      lon: around(((start.x + x - box.width / 2) / world) * 360 - 180),
    };
  }

  async function ask() {
    const { lat, lon } = middle();
    const query = new URLSearchParams(pick ? "" : location.search);
    query.set("lat", lat.toFixed(6));
    query.set("lon", lon.toFixed(6));
    query.set("zoom", zoom + steps);
    if (!pick) {
      await swap(`/map?${query}`, element.dataset.swap, { history: "push" });
      return;
    }
    const [atLat, atLon] = chosen() ?? [];
    if (atLat !== undefined) {
      query.set("at_lat", atLat);
      query.set("at_lon", atLon);
    }
    await replace(query);
  }

  // A small map by another of it.
  async function replace(query) {
    const response = await fetched(`/map/place?${query}`);
    if (!response.ok || !element.isConnected) return;
    const whole = element.closest(".small-map");
    const fresh = document.adoptNode(parsed(await response.text()).getElementById(whole.id));
    const focused = document.activeElement === element;
    whole.replaceWith(fresh);
    fresh.dispatchEvent(new CustomEvent("steeple:swapped", { bubbles: true }));
    if (focused) document.getElementById(element.id)?.focus();
  }

  function askSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
  }

  function chosen() {
    const found = pick.value.match(/^\s*(-?[\d.]+)\s*[,; ]\s*(-?[\d.]+)\s*$/);
    return found && [found[1], found[2]];
  }

  function take({ lat, lon }) {
    const digits = Math.min(6, 2 + Math.floor(zoom / 3));
    pick.value = `${lat.toFixed(digits)}, ${lon.toFixed(digits)}`;
    pick.dispatchEvent(new Event("input", { bubbles: true }));
    clearTimeout(waiting);
    ask();
  }

  function zoomBy(step, about) {
    const goal = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, zoom + steps + step)) - zoom;
    if (goal === steps) return;
    const factor = 2 ** (goal - steps); // about the pointer: what is under it stays there
    steps = goal;
    shift = { x: about.x - (about.x - shift.x) * factor, y: about.y - (about.y - shift.y) * factor };
    show();
    askSoon();
  }

  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    held = { at: point(event), shift: { ...shift }, far: false, id: event.pointerId };
    clearTimeout(waiting);
  });
  element.addEventListener("pointermove", (event) => {
    if (!held || event.pointerId !== held.id) return;
    const now = point(event);
    const x = now.x - held.at.x;
    const y = now.y - held.at.y;
    if (!held.far && Math.hypot(x, y) < 5) return;
    if (!held.far) element.setPointerCapture(held.id);
    held.far = true;
    shift = { x: held.shift.x + x, y: held.shift.y + y };
    show();
  });
  element.addEventListener("pointerup", (event) => {
    if (!held || event.pointerId !== held.id) return;
    const { far } = held;
    held = null;
    if (far) ask();
    else if (pick) {
      const { x, y } = point(event);
      take(placeAt(x, y));
    }
    if (!far) return;
    const over = new AbortController(); // what was dragged by a link does not follow it
    element.addEventListener("click", (click) => click.preventDefault(), { capture: true, signal: over.signal });
    setTimeout(() => over.abort(), 50);
  });
  element.addEventListener("pointercancel", () => {
    held = null;
    ask();
  });
  element.addEventListener("dragstart", (event) => event.preventDefault());
  let turned = 0;
  element.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement !== element && !event.ctrlKey && pick) return; // pages with small maps are scrolled over them
      event.preventDefault();
      turned += event.deltaY * (event.deltaMode ? 30 : 1);
      if (Math.abs(turned) < 60) return;
      zoomBy(turned < 0 ? 1 : -1, point(event));
      turned = 0;
    },
    { passive: false },
  );
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const ways = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const centre = { x: box.width / 2, y: box.height / 2 };
    if (ways[event.key]) {
      const [x, y] = ways[event.key];
      shift = { x: shift.x + (x * box.width) / 8, y: shift.y + (y * box.height) / 8 };
      show();
      askSoon();
    } else if (event.key === "+" || event.key === "=") zoomBy(1, centre);
    else if (event.key === "-") zoomBy(-1, centre);
    else if (event.key === "Enter" && pick) take(middle());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  if (pick && !pick.dataset.mapped) {
    pick.dataset.mapped = "yes";
    // A place that was typed is shown once it is one.
    pick.addEventListener("change", () => {
      const whole = document.querySelector(`[data-map-pick="${pick.id}"]`);
      whole?.dispatchEvent(new CustomEvent("map:show"));
    });
  }
  element.addEventListener("map:show", () => {
    const at = chosen();
    if (at) replace(new URLSearchParams({ lat: at[0], lon: at[1], zoom: Math.max(zoom, 12), at_lat: at[0], at_lon: at[1] }));
  });
  for (const hint of document.querySelectorAll("[data-script]")) hint.hidden = false;
}
