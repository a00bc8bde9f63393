/** A new workshop: how many lessons are chosen, and how long they take. */

import { one } from "../lib/dom.js";

const form = one("form.new", HTMLFormElement);
const sum = one("[data-sum]", HTMLElement);

function add() {
  const chosen = [...form.querySelectorAll("input[name=lessons]:checked")];
  const minutes = chosen.reduce(
    (total, each) => total + Number(each instanceof HTMLElement ? each.dataset.minutes : 0),
    0,
  );
  const lessons = chosen.length === 1 ? "1 lesson" : `${chosen.length} lessons`;
  sum.textContent = chosen.length
    ? `${lessons} · about ${minutes}\u00a0min`
    : "No lesson is chosen";
}

form.addEventListener("change", add);
add();
