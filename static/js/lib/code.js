/** Workshop codes: three letters, a dash, three letters or digits; said aloud, typed on phones. */

const LENGTH = 6;

/**
 * What was typed, as a code is written: capitals, the dash put in, nothing else that codes don't have.
 * @param {string} typed
 */
export function tidyCode(typed) {
  const plain = typed
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, "")
    .slice(0, LENGTH);
  const hasDash = typed.trimEnd().endsWith("-") && plain.length === 3;
  return plain.length > 3 || hasDash ? `${plain.slice(0, 3)}-${plain.slice(3)}` : plain;
}

/**
 * Asks the server whose code this is. A server that doesn't answer says nothing: joining will.
 * @param {string} code
 * @returns {Promise<{is: "found" | "wrong" | "unknown", text: string}>}
 */
export async function lookUp(code) {
  try {
    const answer = await fetch(`/j/${encodeURIComponent(code)}`, {
      headers: { Accept: "application/json" },
    });
    const said = await answer.json();
    if (said.problem) {
      return { is: "wrong", text: `${said.problem.sentence} ${said.problem.hint}`.trim() };
    }
    const by = said.opened_by ? ` · opened by ${said.opened_by}` : "";
    return { is: "found", text: `${said.title}${by}` };
  } catch {
    return { is: "unknown", text: "" };
  }
}
