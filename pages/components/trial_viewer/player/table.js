// The table of the boxes of the current frame. All text is set as text, never as markup.

const ORIGINS = { file: "data folder", tracker: "tracker of the app" };

/** Fill the table with the boxes of a frame. */
function fillTable(body, trial, index) {
  const rows = trial.boxesAt(index).map((box) => {
    const percent = trial.percentOf(box.area, index);
    return rowOf(box, [
      String(box.id),
      null,
      box.area.toLocaleString("en-US"),
      percent === null ? "–" : percent.toFixed(2),
      `${box.x1}, ${box.y1}, ${box.x2}, ${box.y2}`,
      String(trial.seconds[index] - trial.firstSecondOf(box.track)),
      ORIGINS[trial.source] ?? trial.source,
    ]);
  });
  body.replaceChildren(...(rows.length ? rows : [emptyRow()]));
}

function rowOf(box, texts) {
  const row = document.createElement("tr");
  for (const text of texts) {
    const cell = row.insertCell();
    if (text === null) cell.append(...nameOf(box));
    else cell.textContent = text;
  }
  return row;
}

/** Return the swatch and the label of a track. */
function nameOf({ label, colour }) {
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = colour;
  return [swatch, " ", labelOf(label)];
}

/** Return a label as text, in its own direction. */
function labelOf(label) {
  const name = document.createElement("bdi");
  name.textContent = label;
  name.title = label;
  return name;
}

function emptyRow() {
  const row = document.createElement("tr");
  const cell = row.insertCell();
  cell.colSpan = 7;
  cell.style.textAlign = "left";
  cell.textContent = "This frame has no boxes.";
  return row;
}
