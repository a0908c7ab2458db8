// The lanes below the picture, over the time of the trial: events, one row per track, and the area of each track.

const EVENT_LANES = 2;
const LANE = 16;
const PLOT = 110;
const AXIS = 20;
const MOST_ROWS = 100;
const SMALL_FONT = "11px";

class Timeline {
  constructor(lanes, seek) {
    this.lanes = lanes;
    this.canvas = lanes.querySelector("canvas");
    this.cursor = lanes.querySelector(".cursor");
    this.context = this.canvas.getContext("2d");
    const seekTo = (event) => {
      const x = event.clientX - this.canvas.getBoundingClientRect().left;
      if (this.trial && x >= this.gutter - 8) seek(this.secondAt(x));
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.canvas.setPointerCapture(event.pointerId);
      seekTo(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1 && this.canvas.hasPointerCapture(event.pointerId)) seekTo(event);
    });
  }

  /** Draw everything but the cursor. */
  draw(trial, hidden, theme, width) {
    Object.assign(this, { trial, theme, width });
    this.gutter = Math.round(Math.min(130, width * 0.28));
    this.end = trial.lastSecond + 1;
    const rows = this.rowsOf(trial, hidden);
    const own = eventRows(trial);
    const ownTop = EVENT_LANES * LANE + (trial.seen.length ? LANE : 0) + 2;
    this.rowsTop = ownTop + own.length * LANE + 2;
    this.plotTop = this.rowsTop + rows.length * LANE + 18;
    const courseTop = this.plotTop + (rows.length ? PLOT : 0);
    const height = courseTop + courseHeight(trial) + AXIS;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.font = `${SMALL_FONT} ${theme.font}`;
    this.context.textBaseline = "middle";
    this.context.direction = "ltr";
    this.drawWindow(height);
    this.drawSeen();
    drawUserEvents(this, own, ownTop);
    rows.forEach((track, row) => this.drawRow(track, this.rowsTop + row * LANE));
    if (rows.length) this.drawAreas(rows);
    drawCourse(this, courseTop);
    this.drawAxis(height - AXIS, height);
    this.drawEvents();
    const names = trial.marks.map((mark) => `${mark.text} at ${mark.second} s`);
    this.canvas.setAttribute("aria-label",
      `Timeline: ${rows.length} tracks${names.length ? `; ${names.join("; ")}` : ""}. Click to go to a time.`);
    return rows.length;
  }

  /** Return the tracks that have a row: all whose label is shown, or the longest of very many. */
  rowsOf(trial, hidden) {
    const shown = trial.tracks.map((_, track) => track).filter((track) => !hidden.has(trial.tracks[track].label));
    if (shown.length <= MOST_ROWS) return shown;
    const longest = [...shown].sort((one, other) => trial.boxesOf[other].length - trial.boxesOf[one].length);
    return longest.slice(0, MOST_ROWS).sort((one, other) => one - other);
  }

  x(second) {
    return this.gutter + ((this.width - this.gutter) * second) / this.end;
  }

  secondAt(x) {
    return Math.max(0, Math.min(this.trial.lastSecond, ((x - this.gutter) / (this.width - this.gutter)) * this.end));
  }

  setCursor(index) {
    const { trial } = this;
    if (!trial) return;
    const from = this.x(trial.seconds[index]);
    this.cursor.style.width = `${Math.max(2, this.x(trial.endOf(index)) - from)}px`;
    this.cursor.style.transform = `translateX(${from}px)`;
  }

  text(text, x, y, width, colour = this.theme.text) {
    this.context.fillStyle = colour;
    this.context.fillText(fitText(this.context, text, width), x, y);
  }

  drawWindow(height) {
    const { context, trial, theme } = this;
    if (!trial.window) return;
    const [from, to] = [this.x(trial.window[0]), this.x(Math.min(this.end, trial.window[1] + 1))];
    context.fillStyle = theme.shade;
    context.fillRect(from, 0, to - from, height - AXIS);
    this.text("Observation window", from + 3, LANE / 2, to - from - 6, theme.faint);
  }

  drawSeen() {
    const { context, trial, theme } = this;
    if (!trial.seen.length) return;
    const y = EVENT_LANES * LANE;
    this.text("Model input", 0, y + LANE / 2, this.gutter - 8);
    context.fillStyle = theme.text;
    for (const index of trial.seen) {
      const from = this.x(trial.seconds[index]);
      context.fillRect(from, y + 3, Math.max(2, this.x(trial.endOf(index)) - from - 1), LANE - 6);
    }
  }

  drawRow(track, y) {
    const { context, trial, theme } = this;
    const { label, id, colour } = trial.tracks[track];
    const number = ` #${id}`;
    const room = this.gutter - 8 - context.measureText(number).width;
    this.text(fitText(context, label, room) + number, 0, y + LANE / 2, this.gutter - 4);
    context.lineWidth = 1;
    for (const { from, to } of trial.stretchesOf(track)) {
      const [left, right] = [this.x(from), Math.max(this.x(from) + 2, this.x(to))];
      context.fillStyle = colour;
      context.fillRect(left, y + 3, right - left, LANE - 6);
      context.strokeStyle = theme.faint;
      context.strokeRect(left + 0.5, y + 3.5, Math.max(1, right - left - 1), LANE - 7);
    }
  }

  drawAreas(rows) {
    const { context, trial, theme, plotTop } = this;
    const percent = (box) => trial.percentOf(trial.box(box).area, trial.boxes.position[box]);
    const known = trial.sizes.every(([width, height]) => width * height > 0);
    const value = known ? percent : (box) => trial.box(box).area;
    let most = 0;
    for (const track of rows) for (const box of trial.boxesOf[track]) most = Math.max(most, value(box));
    const bottom = plotTop + PLOT - 4;
    const y = (area) => bottom - ((PLOT - 14) * area) / (most || 1);
    this.text("Area of each track", 0, plotTop - 8, this.width);
    const [across, down] = trial.sizes[0];
    for (const part of [0, 0.5, 1]) {
      context.strokeStyle = theme.grid;
      context.beginPath();
      context.moveTo(this.gutter, Math.round(y(part * most)) + 0.5);
      context.lineTo(this.width, Math.round(y(part * most)) + 0.5);
      context.stroke();
      const pixels = known ? (part * most * across * down) / 100 : part * most;
      const alike = !known || trial.sizes.length === 1;
      const names = [...(known ? [`${round(part * most)} %`] : []), ...(alike ? [`${inWords(pixels)} px²`] : [])];
      this.text(names.join(" · "), 0, y(part * most), this.gutter - 6, theme.faint);
    }
    for (const track of rows) {
      // A line of the text's colour below makes light colours visible on a light page.
      for (const [colour, line] of [[theme.faint, 3], [trial.tracks[track].colour, 1.8]]) {
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.beginPath();
        let before = -2;
        for (const box of trial.boxesOf[track]) {
          const at = trial.boxes.position[box];
          const [left, right] = [this.x(trial.seconds[at]), this.x(trial.endOf(at))];
          const height = y(value(box));
          if (at - before > 1) context.moveTo(left, height);
          context.lineTo((left + right) / 2, height);
          context.lineTo(right, height);
          before = at;
        }
        context.stroke();
      }
    }
  }

  drawAxis(y, height) {
    const { context, theme } = this;
    const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
    const step = steps.find((one) => this.x(one) - this.x(0) >= 46) ?? 7200;
    context.strokeStyle = theme.faint;
    for (let second = 0; second <= this.end; second += step) {
      const x = this.x(second);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x, y + 4);
      context.stroke();
      const text = `${second} s`;
      const room = this.width - context.measureText(text).width;
      this.text(text, Math.min(x + 2, room), height - 7, 60, theme.faint);
    }
  }

  drawEvents() {
    const { context, trial, theme } = this;
    const free = new Array(EVENT_LANES).fill(trial.window ? this.gutter : 0);
    if (trial.window) free[0] = this.x(trial.window[0]) + 120;
    for (const mark of trial.marks) {
      const late = mark.second > this.end;
      const text = late ? `${mark.text} (${mark.second} s, after the last frame)` : `${mark.text} (${mark.second} s)`;
      const x = this.x(Math.min(mark.second, this.end));
      const width = context.measureText(text).width;
      const left = Math.max(this.gutter, Math.min(x + 4, this.width - width));
      const lane = Math.max(0, free.findIndex((used) => used <= left));
      free[lane] = left + width + 8;
      context.strokeStyle = theme.text;
      context.setLineDash([3, 3]);
      context.beginPath();
      context.moveTo(x, lane * LANE + 2);
      context.lineTo(x, this.canvas.clientHeight - AXIS);
      context.stroke();
      context.setLineDash([]);
      context.fillStyle = theme.background;
      context.fillRect(left - 1, lane * LANE + 1, width + 2, LANE - 2);
      this.text(text, left, lane * LANE + LANE / 2, this.width - this.gutter);
    }
  }
}

function round(value) {
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}

function inWords(pixels) {
  if (pixels >= 1e6) return `${(pixels / 1e6).toFixed(1)}M`;
  return pixels >= 1e4 ? `${Math.round(pixels / 1e3)}k` : `${Math.round(pixels)}`;
}

/** Mark the frames that the model saw below the slider. */
function drawBar(canvas, trial, theme) {
  const [width, ratio, thumb] = [canvas.clientWidth, window.devicePixelRatio || 1, 8];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(10 * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = theme.text;
  for (const index of trial.seen) {
    const part = trial.count > 1 ? index / (trial.count - 1) : 0;
    context.fillRect(thumb + part * (width - 2 * thumb) - 1, 0, 2, 8);
  }
}
