// Trying a photo out: it can be dropped and pasted, and what the sliders stand for is told. See templates/try.html and
// templates/try_photo.html.
import { tell } from "./console.js";

export function begin(element) {
  if (element.matches("[data-try]")) takePhotos(element);
  else tellKnobs(element);
}

function takePhotos(form) {
  const place = form.querySelector("[data-drop]");
  const photo = form.querySelector('input[name="photo"]');
  const send = () => {
    form.querySelector("[data-status]").textContent = "Looking at the photo …";
    form.requestSubmit();
  };
  const take = (transfer) => {
    const file = [...(transfer?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file) return false;
    const one = new DataTransfer();
    one.items.add(file);
    photo.files = one.files;
    send();
    return true;
  };
  for (const input of form.querySelectorAll('input[type="file"]')) {
    const sendChosen = () => input.files.length && send();
    input.addEventListener("change", sendChosen);
    sendChosen(); // what was chosen before this script was there
  }
  for (const kind of ["dragenter", "dragover"]) {
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) place.addEventListener(kind, () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!take(event.dataTransfer)) tell("That is no photo");
  });
  document.addEventListener("paste", (event) => {
    if (take(event.clipboardData)) event.preventDefault();
  });
}

function tellKnobs(form) {
  for (const knob of form.querySelectorAll("input[data-names]")) {
    knob.addEventListener("input", () => {
      const names = knob.dataset.names.split(",");
      const text = names.length > 1 ? names[knob.value] : `${knob.value} ${names[0]}`;
      knob.setAttribute("aria-valuetext", text);
      const place = form.querySelector(`[data-told="${knob.name}"]`);
      if (place) place.textContent = text;
    });
  }
  document.addEventListener("steeple:swapped", (event) => {
    if (event.target.id === "answer") tell(event.target.querySelector("h2").textContent);
  });
}
