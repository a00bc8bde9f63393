/** The bar between lesson and terminals: dragged, moved by arrows, reset by a double click. */

const STEP_PX = 16;
const LEAST_PX = 280;
const STORED = { vertical: "slip-lesson-size", horizontal: "slip-lesson-height" };
const PROPERTY = { vertical: "--lesson-size", horizontal: "--lesson-height" };

class SlipSplitter extends HTMLElement {
  connectedCallback() {
    this.addEventListener("pointerdown", this.#grab);
    this.addEventListener("keydown", this.#key);
    this.addEventListener("dblclick", this.#reset);
    for (const way of /** @type {const} */ (["vertical", "horizontal"])) {
      const size = localStorage.getItem(STORED[way]);
      if (size) this.#grid.style.setProperty(PROPERTY[way], `${size}px`);
    }
    this.#watch.observe(this.#grid);
  }

  disconnectedCallback() {
    this.#watch.disconnect();
  }

  #watch = new ResizeObserver(() => this.#describe());

  get #grid() {
    return /** @type {HTMLElement} */ (this.closest("[data-frame]"));
  }

  get #pane() {
    return /** @type {HTMLElement} */ (
      document.getElementById(this.getAttribute("aria-controls") ?? "")
    );
  }

  /** Stacked panes are divided by a horizontal bar. @returns {"vertical" | "horizontal"} */
  get #way() {
    return this.offsetWidth > this.offsetHeight ? "horizontal" : "vertical";
  }

  get #size() {
    const { width, height } = this.#pane.getBoundingClientRect();
    return this.#way === "vertical" ? width : height;
  }

  get #most() {
    const { width, height } = this.#grid.getBoundingClientRect();
    return (this.#way === "vertical" ? width : height) - LEAST_PX;
  }

  /** @param {number} size */
  #set(size) {
    const least = Math.min(LEAST_PX, this.#most);
    const fitting = Math.round(Math.max(least, Math.min(size, this.#most)));
    this.#grid.style.setProperty(PROPERTY[this.#way], `${fitting}px`);
    localStorage.setItem(STORED[this.#way], String(fitting));
    this.#describe();
  }

  #describe() {
    this.setAttribute("aria-orientation", this.#way);
    this.setAttribute("aria-valuemin", String(LEAST_PX));
    this.setAttribute("aria-valuemax", String(Math.max(LEAST_PX, Math.round(this.#most))));
    this.setAttribute("aria-valuenow", String(Math.round(this.#size)));
    this.setAttribute("aria-valuetext", `${Math.round(this.#size)} pixels`);
  }

  #reset = () => {
    localStorage.removeItem(STORED[this.#way]);
    this.#grid.style.removeProperty(PROPERTY[this.#way]);
    this.#describe();
  };

  /** @param {PointerEvent} event */
  #grab = (event) => {
    if (event.button !== 0) return;
    const way = this.#way;
    const start = way === "vertical" ? event.clientX : event.clientY;
    const size = this.#size;
    /** @param {PointerEvent} move */
    const move = (move) => {
      const at = way === "vertical" ? move.clientX : move.clientY;
      this.#set(size + at - start);
    };
    const drop = () => {
      this.removeEventListener("pointermove", move);
      this.removeAttribute("data-dragging");
      delete document.documentElement.dataset.dragging;
      document.dispatchEvent(new Event("slip-dropped"));
    };
    this.setPointerCapture(event.pointerId);
    this.setAttribute("data-dragging", "");
    // The terminal is measured once, when the bar is dropped.
    document.documentElement.dataset.dragging = "true";
    this.addEventListener("pointermove", move);
    this.addEventListener("lostpointercapture", drop, { once: true });
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const least = LEAST_PX;
    const sizes = /** @type {Record<string, number>} */ ({
      ArrowLeft: this.#size - STEP_PX,
      ArrowUp: this.#size - STEP_PX,
      ArrowRight: this.#size + STEP_PX,
      ArrowDown: this.#size + STEP_PX,
      Home: least,
      End: this.#most,
    });
    const size = sizes[event.key];
    if (size === undefined) return;
    event.preventDefault();
    this.#set(size);
  };
}

customElements.define("slip-splitter", SlipSplitter);
