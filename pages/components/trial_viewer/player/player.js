// The player: what is shown and what was asked for, the controls, and the address of the page.

const TALLEST = 0.62;
const ADDRESS_DELAY_MS = 250;
const SHARPEN_DELAY_MS = 150;

class Player {
  constructor(parent) {
    this.root = parent.querySelector(".player");
    this.hidden = new Set();
    this.frames = new FrameStore((index, full) => this.arrived(index, full));
    this.view = new View(this.part(".picture"), () => this.viewChanged());
    this.timeline = new Timeline(this.part(".lanes"), (second) => this.seek(this.trial.indexAt(second)));
    this.playback = new Playback(this);
    this.marking = new Marking(this);
    this.ending = new AbortController();
    this.listen();
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  /** Show a trial, or what has changed of the one in view. */
  update(data) {
    if (data.address !== this.trial?.address) this.open(new Trial(data));
    else if (JSON.stringify(data) !== this.received) {
      this.trial = new Trial(data);
      this.marking.update(this.trial);
      this.root.classList.toggle("follower", this.trial.follows);
      this.redraw();
    }
    this.received = JSON.stringify(data);
  }

  open(trial) {
    this.playback.pause();
    this.trial = trial;
    this.shown = -1;
    this.wanted = -1;
    this.playback.late = 0;
    this.direction = 1;
    this.hidden.clear();
    this.view.names.clear();
    this.part(".slider").max = String(trial.count - 1);
    const start = this.startOf(trial);
    const note = this.part(".note");
    note.hidden = start !== trial.start || start === 0;
    note.textContent = `Frames before frame ${start + 1} have no boxes, so the player opens there.`;
    const size = this.knownSize(start);
    this.aspect = size[0] / size[1];
    this.view.setSize(size);
    this.view.reset();
    this.fillLabels();
    this.root.classList.toggle("follower", trial.follows);
    this.marking.update(trial);
    this.part(".marked").textContent = "";
    this.layout();
    // Without the size of a frame, only the picture at its own size tells where its boxes are.
    const sized = trial.sizes.every(([across, down]) => across * down > 0);
    const small = this.view.width * this.view.ratio <= 600;
    this.frames.open(trial.address, trial.count, sized ? (small ? 480 : 960) : null);
    this.seek(start, trial.follows);
    if (trial.follows) askPair();
  }

  /** Return the frame to open: the one in the address of the page, else the first one with boxes. */
  startOf(trial) {
    const asked = new URL(window.location.href).searchParams;
    const second = Number.parseFloat(asked.get("t"));
    return asked.get("trial") === trial.trial && second >= 0 ? trial.indexAt(second) : trial.start;
  }

  knownSize(index) {
    const size = this.trial.sizeAt(index);
    return size[0] * size[1] ? size : [16, 9];
  }

  // What is shown

  /** Ask for a frame. It is shown when it is there; until then the one before stays, with its own boxes. */
  seek(index, told = false) {
    const wanted = Math.max(0, Math.min(this.trial.count - 1, index));
    if (wanted !== this.wanted) this.direction = wanted < this.wanted ? -1 : 1;
    this.wanted = wanted;
    this.part(".slider").value = String(wanted);
    this.frames.want(wanted, this.direction, false);
    if (this.frames.get(wanted)) this.show(wanted);
    else this.part(".loading").hidden = false;
    this.sharpenSoon();
    if (!this.playback.playing) this.addressSoon();
    if (!told) tellPair(this);
  }

  arrived(index, full) {
    if (index !== this.wanted) return;
    if (!full) this.show(index);
    else if (index === this.shown) this.draw();
  }

  show(index) {
    this.shown = index;
    const { trial } = this;
    const entry = this.frames.get(index);
    this.part(".loading").hidden = true;
    const problem = this.part(".problem");
    problem.hidden = !entry.problem;
    problem.textContent = entry.problem ? `This frame cannot be shown. ${entry.problem}` : "";
    const size = trial.sizeAt(index);
    if (size[0] * size[1]) this.view.setSize(size);
    else if (entry.bitmap) this.view.setSize([entry.bitmap.width, entry.bitmap.height]);
    this.draw();
    fillTable(this.part("tbody"), trial, index);
    this.timeline.setCursor(index);
    const place = `Frame ${index + 1} of ${trial.count} · second ${trial.seconds[index]}`;
    this.part(".caption").textContent = `${place} · ${trial.names[index]}`;
    this.part(".slider").setAttribute("aria-valuetext", place);
    // What tests and benchmarks read.
    this.root.dataset.trial = trial.trial;
    this.root.dataset.frame = String(index + 1);
    this.root.dataset.late = String(this.playback.late);
  }

  draw() {
    if (this.shown < 0) return;
    const entry = this.frames.get(this.shown) ?? {};
    const full = this.frames.get(this.shown, true);
    const boxes = this.trial.boxesAt(this.shown).filter((box) => !this.hidden.has(box.label));
    this.view.draw((full?.bitmap ? full : entry).bitmap ?? null, entry.problem ? [] : boxes);
    this.root.dataset.full = String(Boolean(full?.bitmap));
    const names = boxes.map((box) => box.name).join(", ");
    this.part(".picture").setAttribute("aria-label",
      `Frame ${this.shown + 1}, ${boxes.length ? `boxes: ${names}` : "no boxes"}`);
  }

  viewChanged() {
    this.draw();
    this.root.dataset.zoom = String(this.view.zoom);
    this.sharpenSoon();
  }

  /** Fetch the frame at its own size when the view rests and shows more pixels than the small picture has. */
  sharpenSoon() {
    clearTimeout(this.sharpening);
    if (this.playback.playing) return;
    this.sharpening = setTimeout(() => {
      const { width } = this.frames;
      if (width && this.view.needsMore(width)) this.frames.want(this.wanted, this.direction, true);
    }, SHARPEN_DELAY_MS);
  }

  layout() {
    const width = this.part(".screen").clientWidth;
    if (!this.trial || !width) return;
    this.view.layout(width, this.aspect, window.innerHeight * TALLEST);
    this.redraw();
  }

  /** Draw the picture, the time bar and the timeline again. */
  redraw() {
    const theme = themeOf(this.root);
    this.theme = theme.text;
    this.view.font = theme.font;
    const rows = this.timeline.draw(this.trial, this.hidden, theme, this.part(".lanes").clientWidth);
    const all = this.trial.tracks.filter((track) => !this.hidden.has(track.label)).length;
    const hints = [];
    if (rows < all) hints.push(`The timeline shows the ${rows} longest of ${all} tracks.`);
    if (this.trial.seen.length) hints.push("Model input: the frames that the model sees in a test clip.");
    this.part(".hint").textContent = hints.join(" ");
    drawBar(this.part(".bar"), this.trial, theme);
    if (this.shown >= 0) this.timeline.setCursor(this.shown);
    this.draw();
  }

  fillLabels() {
    const place = this.part(".labels");
    place.querySelectorAll("label").forEach((label) => label.remove());
    place.hidden = !this.trial.labels.length;
    for (const label of this.trial.labels) {
      const choice = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => {
        if (box.checked) this.hidden.delete(label);
        else this.hidden.add(label);
        this.redraw();
      });
      choice.append(box, labelOf(label)); // without a colour, since each of its tracks has its own
      place.append(choice);
    }
  }

