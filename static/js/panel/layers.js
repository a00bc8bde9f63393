/** The images of an engine as stacks: which layers stand in several of them, and who made each. */

/** @typedef {{digest: string, size_bytes: number | null, made_by: string}} Layer */
/** @typedef {{id: string, names: string[], layers: Layer[]}} Image */

/**
 * How many of the images each layer stands in.
 * @param {Image[]} images
 * @returns {Map<string, number>}
 */
export function countLayers(images) {
  const counts = new Map();
  for (const { layers } of images) {
    for (const { digest } of layers) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  }
  return counts;
}

/**
 * What an image is called where it stands: its first name, without what all have in common.
 * @param {Image} image
 */
export function nameOf({ id, names }) {
  const [name] = names;
  return name ? shortName(name) : `no name, ${id.slice(0, 12)}`;
}

/** @param {string} name without what all have in common */
export function shortName(name) {
  return name.replace(/^localhost\//, "").replace(/:latest$/, "");
}

/**
 * A step as its author wrote it, less what an engine puts around it.
 * @param {string} madeBy
 */
export function stepOf(madeBy) {
  const plain = madeBy.replace(/(file|dir|multi):[0-9a-f]{12,}/g, "…").trim();
  const nop = plain.match(/^\/bin\/sh -c #\(nop\)\s*(.*)$/);
  if (nop) return nop[1] ?? "";
  return plain.replace(/^\/bin\/sh -c /, "RUN ") || "a layer";
}

/** @param {number | null} bytes */
export function sizeOf(bytes) {
  if (bytes === null) return "";
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
