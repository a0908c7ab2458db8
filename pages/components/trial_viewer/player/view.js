// The picture with its boxes: a canvas that can be zoomed and moved.

const MOST_ZOOM = 32;
const NAME_HEIGHT = 18;
const LONGEST_NAME = 220;
const NAME_FONT = "600 12px";

class View {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.changed = changed;
    this.zoom = 1;
    this.left = 0;
    this.top = 0;
    this.size = [16, 9];
    this.names = new Map();
    this.font = "sans-serif";
    this.listen();
  }

  /** Fit the canvas to the width of its place. */
  layout(width, aspect, mostHeight) {
    const height = Math.max(120, Math.min(width / aspect, mostHeight));
    this.ratio = window.devicePixelRatio || 1;
    this.canvas.style.height = `${height}px`;
    this.width = width;
    this.height = height;
    const [across, down] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width !== across || this.canvas.height !== down) {
      this.canvas.width = across;
      this.canvas.height = down;
    }
    this.clamp();
  }

  /** Pixels of the screen (CSS) per pixel of the frame. */
  get scale() {
    return Math.min(this.width / this.size[0], this.height / this.size[1]) * this.zoom;
  }

  /** Return where a point of the frame is on the canvas. */
  place(x, y) {
    const scale = this.scale;
    return [this.left + x * scale, this.top + y * scale];
  }

  /** Whether the canvas shows more pixels of the frame than a picture of some width has. */
  needsMore(width) {
    return this.size[0] > width && this.scale * this.size[0] * this.ratio > width * 1.2;
  }

  setSize(size) {
    if (size[0] === this.size[0] && size[1] === this.size[1]) return;
    this.size = size;
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.clamp();
  }

  /** Zoom by a factor about a point of the canvas, its middle unless given. */
  zoomBy(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.scale;
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    const grown = this.scale / before;
    this.left = x - (x - this.left) * grown;
    this.top = y - (y - this.top) * grown;
    this.clamp();
    this.changed();
  }

  moveBy(x, y) {
    this.left += x;
    this.top += y;
    this.clamp();
    this.changed();
  }

  /** Keep the frame in the canvas: centred where it is smaller, without a gap where it is larger. */
  clamp() {
    const [across, down] = [this.size[0] * this.scale, this.size[1] * this.scale];
    this.left = across <= this.width ? (this.width - across) / 2 : Math.min(0, Math.max(this.width - across, this.left));
    this.top = down <= this.height ? (this.height - down) / 2 : Math.min(0, Math.max(this.height - down, this.top));
    this.canvas.classList.toggle("zoomed", this.zoom > 1);
  }

  listen() {
    const held = new Map();
    const at = (event) => {
      const area = this.canvas.getBoundingClientRect();
      return [event.clientX - area.left, event.clientY - area.top];
    };
    this.canvas.addEventListener("wheel", (event) => {
      if (event.deltaY > 0 && this.zoom === 1) return; // the page scrolls
      event.preventDefault();
      this.zoomBy(2 ** (-event.deltaY / 240), ...at(event));
    }, { passive: false });
    this.canvas.addEventListener("dblclick", () => {
      this.reset();
      this.changed();
    });
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      held.set(event.pointerId, at(event));
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const from = held.get(event.pointerId);
      if (!from) return;
      const to = at(event);
      held.set(event.pointerId, to);
      if (held.size === 1) {
        this.moveBy(to[0] - from[0], to[1] - from[1]);
        return;
      }
      // Two fingers: the distance between them is the zoom.
      const other = [...held].find(([id]) => id !== event.pointerId)[1];
      const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      this.zoomBy(apart(to) / Math.max(1, apart(from)), (to[0] + other[0]) / 2, (to[1] + other[1]) / 2);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, (event) => held.delete(event.pointerId));
    }
  }

  /** Draw a picture, null for none, and boxes {x1, y1, x2, y2, colour, name} on it. */
  draw(bitmap, boxes) {
    const { context, width, height } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.fillStyle = "#15191e";
    context.fillRect(0, 0, width, height);
    const scale = this.scale;
    if (bitmap) {
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, this.left, this.top, this.size[0] * scale, this.size[1] * scale);
    }
    for (const box of boxes) {
      const [x, y] = this.place(box.x1, box.y1);
      const [across, down] = [(box.x2 - box.x1) * scale, (box.y2 - box.y1) * scale];
      // A dark outline keeps the bright box visible on any tissue.
      for (const [colour, line] of [["#000000", 4], [box.colour, 2]]) {
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.strokeRect(x, y, across, down);
      }
    }
    context.font = `${NAME_FONT} ${this.font}`;
    context.textBaseline = "middle";
    context.direction = "ltr";
    const taken = [];
    for (const box of boxes) this.drawName(box, taken);
  }

  /** Write the name of a box above, below or inside it, where no other name is. */
  drawName(box, taken) {
    const { context } = this;
    const text = this.shortened(box.name);
    const across = context.measureText(text).width + 8;
    const [left, top] = this.place(box.x1, box.y1);
    const [, bottom] = this.place(box.x2, box.y2);
    const x = Math.min(Math.max(0, left - 1), Math.max(0, this.width - across));
    const places = [top - NAME_HEIGHT - 1, bottom + 1, top + 1, bottom - NAME_HEIGHT - 1]
      .filter((y) => y >= 0 && y <= this.height - NAME_HEIGHT);
    const free = (y) => !taken.some((other) =>
      x < other[0] + other[2] && other[0] < x + across && y < other[1] + NAME_HEIGHT && other[1] < y + NAME_HEIGHT);
    const y = places.find(free) ?? places[0] ?? 0;
    taken.push([x, y, across]);
    context.fillStyle = box.colour;
    context.fillRect(x, y, across, NAME_HEIGHT);
    context.fillStyle = inkOn(box.colour);
    context.fillText(text, x + 4, y + NAME_HEIGHT / 2 + 1);
  }

  shortened(name) {
    if (!this.names.has(name)) this.names.set(name, fitText(this.context, name, LONGEST_NAME));
    return this.names.get(name);
  }
}

/** Return a text, cut off with … where it is wider than some pixels. */
function fitText(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const letters = [...text];
  let [low, high] = [0, letters.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (context.measureText(`${letters.slice(0, middle).join("")}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${letters.slice(0, low).join("")}…`;
}

/** Return black or white, whichever is more legible on a colour (ITU-R BT.601 luma). */
function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128 ? "#000000" : "#ffffff";
}

/** Return the colours and the font of the page around an element. */
function themeOf(element) {
  const style = getComputedStyle(element);
  const text = style.color;
  const mixed = (share) => `color-mix(in srgb, ${text} ${share}%, transparent)`;
  return {
    text,
    faint: mixed(70),
    grid: mixed(18),
    shade: mixed(8),
    background: style.backgroundColor,
    font: style.fontFamily,
  };
}
