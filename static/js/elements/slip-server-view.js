/** The lab's processes as the server sees them, live while it is open. */

import { Live } from "../lib/live.js";

/**
 * @typedef {{pid: number, inner_pid: number | null, uid: number, inner_uid: number | null, comm: string,
 *   args: string, side?: "container" | "machine"}} Process
 */

const EVERY_MS = 2000;
/** @type {Record<string, number>} */
const ORDER = { machine: 0, container: 1 };

export class SlipServerView extends HTMLElement {
  #live = new Live(() => this.#look(), EVERY_MS);
  #seen = "";

  /**
   * Set by the page.
   * @type {() => Promise<{processes: Process[], kernel: {release: string, boot_id: string}}>}
   */
  ask = () => Promise.reject(new Error("no connection"));

  /** @type {(name: string) => void} set by the page */
  press = () => {};

  /** @param {Live["follows"]} follows */
  set follows(follows) {
    this.#live.follows = follows;
  }

  connectedCallback() {
    this.querySelector("details")?.addEventListener("toggle", this.#toggled);
  }

  disconnectedCallback() {
    this.querySelector("details")?.removeEventListener("toggle", this.#toggled);
    this.#live.stop();
  }

  #toggled = () => {
    const details = this.querySelector("details");
    if (!details?.open) return;
    this.press(details.dataset.press ?? "");
    this.#live.follow(details);
  };

  /**
   * What the server tells; null: it can't, and says why when it is asked.
   * @param {{processes: Process[] | null, kernel: {release: string, boot_id: string}}} fact
   */
  hear({ processes, kernel }) {
    if (!this.querySelector("details")?.open) return;
    if (processes) this.#show(processes, kernel);
    else this.#live.look();
  }

  /** The connection is gone. */
  lose() {
    this.#live.lose();
  }

  async #look() {
    try {
      const { processes, kernel } = await this.ask();
      this.#show(processes, kernel);
    } catch (problem) {
      this.#say(problem instanceof Error ? problem.message : "");
    }
  }

  /**
   * @param {Process[]} processes
   * @param {{release: string, boot_id: string}} kernel
   */
  #show(processes, kernel) {
    this.#say(`${processes.length} processes, as the server sees them now.`);
    // Written only where something changed, or a reader's selection would go.
    const seen = JSON.stringify([processes, kernel]);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#fill("[data-release]", kernel.release);
    this.#fill("[data-boot-id]", kernel.boot_id);
    const hasSides = this.querySelectorAll("thead th").length > 5;
    const sorted = hasSides ? [...processes].sort((a, b) => orderOf(a) - orderOf(b)) : processes;
    const rows = sorted.map((each) => {
      const row = document.createElement("tr");
      if (hasSides) {
        row.dataset.side = each.side ?? "container";
        row.insertCell().textContent = each.side ?? "container";
      }
      for (const figure of [each.pid, each.inner_pid, each.uid, each.inner_uid]) {
        const cell = row.insertCell();
        cell.className = "number";
        cell.textContent = String(figure ?? "–");
      }
      row.insertCell().textContent = each.args || each.comm;
      return row;
    });
    this.querySelector("[data-rows]")?.replaceChildren(...rows);
    for (const part of this.querySelectorAll("[data-table], [data-kernel]")) {
      part.removeAttribute("hidden");
    }
  }

  /**
   * @param {string} selector
   * @param {string} text
   */
  #fill(selector, text) {
    const place = this.querySelector(selector);
    if (place && place.textContent !== text) place.textContent = text;
  }

  /** @param {string} text */
  #say(text) {
    this.#fill("[data-state-line]", text);
  }
}

/** @param {Process} process */
function orderOf({ side }) {
  return ORDER[side ?? "container"] ?? 1;
}

customElements.define("slip-server-view", SlipServerView);
