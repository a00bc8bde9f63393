/** A terminal on the whole screen, with the keys that a browser otherwise keeps. */

/**
 * @param {HTMLElement} element
 * @returns {Promise<string>} what the learner is to know about it
 */
export async function fillScreen(element) {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return "";
  }
  await element.requestFullscreen({ navigationUI: "hide" });
  // Chromium's, and only on https or this computer itself.
  const keyboard = /** @type {{lock?: () => Promise<void>} | undefined} */ (
    Reflect.get(navigator, "keyboard")
  );
  const isLocked = await (keyboard?.lock?.() ?? Promise.reject()).then(
    () => true,
    () => false,
  );
  return isLocked
    ? "Ctrl W, Ctrl T and Ctrl N reach your shell now. Hold Esc to leave the full screen."
    : "Esc leaves the full screen; to a program, Ctrl [ is the same key.";
}
