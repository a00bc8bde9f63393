/** The control that opens previews, and links in the lesson that lead to one. */

import { addressOf, SlipPreviews } from "../elements/slip-previews.js";
import { one } from "../lib/dom.js";

/**
 * @param {import("../lib/socket.js").Room} room
 * @param {HTMLElement} terminal over which the control stands
 * @param {import("../elements/slip-tabs.js").SlipTabs} tabs
 * @param {(name: string) => void} press keeps that something of the step was opened
 */
export function wirePreviews(room, terminal, tabs, press) {
  const previews = one("slip-previews", SlipPreviews);
  const menu = one("[data-preview-menu]", HTMLDetailsElement);
  const form = one("[data-preview-form]", HTMLFormElement);
  const field = one("[data-preview-form] input", HTMLInputElement);
  const tab = one("[data-preview-form] [data-preview-tab]", HTMLAnchorElement);
  terminal.querySelector("[data-slot=tools]")?.prepend(menu);
  menu.hidden = false; // from here on it does something

  const show = (/** @type {string} */ port) => {
    if (tabs.isInUse) tabs.show("terminal");
    previews.show(port);
    previews.enter(port);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    menu.open = false;
    show(String(field.valueAsNumber));
  });
  field.addEventListener("input", () => {
    if (field.validity.valid) tab.href = addressOf(field.valueAsNumber);
  });
  tab.addEventListener("click", (event) => {
    if (!field.reportValidity()) event.preventDefault();
    else menu.open = false;
  });
  let { lab } = terminal.dataset;
  room.on("lab", (fact) => {
    if (fact.state !== "ready" || fact.lab === lab) return;
    lab = fact.lab;
    previews.renew();
  });
  const all = document.querySelector("[data-show-previews]");
  all?.removeAttribute("hidden");
  all?.addEventListener("click", () => {
    for (const port of all.getAttribute("data-show-previews")?.split(" ") ?? []) show(port);
    press("previews");
  });
  // A lesson's own link opens beside the text; with a key held it does what the browser does.
  one("#lesson", HTMLElement).addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const link = event.target.closest("a[href^='/preview/']");
    const [, port] = link?.getAttribute("href")?.match(/^\/preview\/(\d+)$/) ?? [];
    if (!port || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(port);
  });
}
