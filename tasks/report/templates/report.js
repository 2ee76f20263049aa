"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const rowsOf = (name) => {
  const { columns, rows } = read(`${name}-data`);
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])));
};
// dates are days: as local midnights they are drawn and shown without a shift
const isDay = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value);
const asDate = (value) => {
  const [year, month, day] = value.split("-").map(Number);
  return new Date(year, month - 1, day).getTime();
};
// colours are the style sheet's: charts follow the reader's theme, and print is light
const config = () => {
  const text = "var(--text)", line = "var(--line)";
  const isNarrow = window.innerWidth < 600;
  const label = { labelColor: text, titleColor: text, labelFontSize: 12, titleFontSize: 12 };
  return {
    background: "transparent", font: "system-ui, sans-serif", view: { stroke: line },
    axis: { ...label, gridColor: line, domainColor: line, tickColor: line },
    legend: { ...label, orient: "top", labelLimit: 300, gradientLength: isNarrow ? 190 : 260, columns: isNarrow ? 2 : 8, ...(isNarrow && { layout: { top: { direction: "vertical", anchor: "start" } } }) },
    text: { fill: text }, title: { color: "var(--mark)", fontSize: 12, fontWeight: "normal" },
  };
};
const setWidth = (spec, width) => {
  if (typeof spec.width === "number") spec.width = width;
  for (const part of [...(spec.vconcat || []), ...(spec.hconcat || [])]) setWidth(part, width);
  return spec;
};
const labelControls = (element, name) => {
  element.querySelectorAll("select, input").forEach((control) => {
    if (!control.closest("label")) control.setAttribute("aria-label", `${name} choice`);
  });
  // marks without a description, such as the brush, are decoration to a screen reader
  element.querySelectorAll("[role=graphics-symbol]:not([aria-label])").forEach((mark) => {
    mark.removeAttribute("role");
    mark.removeAttribute("aria-roledescription");
    mark.setAttribute("aria-hidden", "true");
  });
};
// drawings by name: a page that is turned or resized is drawn again, with what the reader chose
const drawings = new Map();
async function draw(element) {
  const name = element.dataset.chart;
  const title = document.getElementById(`${name}-title`).textContent;
  const data = rowsOf(name).map((row) => {
    const copy = { ...row };
    for (const key in copy) if (isDay(copy[key])) copy[key] = asDate(copy[key]);
    return copy;
  });
  const spec = read(`${name}-spec`);
  // axes take room beside the panels of a concatenation; a single view is fitted as a whole
  const isSingle = !spec.vconcat;
  setWidth(spec, Math.max(200, element.clientWidth - (isSingle ? 4 : 100)));
  spec.description = title;
  spec.datasets = { ...(spec.datasets || {}), rows: data };
  spec.autosize = isSingle ? { type: "fit-x", contains: "padding" } : { type: "pad" };
  const options = { actions: false, renderer: "svg", config: config() };
  const before = drawings.get(name);
  for (const param of spec.params || []) if (before && param.bind) param.value = before.view.signal(param.name);
  before?.finalize();
  drawings.set(name, await vegaEmbed(element, spec, options));
  labelControls(element, title);
}
function drawAll() {
  return Promise.all([...document.querySelectorAll("[data-chart]")].map(draw))
    .then(() => { document.body.dataset.drawn = "yes"; });
}
function fill(details) {
  const target = details.querySelector("div");
  if (target.firstChild) return;
  const { columns, rows } = read(`${details.dataset.rows}-data`);
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = column.replaceAll("_", " ");
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const value of row) {
      const cell = line.insertCell();
      cell.textContent = value === null ? "–" : String(value);
      if (typeof value === "number") cell.className = "number";
    }
  }
  target.append(table);
}
document.querySelectorAll("[data-rows]").forEach((details) =>
  details.addEventListener("toggle", () => details.open && fill(details)));
let drawnWidth = window.innerWidth;
window.addEventListener("resize", () => {
  if (Math.abs(window.innerWidth - drawnWidth) < 40) return;
  drawnWidth = window.innerWidth;
  drawAll();
});
drawAll();
