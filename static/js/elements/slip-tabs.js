/** Lesson, terminal or panel, where there is room for one of them. All keep their state. */

/** @typedef {"lesson" | "terminal" | "panel"} Pane */

export class SlipTabs extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#click);
    this.addEventListener("keydown", this.#key);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    this.removeEventListener("keydown", this.#key);
  }

  /** Whether only one pane is shown now. */
  get isInUse() {
    return this.offsetParent !== null;
  }

  /** The name of the pane that is shown. */
  get shown() {
    return this.#frame?.dataset.pane ?? "";
  }

  /** @returns {HTMLElement | null} */
  get #frame() {
    return this.closest("[data-frame]");
  }

  /** @param {Pane} name */
  show(name) {
    if (this.#frame) this.#frame.dataset.pane = name;
    for (const tab of this.querySelectorAll("[role=tab]")) {
      const isChosen = tab.getAttribute("data-pane-name") === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.setAttribute("tabindex", isChosen ? "0" : "-1");
      if (isChosen) this.#badge(tab, "");
    }
  }

  /**
   * Says what changed in the pane that isn't shown.
   * @param {Pane} name
   * @param {string} text
   */
  note(name, text) {
    const tab = this.querySelector(`[data-pane-name=${name}]`);
    if (tab && this.isInUse && this.shown !== name) this.#badge(tab, text);
  }

  /**
   * @param {Element} tab
   * @param {string} text
   */
  #badge(tab, text) {
    const badge = tab.querySelector("[data-badge]");
    if (!badge) return;
    badge.textContent = text;
    badge.toggleAttribute("hidden", !text);
  }

  /** @param {Event} event */
  #click = (event) => {
    const tab = event.target instanceof Element && event.target.closest("[data-pane-name]");
    if (tab) this.show(/** @type {Pane} */ (tab.getAttribute("data-pane-name")));
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const tabs = [...this.querySelectorAll("[data-pane-name]")];
    const names = tabs.map((tab) => tab.getAttribute("data-pane-name") ?? "");
    const next = names[(names.indexOf(this.shown) + step + names.length) % names.length];
    this.show(/** @type {Pane} */ (next));
    const chosen = this.querySelector("[aria-selected=true]");
    if (chosen instanceof HTMLElement) chosen.focus();
  };
}

customElements.define("slip-tabs", SlipTabs);
