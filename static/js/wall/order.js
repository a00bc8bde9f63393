/** Who comes first on the wall, who is shown, and in which words. No document here. */

/**
 * @typedef {{title: string, passed: boolean, broke: boolean, found: string, at: number}} Last
 * @typedef {"hand" | "limit" | "stuck" | "away" | "waiting" | "working" | "idle" | "done"} State
 * @typedef {{learner: string, name: string, is_staff: boolean, lesson: string | null,
 *   step: number | null, steps: number | null, title: string | null, place: number,
 *   step_since: number | null, checks: {passed: number, total: number} | null, last: Last | null,
 *   present: boolean, lab_state: string, busy_minutes: number | null, state: State, text: string,
 *   since: number, detail: string, rank: number[]}} Learner
 */

/** @type {Record<State, string>} */
export const SHAPES = {
  hand: "hand",
  limit: "limit",
  stuck: "look",
  away: "away",
  waiting: "waiting",
  working: "working",
  idle: "idle",
  done: "finished",
};
const NEEDY = new Set(["hand", "limit", "stuck", "away"]);
/** @type {Record<string, string>} what is said of a filter that shows nobody */
const NOBODY = {
  all: "Nobody is here",
  hand: "No hand is up",
  stuck: "Nobody is stuck",
  limit: "Nobody is at a limit",
  idle: "Nobody is idle",
  away: "Nobody is away",
  done: "Nobody has finished",
};

export const FILTERS = Object.keys(NOBODY);

/** Whether somebody should look at this one. @param {Learner} learner */
export function isNeedy(learner) {
  return !learner.is_staff && NEEDY.has(learner.state);
}

/**
 * Who needs somebody first, by how long; the others as they lie behind.
 * @param {Iterable<Learner>} learners
 */
export function inOrder(learners) {
  return [...learners].sort((one, other) => {
    const at = one.rank.findIndex((part, index) => part !== other.rank[index]);
    return at < 0 ? 0 : (one.rank[at] ?? 0) - (other.rank[at] ?? 0);
  });
}

/**
 * @param {Learner} learner
 * @param {string} filter
 * @param {string} find part of a name
 */
export function fits(learner, filter, find) {
  const isFound = learner.name.toLocaleLowerCase().includes(find.trim().toLocaleLowerCase());
  return isFound && (filter === "all" || (!learner.is_staff && learner.state === filter));
}

/**
 * How many each filter would show.
 * @param {Iterable<Learner>} learners
 * @returns {Record<string, number>}
 */
export function counts(learners) {
  const all = [...learners];
  return Object.fromEntries(
    FILTERS.map((filter) => [filter, all.filter((each) => fits(each, filter, "")).length]),
  );
}

/**
 * What stands there when nobody is shown, with the way out.
 * @param {string} filter
 * @param {string} find
 */
export function nobody(filter, find) {
  const called = find.trim() ? `, called “${find.trim()}”` : "";
  const way = find.trim() ? "Empty the field Find" : "Choose Everyone";
  return `${NOBODY[filter]}${called}. ${way} to see the class.`;
}

/**
 * The two lines of a tile.
 * @param {Learner} learner
 * @param {number} now in Unix seconds
 */
export function words(learner, now) {
  const { text, state, step_since, detail, last } = learner;
  const parts = [];
  const saysStep = text.includes("on this step") || state === "done" || state === "working";
  if (step_since !== null && !saysStep) parts.push(`${minutes(step_since, now)} min on this step`);
  if (detail) parts.push(detail);
  if (last) parts.push(`check ${last.broke ? "broke" : last.passed ? "passed" : "not yet"}`);
  return {
    text: text.replace("{min}", String(minutes(learner.since, now))),
    detail: parts.join(" · "),
  };
}

/**
 * @param {number} since in Unix seconds
 * @param {number} now
 */
function minutes(since, now) {
  return Math.floor(Math.max(0, now - since) / 60);
}

/**
 * Places of the class that are taken: who only tries the workshop, or waits, takes none.
 * @param {Iterable<Learner>} learners
 */
export function taken(learners) {
  return [...learners].filter((each) => !each.is_staff && each.lab_state !== "waiting").length;
}

/**
 * Where the class is: of the lesson in which most are, how many look at each step.
 * @param {Iterable<Learner>} learners
 * @returns {{lesson: string, steps: number[]} | null} null while nobody has begun
 */
export function whereabouts(learners) {
  /** @type {Map<string, number[]>} */
  const lessons = new Map();
  for (const { lesson, step, steps, is_staff, state } of learners) {
    if (is_staff || !lesson || !step || !steps || state === "done") continue;
    const counts = lessons.get(lesson) ?? Array.from({ length: steps }, () => 0);
    counts[step - 1] = (counts[step - 1] ?? 0) + 1;
    lessons.set(lesson, counts);
  }
  const sum = (/** @type {number[]} */ counts) => counts.reduce((one, other) => one + other, 0);
  const most = [...lessons].sort((one, other) => sum(other[1]) - sum(one[1]))[0];
  return most ? { lesson: most[0], steps: most[1] } : null;
}

/** @type {Partial<Record<State, (learner: Learner) => string>>} */
const NEWS = {
  hand: ({ name }) => `${name} raised a hand`,
  limit: ({ name, text }) => `${name}: ${text.replace("{min} min", "a while")}`,
  stuck: ({ name }) => `${name} is stuck`,
  away: ({ name }) => `${name} went away`,
  done: ({ name }) => `${name} finished`,
};

/**
 * What is worth a line when a learner changes; "" for nothing.
 * @param {Learner | undefined} before
 * @param {Learner} now
 */
export function news(before, now) {
  if (now.is_staff || before?.state === now.state) return "";
  return before ? (NEWS[now.state]?.(now) ?? "") : `${now.name} joined`;
}
