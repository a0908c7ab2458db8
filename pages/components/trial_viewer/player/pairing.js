// Two players with one time: the one that leads tells its second, and the one that follows goes there.

const PAIR_EVENT = "socal-player-second";
const ASK_EVENT = "socal-player-where";

/** Connect a player that leads or follows with the other one. */
function listenToPair(player, signal) {
  document.addEventListener(PAIR_EVENT, ({ detail }) => {
    const { trial } = player;
    if (detail.from === player || !trial || !(trial.leads || trial.follows)) return;
    const index = trial.indexAt(detail.second);
    if (index !== player.wanted) player.seek(index, true);
  }, { signal });
  document.addEventListener(ASK_EVENT, () => {
    if (player.trial?.leads) tellPair(player);
  }, { signal });
}

/** Ask the player that leads for its second. */
function askPair() {
  document.dispatchEvent(new CustomEvent(ASK_EVENT));
}

/** Tell the other player the second that was asked for. */
function tellPair(player) {
  const { trial, wanted } = player;
  if (!(trial.leads || trial.follows)) return;
  document.dispatchEvent(new CustomEvent(PAIR_EVENT, { detail: { from: player, second: trial.seconds[wanted] } }));
}
