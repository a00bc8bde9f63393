/** The rail of steps: arrows move along it, a passed step is marked at once. */

export class SlipRail extends HTMLElement {
  connectedCallback() {
    this.addEventListener("keydown", this.#key);
  }

  disconnectedCallback() {
    this.removeEventListener("keydown", this.#key);
  }

  /**
   * Marks one step.
   * @param {string} name
   * @param {"done" | "failed" | "open"} state
   */
  mark(name, state) {
    const step = this.querySelector(`[data-name="${CSS.escape(name)}"]`);
    if (!(step instanceof HTMLElement) || step.dataset.state === "done") return;
    step.dataset.state = state;
    const words = { done: "done", failed: "not right yet", open: "open" };
    const link = step.querySelector("a");
    const label = link?.getAttribute("aria-label") ?? "";
    link?.setAttribute(
      "aria-label",
      label.replace(/, (open|not right yet|skipped)/, `, ${words[state]}`),
    );
  }

  /**
   * Marks those that the class isn't to open yet.
   * @param {string[]} ids
   */
  lock(ids) {
    for (const step of this.querySelectorAll("[data-id]")) {
      const isLocked = ids.includes(step.getAttribute("data-id") ?? "");
      step.toggleAttribute("data-locked", isLocked);
      const link = step.querySelector("a");
      const label = link?.getAttribute("aria-label")?.replace(/, locked$/, "") ?? "";
      link?.setAttribute("aria-label", isLocked ? `${label}, locked` : label);
    }
  }

  /** The addresses before and after the step that is shown. */
  get neighbours() {
    const links = [...this.querySelectorAll("a")].filter((link) => !link.closest("[data-locked]"));
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    return { before: links[at - 1]?.href, after: links[at + 1]?.href };
  }

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const move = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    const links = [...this.querySelectorAll("a")];
    const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
    links[at + move]?.focus();
    event.preventDefault();
  };
}

customElements.define("slip-rail", SlipRail);
