// A trial as the server describes it (trial_data.py), with what the player looks up in it.

class Trial {
  constructor(data) {
    Object.assign(this, { events: [], received: [], marking: false, leads: false, follows: false, ...data });
    this.count = data.names.length;
    const { position, track } = data.boxes;
    /** The index of the first box of each frame, and the number of all boxes at the end. */
    this.starts = new Uint32Array(this.count + 1);
    for (const at of position) this.starts[at + 1] += 1;
    for (let at = 0; at < this.count; at += 1) this.starts[at + 1] += this.starts[at];
    /** The indices of the boxes of each track, in the order of time. */
    this.boxesOf = data.tracks.map(() => []);
    for (let box = 0; box < track.length; box += 1) this.boxesOf[track[box]].push(box);
    this.labels = [...new Set(data.tracks.map((one) => one.label))];
    this.lastSecond = data.seconds[this.count - 1];
  }

  /** Return the size [width, height] of a frame, [0, 0] if it is unknown. */
  sizeAt(index) {
    return this.sizes[this.size_of.length ? this.size_of[index] : 0];
  }

  /** Return the boxes of a frame, in the order of the tracks. */
  boxesAt(index) {
    const boxes = [];
    for (let box = this.starts[index]; box < this.starts[index + 1]; box += 1) boxes.push(this.box(box));
    return boxes.sort((one, other) => one.track - other.track);
  }

  box(index) {
    const { x1, y1, x2, y2, track } = this.boxes;
    const own = this.tracks[track[index]];
    const [left, top, right, bottom] = [x1[index], y1[index], x2[index], y2[index]];
    const name = `${own.label} #${own.id}`;
    return { ...own, name, x1: left, y1: top, x2: right, y2: bottom, area: (right - left) * (bottom - top), track: track[index] };
  }

  /** Return the area of a box as a part of its frame, in %; null if the size of the frame is unknown. */
  percentOf(area, index) {
    const [width, height] = this.sizeAt(index);
    return width * height ? (100 * area) / (width * height) : null;
  }

  /** Return the second at which a track appears first. */
  firstSecondOf(track) {
    return this.seconds[this.boxes.position[this.boxesOf[track][0]]];
  }

  /** Return the last frame that is not after a second. */
  indexAt(second) {
    let [low, high] = [0, this.count - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.seconds[middle] <= second) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Return the stretches of time {from, to} in s, to excluded, in which a track has boxes. */
  stretchesOf(track) {
    const stretches = [];
    for (const box of this.boxesOf[track]) {
      const at = this.boxes.position[box];
      const last = stretches[stretches.length - 1];
      if (last && at - last.at <= 1) Object.assign(last, { at, to: this.endOf(at) });
      else stretches.push({ at, from: this.seconds[at], to: this.endOf(at) });
    }
    return stretches;
  }

  /** A frame lasts until the next one, but not longer than a second. */
  endOf(index) {
    const next = index + 1 < this.count ? this.seconds[index + 1] : this.seconds[index] + 1;
    return Math.min(next, this.seconds[index] + 1);
  }
}
