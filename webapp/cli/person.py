"""`slipway person`: who may teach and help here."""

from __future__ import annotations

import json

import click

from webapp.cli import parts
from webapp.models.people import Role, all_people, sign_ins_of
from webapp.models.workshops import led_by
from webapp.workshops import deeds, teaching

_ROLES = click.Choice([each.value for each in Role])
_json_option = click.option("--json", "as_json", is_flag=True, help="Print one object.")


@click.group()
def person() -> None:
    """Accounts of people who teach and help."""


def _group(role: Role, what: str) -> click.Group:
    """The nouns of one role: `person ROLE add` and `reset`."""
    group = click.Group(role.value, help=what)

    @group.command(help=f"Add an {role}; prints the one-time link to set a password with.")
    @parts.data_option
    @click.argument("name")
    @_json_option
    def add(name: str, *, as_json: bool) -> None:
        settings = parts.settings()
        with parts.opened_database(settings) as database:
            token = teaching.add_person(database, name, role)
            deeds.keep(database, "people.invite", name=name, role=role.value)
        _say_link(f"{parts.own_url(settings)}/welcome/{token}", as_json=as_json)

    group.add_command(reset)
    return group


@person.command()
@parts.data_option
@click.argument("name")
@_json_option
def reset(name: str, *, as_json: bool) -> None:
    """End NAME's password and sign-ins; prints a new one-time link."""
    settings = parts.settings()
    with parts.opened_database(settings) as database:
        token = teaching.reset_person(database, name)
        deeds.keep(database, "people.reset", name=name)
    _say_link(f"{parts.own_url(settings)}/welcome/{token}", as_json=as_json)


person.add_command(_group(Role.OWNER, "Owners invite and remove people, and lead every workshop."))
person.add_command(_group(Role.INSTRUCTOR, "Instructors open workshops and lead their own."))
person.add_command(_group(Role.ASSISTANT, "Assistants help in workshops that are given to them."))


@person.command(name="list")
@parts.data_option
@_json_option
def list_all(*, as_json: bool) -> None:
    """Everyone with an account: role, browsers signed in, workshops, name."""
    with parts.opened_database(parts.settings()) as database, database.read() as session:
        found = [
            {
                "name": each.name,
                "role": each.role,
                "has_password": each.password_hash is not None,
                "sign_ins": [
                    {
                        "browser": one.agent,
                        "since": one.created_at.isoformat(),
                        "used": one.seen_at.isoformat() if one.seen_at else None,
                    }
                    for one in sign_ins_of(session, each.id)
                ],
                "workshops": len(led_by(session, each.id)),
            }
            for each in all_people(session)
        ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for each in found:
        state = "" if each["has_password"] else "  (has a link)"
        click.echo(
            f"{each['role']:10}  {len(each['sign_ins']):2} signed in  "  # type: ignore[arg-type]
            f"{each['workshops']:3} workshops  {each['name']}{state}"
        )


@person.command()
@parts.data_option
@click.argument("name")
@click.argument("role", type=_ROLES)
def role(name: str, role: str) -> None:
    """Make NAME an owner, an instructor or an assistant."""
    with parts.opened_database(parts.settings()) as database:
        before = teaching.set_role(database, name, role)
        deeds.keep(database, "people.set_role", name=name, role=role)
    click.echo(f"{name} was {before}, and is {role}.", err=True)


@person.command(name="sign-out")
@parts.data_option
@click.argument("name")
def sign_out(name: str) -> None:
    """Sign NAME out everywhere; the password stays."""
    with parts.opened_database(parts.settings()) as database:
        with database.read() as session:
            found = teaching.require_person(session, name)
        count = teaching.end_sign_ins(database, found.id)
        deeds.keep(database, "people.end_sign_ins", name=found.name)
    click.echo(f"{found.name} is signed out, at {count} browsers.", err=True)


@person.command()
@parts.data_option
@click.argument("name")
def remove(name: str) -> None:
    """Remove NAME's account; the first owner leads their workshops from now on."""
    with parts.opened_database(parts.settings()) as database:
        count = teaching.remove_person(database, name)
        deeds.keep(database, "people.remove", name=name)
    click.echo(f"{name} is removed; {count} workshops have another leader now.", err=True)


def _say_link(link: str, *, as_json: bool) -> None:
    click.echo(json.dumps({"link": link}) if as_json else link)
    click.echo("It works once, for three days.", err=True)
