/** Asking before a page closes: by the browser, and not when the page itself leads on. */

const OURS_MS = 2000;

let leadsOn = 0;

/** What follows is our own way to another page. */
function leadOn() {
  leadsOn = Date.now();
}

/** @param {string} address */
export function goTo(address) {
  leadOn();
  location.assign(address);
}

/**
 * Lets the browser ask before this page is closed or loaded anew.
 * @param {() => boolean} isNeeded
 * @param {() => void} stayed the page was to be left, and wasn't
 * @param {AbortSignal} signal
 */
export function askBeforeLeaving(isNeeded, stayed, signal) {
  document.addEventListener("submit", leadOn, { signal });
  document.addEventListener(
    "click",
    ({ target }) => target instanceof Element && target.closest("a[href]") && leadOn(),
    { signal },
  );
  addEventListener(
    "beforeunload",
    (event) => {
      if (Date.now() - leadsOn <= OURS_MS || !isNeeded()) return;
      event.preventDefault();
      setTimeout(stayed); // runs only in a page that lives on
    },
    { signal },
  );
}
