/** Loads a page anew that lost a script or a sheet on its way. It stands within each page. */
{
  const TRIES = "slip-tries";
  const TRIES_MOST = 5;
  const WAIT_MS = 500;
  let isWhole = true;

  /** @param {string} text */
  const say = (text) => {
    const note = document.createElement("p");
    note.setAttribute("role", "alert");
    note.className = "note note--card refused";
    note.textContent = `Part of this page did not arrive. ${text}`;
    document.body.append(note);
  };

  /** @param {number} ms */
  const pause = (ms) => new Promise((go) => setTimeout(go, ms));
  const isServerThere = () =>
    fetch("/healthz", { cache: "no-store" }).then(
      ({ ok }) => ok,
      () => false,
    );

  const loadAnew = async () => {
    const tries = Number(sessionStorage.getItem(TRIES));
    if (tries >= TRIES_MOST) return say("Load it again, or try another network.");
    sessionStorage.setItem(TRIES, String(tries + 1));
    say("It loads again by itself.");
    do await pause(WAIT_MS * 2 ** tries);
    while (!(await isServerThere()));
    location.reload();
  };

  // A module whose imports are lost is an error of its element; such errors don't bubble.
  addEventListener(
    "error",
    ({ target }) => {
      const isSheet = target instanceof HTMLLinkElement && target.rel === "stylesheet";
      if (isSheet || target instanceof HTMLScriptElement) isWhole = false;
    },
    true,
  );
  addEventListener("load", () => {
    if (isWhole) sessionStorage.removeItem(TRIES);
    else loadAnew();
  });
}
