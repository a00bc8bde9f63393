/** On paper a lesson has all of its steps, in order, whichever one the page shows. */

/** @param {import("../elements/slip-step.js").SlipStep} shown */
export function wirePaper(shown) {
  addEventListener("beforeprint", () => layOut(shown));
  addEventListener("afterprint", clearAway);
}

/** @param {HTMLElement} shown */
function layOut(shown) {
  clearAway();
  const stock = document.querySelector("template#paper");
  if (!(stock instanceof HTMLTemplateElement)) return;
  const here = Number(shown.dataset.number);
  for (const step of document.importNode(stock.content, true).querySelectorAll("[data-paper]")) {
    const isBefore = Number(step.getAttribute("data-number")) < here;
    shown.parentElement?.insertBefore(step, isBefore ? shown : null);
  }
}

function clearAway() {
  for (const step of document.querySelectorAll("[data-paper]")) step.remove();
}
