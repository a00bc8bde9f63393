/**
 * A bar between two panes: dragged, moved by arrows, reset by a double click. What it sets is named by `data-keeps`,
 * such as `lesson`; neither pane gets smaller than `data-least` pixels.
 */

const STEP_PX = 16;
const LEAST_PX = 280;
const MEASURES = { vertical: "size", horizontal: "height" };

class SlipSplitter extends HTMLElement {
  connectedCallback() {
    this.addEventListener("pointerdown", this.#grab);
    this.addEventListener("keydown", this.#press);
    this.addEventListener("dblclick", this.#reset);
    for (const way of /** @type {const} */ (["vertical", "horizontal"])) {
      const size = localStorage.getItem(this.#key(way));
      if (size) this.#grid.style.setProperty(this.#property(way), `${size}px`);
    }
    this.#watch.observe(this.#grid);
  }

  disconnectedCallback() {
    this.#watch.disconnect();
  }

  #watch = new ResizeObserver(() => this.#describe());

  get #least() {
    return Number(this.dataset.least) || LEAST_PX;
  }

  /** @param {keyof typeof MEASURES} way */
  #key(way) {
    return `slip-${this.dataset.keeps}-${MEASURES[way]}`;
  }

  /** @param {keyof typeof MEASURES} way */
  #property(way) {
    return `--${this.dataset.keeps}-${MEASURES[way]}`;
  }

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
    return (this.#way === "vertical" ? width : height) - this.#least;
  }

  /** @param {number} size */
  #set(size) {
    const least = Math.min(this.#least, this.#most);
    const fitting = Math.round(Math.max(least, Math.min(size, this.#most)));
    this.#grid.style.setProperty(this.#property(this.#way), `${fitting}px`);
    localStorage.setItem(this.#key(this.#way), String(fitting));
    this.#describe();
  }

  #describe() {
    this.setAttribute("aria-orientation", this.#way);
    this.setAttribute("aria-valuemin", String(this.#least));
    this.setAttribute("aria-valuemax", String(Math.max(this.#least, Math.round(this.#most))));
    this.setAttribute("aria-valuenow", String(Math.round(this.#size)));
    this.setAttribute("aria-valuetext", `${Math.round(this.#size)} pixels`);
  }

  #reset = () => {
    localStorage.removeItem(this.#key(this.#way));
    this.#grid.style.removeProperty(this.#property(this.#way));
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
  #press = (event) => {
    const least = this.#least;
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
