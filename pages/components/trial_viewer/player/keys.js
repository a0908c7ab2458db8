// The keys of the player, wherever the focus is, as long as nothing else on the page uses them there.

const INTERACTIVE = "input, textarea, select, [contenteditable], [role=combobox], [role=listbox], [role=radiogroup], "
  + "[role=slider], [role=tablist], [role=grid], [role=dialog]";

function pressKey(player, event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !player.trial || player.trial.follows) return;
  const target = event.composedPath()[0];
  const name = target.localName;
  const within = event.composedPath().includes(player.root);
  const typing = name === "input" && target.type === "text";
  const busy = within ? name === "select" || typing : target.closest?.(INTERACTIVE);
  const pressable = ["button", "a", "summary"].includes(name) || (name === "input" && target.type === "checkbox");
  if (busy || (event.key === " " && pressable)) return;
  if (within && name === "input" && "np".includes(event.key)) passOn(event);
  const action = actionOf(player, event.key, event.shiftKey);
  if (!action) return;
  event.preventDefault();
  action();
}

/** Streamlit's own keys, for the next and the previous trial, do not count in inputs, where people type. Ours take no text. */
function passOn({ key, code }) {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true }));
  document.body.dispatchEvent(new KeyboardEvent("keyup", { key, code, bubbles: true }));
}

function markActions(player) {
  if (!player.trial.marking) return {};
  return Object.fromEntries(Object.entries(MARK_KEYS).map(([key, text]) => [key, () => player.marking.mark(text)]));
}

function actionOf(player, key, shift) {
  const many = shift ? 10 : 1;
  return {
    " ": () => player.playback.toggle(),
    ArrowRight: () => player.step(many),
    ArrowLeft: () => player.step(-many),
    Home: () => player.step(-player.trial.count),
    End: () => player.step(player.trial.count),
    "+": () => player.view.zoomBy(1.5),
    "-": () => player.view.zoomBy(1 / 1.5),
    0: () => player.resetView(),
    ...(shift ? {} : markActions(player)),
  }[key];
}
