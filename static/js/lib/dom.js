/** Small things about the page that more than one element needs. */

/**
 * Whether a key press belongs to what the learner is writing, so that single-letter keys stay out.
 * @param {EventTarget | null} target
 */
export function isWriting(target) {
  return (
    target instanceof Element &&
    target.closest("input, textarea, select, [contenteditable], slip-terminal") !== null
  );
}

/**
 * A token's colour as the browser sees it now: light-dark() in a custom property is only resolved in use.
 * @param {string} token such as `--term-red`
 * @param {Element} [place] whose theme counts; else the page's
 */
export function colour(token, place = document.body) {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * Text with `code` in backquotes as nodes; nothing in it can become markup.
 * @param {string} text
 */
export function proseNodes(text) {
  return text.split("`").map((part, at) => {
    if (at % 2 === 0) return document.createTextNode(part);
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

/**
 * A copy of a drawing that the page holds ready in `<template id="drawings">`.
 * @param {string} selector such as `[data-shape=good]` or `[data-icon=copy]`
 */
export function drawing(selector) {
  const stock = document.querySelector("template#drawings");
  const found = stock instanceof HTMLTemplateElement && stock.content.querySelector(selector);
  return found ? /** @type {Element} */ (found.cloneNode(true)) : document.createElement("span");
}

/**
 * The one element of a page that has this tag; a page without it is a fault of ours.
 * @template {Element} T
 * @param {string} tag
 * @param {new (...args: any[]) => T} type
 * @returns {T}
 */
export function one(tag, type) {
  const found = document.querySelector(tag);
  if (found instanceof type) return found;
  throw new Error(`this page has no ${tag}`);
}
