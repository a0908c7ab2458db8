// The pictures of a trial: fetched ahead of the player, decoded, and kept as long as they are likely to be shown.

const AHEAD = 16;
const BEHIND = 4;
const KEPT = 48;
const AT_ONCE = 3;

class FrameStore {
  /** @param {(index: number, full: boolean) => void} arrived Called when a frame can be shown, or why it cannot. */
  constructor(arrived) {
    this.arrived = arrived;
    this.entries = new Map();
    this.loading = new Map();
    this.queue = [];
    this.address = "";
  }

  /** Forget everything and serve the frames of another trial. */
  open(address, count, width) {
    for (const controller of this.loading.values()) controller.abort();
    for (const entry of this.entries.values()) entry.bitmap?.close();
    this.entries.clear();
    this.loading.clear();
    this.queue = [];
    Object.assign(this, { address, count, width });
  }

  close() {
    this.open("", 0, null);
  }

  /** Return {bitmap} or {problem} of a frame, undefined while it is not there. */
  get(index, full = false) {
    const key = keyOf(index, full);
    const entry = this.entries.get(key);
    if (entry) {
      // Move it to the end: the entries at the front are forgotten first.
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  /** Fetch a frame first, then those that follow in the direction of play, then a few behind it. */
  want(index, direction, full) {
    const wanted = [[index, false]];
    if (full) wanted.push([index, true]);
    for (let step = 1; step <= AHEAD; step += 1) wanted.push([index + step * direction, false]);
    for (let step = 1; step <= BEHIND; step += 1) wanted.push([index - step * direction, false]);
    this.queue = wanted.filter(([at]) => at >= 0 && at < this.count);
    const keys = new Set(this.queue.map(([at, whole]) => keyOf(at, whole)));
    for (const [key, controller] of this.loading) {
      if (!keys.has(key)) controller.abort();
    }
    this.fill();
  }

  fill() {
    // Nothing competes with the frame that the user waits for.
    const first = this.queue.length && !this.entries.has(keyOf(...this.queue[0]));
    for (const [index, full] of first ? this.queue.slice(0, 1) : this.queue) {
      if (this.loading.size >= AT_ONCE && !first) return;
      const key = keyOf(index, full);
      if (!this.entries.has(key) && !this.loading.has(key)) this.load(index, full, key);
    }
  }

  async load(index, full, key) {
    const controller = new AbortController();
    const address = this.address;
    this.loading.set(key, controller);
    const entry = await this.read(index, full, controller.signal);
    if (this.loading.get(key) === controller) this.loading.delete(key);
    if (address !== this.address || entry === null) {
      entry?.bitmap?.close();
    } else {
      this.entries.set(key, entry);
      this.forget(key);
      this.arrived(index, full);
    }
    if (address === this.address) this.fill();
  }

  /** Return the entry of a frame, null if it is no longer wanted. */
  async read(index, full, signal) {
    const query = full || !this.width ? "" : `?width=${this.width}`;
    try {
      const answer = await fetch(`${this.address}/${index}${query}`, { signal });
      if (answer.status === 404) return { problem: "The server has closed this trial. Reload the page to open it again." };
      if (!answer.ok) return { problem: `The server answers with status ${answer.status}. Reload the page.` };
      if (answer.headers.get("Content-Type")?.startsWith("application/json")) return await answer.json();
      return { bitmap: await createImageBitmap(await answer.blob()) };
    } catch (error) {
      if (signal.aborted) return null;
      return { problem: "The server cannot be reached. Check that it runs, then reload the page." };
    }
  }

  forget(newest) {
    // Full frames take many times the memory, so only one is kept.
    for (const key of [...this.entries.keys()]) {
      const surplus = newest.endsWith("f") && key.endsWith("f") && key !== newest;
      if (!surplus && this.entries.size <= KEPT) continue;
      if (surplus || key !== newest) {
        this.entries.get(key).bitmap?.close();
        this.entries.delete(key);
      }
    }
  }
}

function keyOf(index, full) {
  return full ? `${index}f` : `${index}`;
}
