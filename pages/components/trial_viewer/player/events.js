// Events and notes of the user: marked by keys and buttons, drawn as lanes, listed as links to their second.

const MOST_EVENT_ROWS = 8;
const MARK_KEYS = { m: "First muscle", b: "Bleeding stops", o: "Out of view" };

/** Return the lanes of the user's events: one for each kind, the last one for all others if there are many. */
function eventRows(trial) {
  const kinds = [...new Set(trial.events.map((event) => event.text))];
  if (kinds.length <= MOST_EVENT_ROWS) return kinds.map((kind) => [kind, trial.events.filter((event) => event.text === kind)]);
  const shown = kinds.slice(0, MOST_EVENT_ROWS - 1);
  const others = trial.events.filter((event) => !shown.includes(event.text));
  return [...shown.map((kind) => [kind, trial.events.filter((event) => event.text === kind)]), ["Other events", others]];
}

/** Draw the lanes of the user's events below `top`. */
function drawUserEvents(timeline, rows, top) {
  const { context, theme } = timeline;
  rows.forEach(([kind, events], row) => {
    const y = top + row * LANE;
    timeline.text(kind, 0, y + LANE / 2, timeline.gutter - 8);
    for (const { second, end, open } of events) {
      const left = timeline.x(Math.min(second, timeline.end));
      const right = Math.max(left + 3, timeline.x(Math.min(open ? timeline.end : end ?? second, timeline.end)));
      context.fillStyle = theme.text;
      if (open) context.strokeRect(left + 0.5, y + 3.5, right - left - 1, LANE - 7);
      context.fillRect(left, y + 3, open ? 3 : right - left, LANE - 6);
    }
  });
}

/** What the user marks, until the server has stored it. A mark that has not arrived is sent again with the next one. */
class Marking {
  constructor(player) {
    this.player = player;
    this.pending = [];
  }

  listen(signal) {
    const { player } = this;
    for (const button of player.root.querySelectorAll("[data-event]")) {
      button.addEventListener("click", () => this.mark(button.dataset.event), { signal });
    }
    player.part(".writing").addEventListener("submit", (event) => {
      event.preventDefault();
      const [text, tags] = [player.part(".what"), player.part(".tags")];
      if (!text.value.trim()) {
        text.focus();
        return;
      }
      this.mark(text.value, tags.value);
      text.value = tags.value = "";
    }, { signal });
  }

  /** Mark an event at the frame in view. */
  mark(text, tags = "") {
    const { player } = this;
    const { trial } = player;
    if (!trial.marking) return;
    const second = trial.seconds[player.wanted];
    this.pending.push({ id: newId(), trial: trial.trial, second, text, tags });
    player.send("mark", { marks: this.pending });
    player.part(".marked").textContent = `Marked at ${second} s: ${text}`;
  }

  /** Forget what has been stored, and list the events of the trial. */
  update(trial) {
    this.pending = this.pending.filter(({ id }) => !trial.received.includes(id));
    const { player } = this;
    player.part(".marks").hidden = !trial.marking;
    player.part(".events").replaceChildren(...trial.events.map((event) => this.itemOf(event)));
  }

  itemOf({ second, end, open, text, tags, note }) {
    const [item, button] = [document.createElement("li"), document.createElement("button")];
    button.type = "button";
    const until = open ? " to …" : end === null ? "" : ` to ${end}`;
    button.append(`${second}${until} s `, labelOf(text));
    button.addEventListener("click", () => this.player.seek(this.player.trial.indexAt(second)));
    item.append(button);
    for (const tag of tags) {
      const mark = labelOf(tag);
      mark.className = "tag";
      item.append(" ", mark);
    }
    if (note) item.append(" ", labelOf(note));
    return item;
  }
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
