/** Presenting on a projector, on or off. The cookie lets the server draw every page so, from this one on. */

const DAY_S = 24 * 3600;

class SlipPresent extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#toggle);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#toggle);
  }

  #toggle = () => {
    const age = "present" in document.documentElement.dataset ? 0 : DAY_S;
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store needs https, classrooms have http
    document.cookie = `slip-present=1; path=/; max-age=${age}; samesite=lax`;
    location.reload(); // terminals measure their text once
  };
}

customElements.define("slip-present", SlipPresent);
