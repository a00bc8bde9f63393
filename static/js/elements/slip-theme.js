/** The choice of a theme. The cookie lets the server draw the next page right at once. */

const YEAR_S = 365 * 24 * 3600;

class SlipTheme extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#choose);
    document.addEventListener("slip-theme", this.#show);
    this.#show();
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#choose);
    document.removeEventListener("slip-theme", this.#show);
  }

  /** @param {Event} event */
  #choose = (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-theme-value]");
    if (!button) return;
    const theme = button.getAttribute("data-theme-value") ?? "";
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store needs https, classrooms have http
    document.cookie = `slip-theme=${theme}; path=/; max-age=${YEAR_S}; samesite=lax`;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    document.dispatchEvent(new Event("slip-theme"));
  };

  #show = () => {
    const now = document.documentElement.dataset.theme ?? "";
    for (const button of this.querySelectorAll("[data-theme-value]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-theme-value") === now));
    }
  };
}

customElements.define("slip-theme", SlipTheme);

// A menu closes by Esc, with the focus back on what opened it, and by a press elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.removeAttribute("open");
  menu.querySelector("summary")?.focus();
});

document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.removeAttribute("open");
  }
});
