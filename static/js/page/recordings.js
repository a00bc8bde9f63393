/** Your recordings: a player for each, with a mark at each step, check and answer. */

const FONT = '"JetBrains Mono Variable", monospace';

/** @type {NodeListOf<HTMLElement>} */
const places = document.querySelectorAll("[data-cast]");
// The player measures a letter once, so the font must be there.
document.fonts.load(`16px ${FONT}`).then(() => {
  for (const place of places) play(place);
});

/** @param {HTMLElement} place */
function play(place) {
  const { AsciinemaPlayer } = /** @type {any} */ (window);
  AsciinemaPlayer.create(place.dataset.cast, place, {
    fit: "width",
    idleTimeLimit: 2,
    preload: false,
    terminalFontFamily: FONT,
  });
}
