// Playback: one frame after the other at a steady pace, never a frame that is not there yet.

class Playback {
  constructor(player) {
    this.player = player;
    this.playing = false;
    /** How often a frame was not there when it was due. */
    this.late = 0;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    const { trial, wanted } = this.player;
    if (trial.count < 2) return;
    if (wanted === trial.count - 1) this.player.seek(0);
    this.setPlaying(true);
    this.restart();
    const step = (now) => {
      if (!this.playing) return;
      if (now >= this.due) this.advance(now);
      this.tick = requestAnimationFrame(step);
    };
    this.tick = requestAnimationFrame(step);
  }

  /** Count the time to the next frame from now on. */
  restart() {
    this.due = performance.now() + this.pace;
  }

  /** Milliseconds from one frame to the next. */
  get pace() {
    return 1000 / Number(this.player.part(".speed select").value);
  }

  /** Show the next frame if it is there; otherwise wait for it, and count that it was late. */
  advance(now) {
    const { player } = this;
    const next = player.wanted + 1;
    if (next >= player.trial.count) {
      this.pause();
      return;
    }
    if (player.shown !== player.wanted || !player.frames.get(next)) {
      if (!this.waiting) this.late += 1;
      this.waiting = true;
      return;
    }
    this.due = this.waiting ? now + this.pace : this.due + this.pace;
    this.waiting = false;
    player.seek(next);
  }

  pause() {
    cancelAnimationFrame(this.tick);
    if (!this.playing) return;
    this.setPlaying(false);
    this.player.addressSoon();
    this.player.sharpenSoon();
  }

  setPlaying(playing) {
    this.playing = playing;
    this.waiting = false;
    this.player.part(".play span").textContent = playing ? "Pause" : "Play";
    this.player.part(".play path").setAttribute("d", playing ? "M6 4h4v16H6zM14 4h4v16h-4z" : "M7 4v16l13-8z");
  }
}
