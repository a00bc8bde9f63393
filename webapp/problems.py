"""The web's own codes and sentences, and what a Problem becomes: an HTTP status, an exit code.

The class is the runtime's, handed through the door; a page, a JSON answer, a socket message and the
command line print the same `sentence` and `hint`.
"""

from __future__ import annotations

from runtime.client import Problem, away, disk_full

__all__ = ["STATUS", "Problem", "away", "disk_full", "exit_code", "http_status"]

STATUS: dict[str, int] = {
    "code-empty": 422,
    "code-unknown": 404,
    "name-empty": 422,
    "name-too-long": 422,
    "name-taken": 409,
    "workshop-full": 409,
    "workshop-early": 409,
    "workshop-over": 410,
    "workshop-paused": 409,
    "workshop-goes-on": 409,
    "step-locked": 409,
    "line-full": 503,
    "server-full": 503,
    "pin-wrong": 403,
    "slow-down": 429,
    "sign-in-needed": 401,
    "sign-in-wrong": 403,
    "not-joined": 403,
    "not-yours": 403,
    "other-name": 403,
    "role-lacking": 403,
    "role-unknown": 422,
    "owner-last": 409,
    "owner-none": 409,
    "preview-shut": 403,
    "metrics-closed": 403,
    "link-used": 410,
    "password-wrong": 403,
    "password-short": 422,
    "password-long": 422,
    "passwords-differ": 422,
    "lesson-unknown": 422,
    "lessons-none": 422,
    "bad-number": 422,
    "step-unknown": 422,
    "machine-unfit-for-class": 422,
    "internet-list": 422,
    "image-reference": 422,
    "image-definition": 422,
    "registry-unnamed": 422,
    "image-in-use": 409,
    "person-unknown": 404,
    "person-exists": 409,
    "form-expired": 400,
    "lab-unknown": 404,
    "lab-none": 409,
    "changes-under-way": 409,
    "too-many": 429,
    "not-found": 404,
    "not-allowed": 405,
    "too-large": 413,
    "runtime-away": 503,
    "broke": 500,
}


def http_status(problem: Problem) -> int:
    """The status of the page or JSON answer that shows this problem.

    The runtime's own codes are 503.
    """
    return STATUS.get(problem.code, 503)


def exit_code(problem: Problem) -> int:
    """For the command line: 2 where the call was wrong, 1 where it couldn't be done."""
    return 2 if STATUS.get(problem.code) == 422 else 1


def code_empty() -> Problem:
    """Nothing that could be seen was typed as a code."""
    return Problem(
        "code-empty", "There is no code yet.", "Type the six characters that your instructor shows."
    )


def code_unknown(code: str) -> Problem:
    """No open workshop has this code. The code comes back cut, so that 50 kB of it don't."""
    shown = code if len(code) <= 12 else f"{code[:12]}…"
    return Problem(
        "code-unknown",
        f"No open workshop has the code {shown}.",
        "Codes look like KLP-42Q: three letters, a dash, three characters. Look again at the "
        "screen, or ask your instructor.",
        shown=shown,
    )


def name_empty() -> Problem:
    """A name without one character that can be seen."""
    return Problem(
        "name-empty",
        "Your name has no character that can be seen.",
        "Type what the class may call you.",
    )


def name_too_long(length: int, most: int) -> Problem:
    """A name that no roster has room for."""
    return Problem(
        "name-too-long",
        f"Your name has {length} characters; {most} fit.",
        "Type a shorter one.",
        most=most,
    )


def name_taken(name: str, number: int) -> Problem:
    """Someone of that name is in the workshop; perhaps it is the same person."""
    return Problem(
        "name-taken",
        f"Someone here is already called {name}. Was it you?",
        f"Resume with your PIN. If not, go on: the class sees you as {name} {number}.",
    )


def metrics_closed() -> Problem:
    """Somebody asks for the figures who may not have them."""
    return Problem(
        "metrics-closed",
        "The figures of this server are for whoever watches it.",
        "Ask on the server itself, or set metrics_token and send it as a bearer token.",
    )


def not_joined() -> Problem:
    """A page of a learner's, asked for by nobody who is in a workshop."""
    return Problem("not-joined", "This browser is in no workshop.", "Join with the code.")


def lab_none() -> Problem:
    """They wait in line, or it is being made."""
    return Problem("lab-none", "You have no container yet.", "Wait for its prompt, then try again.")


def step_locked() -> Problem:
    """The class isn't there yet."""
    return Problem(
        "step-locked",
        "Your instructor has not opened this step yet.",
        "It opens by itself, on this page; your container goes on.",
    )


def terminal_unknown(name: str) -> Problem:
    """It was closed, perhaps by another page."""
    return Problem("terminal-unknown", f"There is no terminal {name}.", "Reload the page.")


