"use strict";
// Sorts the table of systems by a column. Without this the table stands as it was written.
for (const table of document.querySelectorAll("table.systems")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    return cell.classList.contains("number") ? Number.parseFloat(text) : text.toLowerCase();
  };
  const sort = (column, falling) => {
    const rows = [...body.rows];
    const missing = (each) => typeof each === "number" && Number.isNaN(each);
    rows.sort((one, other) => {
      const a = value(one, column), b = value(other, column);
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      const order = typeof a === "number" ? a - b : a.localeCompare(b);
      return falling ? -order : order;
    });
    body.append(...rows);
    for (const [number, head] of heads.entries()) {
      if (number === column) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  };
  for (const [column, head] of heads.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent.trim();
    head.replaceChildren(button);
    // What is best first: high figures, but few bytes, little time and small errors.
    const title = button.textContent;
    const rising = !head.classList.contains("number") || ["a photo", "a query", "ms a query", "ECE"].includes(title);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      sort(column, before === null ? !rising : before === "ascending");
    });
  }
}
// A link to a system opens what is said of it; all is open on paper.
const open = () => {
  const there = location.hash.startsWith("#system-") && document.getElementById(location.hash.slice(1));
  if (there) there.open = true;
};
addEventListener("hashchange", open);
addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });
open();
