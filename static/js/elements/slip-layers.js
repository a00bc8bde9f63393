/** The images of the learner's engine, each as a stack of layers; shared ones are marked. */

import { countLayers, nameOf, sizeOf, stepOf } from "../panel/layers.js";
import { SlipEngine } from "./slip-engine.js";

/** @typedef {import("../panel/layers.js").Image} Image @typedef {import("../panel/layers.js").Layer} Layer */

class SlipLayers extends SlipEngine {
  /** @override @returns {"images"} */
  get what() {
    return "images";
  }

  /** @override @param {Image[]} images */
  draw(images) {
    const counts = countLayers(images);
    const stacks = images.map((image) => stackOf(image, counts));
    this.querySelector("[data-drawing]")?.replaceChildren(...stacks);
    if (!images.length) return "Your engine has no images.";
    const shared = images
      .flatMap(({ layers }) => layers)
      .filter(({ digest }, at, all) => {
        const first = all.findIndex((each) => each.digest === digest);
        return first === at && (counts.get(digest) ?? 0) > 1;
      });
    const bytes = shared.reduce((sum, { size_bytes }) => sum + (size_bytes ?? 0), 0);
    if (!shared.length) return "No two images share a layer.";
    return `${sizeOf(bytes)} stand in several images, and are on the disk once.`;
  }
}

/**
 * @param {Image} image
 * @param {Map<string, number>} counts
 */
function stackOf(image, counts) {
  const figure = document.createElement("figure");
  figure.className = "layers__stack";
  const caption = document.createElement("figcaption");
  caption.textContent = nameOf(image);
  const list = document.createElement("ol");
  list.className = "layers__list";
  list.reversed = true;
  // The newest on top, as in `docker history`.
  list.append(...image.layers.map((layer) => rowOf(layer, counts)).reverse());
  figure.append(caption, list);
  return figure;
}

/**
 * @param {Layer} layer
 * @param {Map<string, number>} counts
 */
function rowOf({ digest, size_bytes, made_by }, counts) {
  const row = document.createElement("li");
  row.className = "layers__layer";
  const count = counts.get(digest) ?? 1;
  row.dataset.state = count > 1 ? "shared" : "own";
  const step = document.createElement("code");
  step.textContent = stepOf(made_by);
  const size = document.createElement("span");
  size.className = "layers__size";
  size.textContent = [sizeOf(size_bytes), count > 1 ? `in ${count} images` : ""]
    .filter(Boolean)
    .join(", ");
  row.append(step, size);
  return row;
}

customElements.define("slip-layers", SlipLayers);