def workshop_full(taken: int, most: int) -> Problem:
    """Every place of the workshop is taken; the page joins by itself when one is free."""
    return Problem(
        "workshop-full",
        f"This workshop is full: {taken} of {most}.",
        "Your instructor can raise the number; this page joins by itself then.",
    )


def line_full() -> Problem:
    """So many wait already that another would never come in: a crowd, or somebody's script."""
    return Problem(
        "line-full", "Too many people wait for this workshop already.", "Ask your instructor."
    )


def workshop_early(when: str) -> Problem:
    """The workshop begins later."""
    return Problem(
        "workshop-early",
        f"This workshop starts at {when}.",
        "Leave the page open: it joins by itself.",
    )


def workshop_paused(by: str) -> Problem:
    """The class stands still."""
    return Problem(
        "workshop-paused",
        f"Paused by {by}.",
        "Nothing is lost; programs stand still until it goes on.",
    )


def workshop_over(title: str) -> Problem:
    """The workshop has ended; what the learner reached is kept."""
    return Problem(
        "workshop-over",
        f"The workshop “{title}” is over. Its labs are gone, your progress is kept.",
        "Ask your instructor for the code of the next one.",
    )


def pin_wrong(name: str, tries_left: int) -> Problem:
    """The PIN belongs to nobody of that name here.

    Says no more, so that names can't be tried out.
    """
    left = "1 try" if tries_left == 1 else f"{tries_left} tries"
    return Problem(
        "pin-wrong",
        f"That PIN does not belong to {name}.",
        f"{left} left, then your instructor can let you in.",
    )


def slow_down(wait_s: int, where: str) -> Problem:
    """Too many wrong tries `in this browser`, or `for this name`; nobody else waits."""
    wait = f"{wait_s} seconds" if wait_s < 90 else f"{round(wait_s / 60)} minutes"
    return Problem(
        "slow-down",
        f"Too many wrong tries {where}. The next one is taken in {wait}.",
        "Ask your instructor if you don't want to wait.",
        wait_s=wait_s,
    )


def sign_in_needed() -> Problem:
    """A page of the instructor's, asked for by nobody we know."""
    return Problem("sign-in-needed", "This page is for those who teach.", "Sign in first.")


def sign_in_wrong() -> Problem:
    """Name or password; which of them isn't said."""
    return Problem(
        "sign-in-wrong",
        "Name and password don't belong together.",
        "Try again; an owner of this server makes a new one-time link on the page People, or "
        "`./slipway person reset NAME`.",
    )


def not_yours() -> Problem:
    """Signed in, but this is someone else's."""
    return Problem("not-yours", "This belongs to someone else.", "Go back to your own list.")


def other_name(page: str, asked: str) -> Problem:
    """A page's live connection came under another name: another site's page, or a proxy's doing."""
    return Problem(
        "other-name",
        f"This page is {page[:80]}, but the server was asked as {asked[:80]}.",
        "Whoever runs it: let the proxy in front pass on the name, or set `public_url` "
        "(docs/operating.md, A proxy in front).",
    )


def role_lacking(whom: str, role: str) -> Problem:
    """Signed in, but their account, or their part in this workshop, is for less."""
    return Problem(
        "role-lacking",
        f"This is for {whom}; you are {'an' if role[0] in 'aeiou' else 'a'} {role} here.",
        "Go back, or ask an owner of this server.",
    )


def owner_last(name: str) -> Problem:
    """Without an owner nobody could invite anybody."""
    return Problem(
        "owner-last",
        f"{name} is the only owner of this server.",
        "Make somebody else an owner first.",
    )


def owner_none(name: str) -> Problem:
    """Their workshops need somebody who leads them."""
    return Problem(
        "owner-none",
        f"This server has no owner, who would lead the workshops of {name}.",
        "Make one: `./slipway person role NAME owner`.",
    )


def link_used() -> Problem:
    """A one-time link that was used, has expired or never was."""
    return Problem(
        "link-used",
        "This link has been used or is too old.",
        "An owner of this server makes a new one on the page People, or with "
        "`./slipway person reset NAME`.",
    )


def previews_off() -> Problem:
    """The operator set no port for them, or every one of them is another program's."""
    return Problem(
        "previews-off",
        "This server shows no web previews.",
        "Whoever runs it can switch them on: the setting `preview_port`.",
    )


def previews_unnamed() -> Problem:
    """Slipway was reached by https, behind a proxy that knows nothing of previews' ports."""
    return Problem(
        "previews-unnamed",
        "This server has no address for web previews yet.",
        "Whoever runs it sets `preview_url`, since learners come by https: see docs/operating.md.",
    )


def not_found() -> Problem:
    """No such page, workshop or learner."""
    return Problem("not-found", "There is no such page.", "Check the address, or go back.")


def broke() -> Problem:
    """A fault of ours; the log has it."""
    return Problem(
        "broke",
        "Slipway made a mistake, and has written it down. Labs go on.",
        "Try again; if it happens again, tell whoever runs this server.",
    )