  // Address and controls

  step(frames) {
    this.playback.pause();
    this.seek(this.wanted + frames);
  }

  /** Put the second in view into the address of the page, without a request to the server. */
  addressSoon() {
    clearTimeout(this.addressing);
    this.addressing = setTimeout(() => {
      const address = new URL(window.location.href);
      if (address.searchParams.get("trial") !== this.trial.trial) return;
      address.searchParams.set("t", String(this.trial.seconds[this.wanted]));
      window.history.replaceState(window.history.state, "", address);
    }, ADDRESS_DELAY_MS);
  }

  listen() {
    const { signal } = this.ending;
    const click = (selector, action) => this.part(selector).addEventListener("click", action, { signal });
    click(".play", () => this.playback.toggle());
    click(".back", () => this.step(-1));
    click(".forward", () => this.step(1));
    click(".nearer", () => this.view.zoomBy(1.5));
    click(".farther", () => this.view.zoomBy(1 / 1.5));
    click(".reset", () => this.resetView());
    click(".whole", () => this.toggleFullScreen());
    this.part(".whole").hidden = !document.fullscreenEnabled;
    this.part(".slider").addEventListener("input", (event) => {
      this.playback.pause();
      this.seek(Number(event.target.value));
    }, { signal });
    this.part(".speed select").addEventListener("change", () => {
      this.playback.restart();
    }, { signal });
    document.addEventListener("keydown", (event) => pressKey(this, event), { signal });
    document.addEventListener("fullscreenchange", () => {
      this.part(".whole").setAttribute("aria-pressed", String(this.root.matches(":fullscreen")));
    }, { signal });
    this.marking.listen(signal);
    listenToPair(this, signal);
    this.resizing = new ResizeObserver(() => this.layout());
    this.resizing.observe(this.part(".screen"));
    // Streamlit changes the colours without a new run, and so may the system.
    this.theming = setInterval(() => {
      if (this.trial && getComputedStyle(this.root).color !== this.theme) this.redraw();
    }, 1000);
  }

  resetView() {
    this.view.reset();
    this.viewChanged();
  }

  toggleFullScreen() {
    if (this.root.matches(":fullscreen")) document.exitFullscreen();
    else this.root.requestFullscreen();
  }

  destroy() {
    this.playback.pause();
    clearTimeout(this.sharpening);
    clearTimeout(this.addressing);
    clearInterval(this.theming);
    this.ending.abort();
    this.resizing.disconnect();
    this.frames.close();
  }
}

const players = new WeakMap();

/** Streamlit calls this whenever it has data, and what it returns when the component goes. */
export default function showTrial({ parentElement, data, setTriggerValue }) {
  if (!players.has(parentElement)) players.set(parentElement, new Player(parentElement));
  const player = players.get(parentElement);
  player.send = setTriggerValue;
  player.update(data);
  return () => {
    player.destroy();
    players.delete(parentElement);
  };
}
