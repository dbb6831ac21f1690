# Made from _async/people.py by tools/generate_sync_client.py; do not edit.
"""Calls of the PersonService."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from steeple.client._convert_access import scope_value
from steeple.client._convert_people import person_name, to_me, to_new_session, to_person, to_session
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client.access import Scope
from steeple.client.people import Me, NewSession, Person, Session
from steeple.errors import InvalidArgumentError
from steeple.v1 import person_service_pb2 as api
from steeple.v1.key_service_pb2 import Key


class PersonCalls:
    """The part of the client that keeps the people, and lets them sign in.

    People are given by id (what they sign in with), by name (``people/{id}``) or as what another call returned.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sign_in(
        self,
        user_name: str,
        password: str,
        *,
        user_agent: str = "",
        address: str = "",
        timeout: float | None = None,
    ) -> NewSession:
        """Begins a session of a person. This client goes on as it is: give the session's secret to another, as its key.

        Args:
            user_name: The id of the person.
            password: Of the person.
            user_agent: What signs in, to be shown in lists of sessions; empty: the SDK.
            address: IP address of whom somebody signs in who calls over a Unix socket; others are not believed.
            timeout: Seconds; None: the client's. A server that was asked too often says when to ask again, which is
                obeyed as far as this allows.

        Raises:
            UnauthenticatedError: If there is nobody of that name and password who may sign in.
            ResourceExhaustedError: If there were too many failures.
            FailedPreconditionError: If the server asks nobody for keys.
        """
        request = api.SignInRequest(user_name=user_name, password=password, user_agent=user_agent, address=address)
        response = self._connection.call(self._connection.link.people.SignIn, request, timeout=timeout)
        return to_new_session(response)

    def sign_in_with_id_token(
        self, id_token: str, *, nonce: str = "", user_agent: str = "", address: str = "", timeout: float | None = None
    ) -> NewSession:
        """Begins a session of whom the identity provider vouches for that the server trusts (OpenID Connect).

        Args:
            id_token: As the provider gave it.
            nonce: As it was sent to the provider; empty if none was.
            user_agent: As in :meth:`sign_in`.
            address: As in :meth:`sign_in`.
            timeout: Seconds; None: the client's.

        Raises:
            UnauthenticatedError: If the token is none for the server, or of nobody there who may sign in.
            FailedPreconditionError: If the server trusts no provider, or asks nobody for keys.
        """
        request = api.SignInWithIdTokenRequest(id_token=id_token, nonce=nonce, user_agent=user_agent, address=address)
        method = self._connection.link.people.SignInWithIdToken
        response = self._connection.call(method, request, timeout=timeout)
        return to_new_session(response)

    def sign_out(self, *, timeout: float | None = None) -> None:
        """Ends the session that is this client's key.

        Raises:
            FailedPreconditionError: If it is none.
        """
        self._connection.call(self._connection.link.people.SignOut, api.SignOutRequest(), timeout=timeout)

    def get_me(self, *, timeout: float | None = None) -> Me:
        """Whom this client's calls are by, and what they may do; whether the server asks at all.

        Raises:
            UnauthenticatedError: If this client's key is not known, or has ended.
        """
        return to_me(self._connection.call(self._connection.link.people.GetMe, api.GetMeRequest(), timeout=timeout))

    def create_person(
        self,
        person_id: str,
        display_name: str,
        role: Scope | str,
        *,
        password: str = "",
        oidc_subject: str = "",
        disabled: bool = False,
        timeout: float | None = None,
    ) -> Person:
        """Makes a person.

        Args:
            person_id: What they sign in with: 1 to 63 lower-case letters, digits and hyphens.
            display_name: What others call them; 1 to 200 characters.
            role: What they may do: reader, editor or admin.
            password: 12 to 1024 characters, and not the id; empty: none yet.
            oidc_subject: Who they are to the identity provider that the server trusts.
            disabled: Whether they cannot sign in yet.
            timeout: Seconds; None: the client's.

        Raises:
            AlreadyExistsError: If there is, or was, somebody of that id.
            InvalidArgumentError: If a value is out of its limits.
        """
        person = api.Person(
            display_name=display_name, role=scope_value(role), oidc_subject=oidc_subject, disabled=disabled
        )
        request = api.CreatePersonRequest(person=person, person_id=person_id, password=password)
        response = self._connection.call(self._connection.link.people.CreatePerson, request, timeout=timeout)
        return to_person(response.person)

    def get_person(self, person: str | Person, *, timeout: float | None = None) -> Person:
        """A person.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.GetPersonRequest(name=person_name(person))
        response = self._connection.call(self._connection.link.people.GetPerson, request, timeout=timeout)
        return to_person(response.person)

    def list_people(self, *, page_size: int = 50, timeout: float | None = None) -> Listing[Person]:
        """All people by id, disabled ones among them; ``timeout`` is for each page."""
        request = api.ListPeopleRequest(page_size=page_size)
        return self._connection.listing(
            self._connection.link.people.ListPeople, request, lambda page: map(to_person, page.people), timeout=timeout
        )

    def update_person(
        self,
        person: str | Person,
        *,
        display_name: str | None = None,
        role: Scope | str | None = None,
        disabled: bool | None = None,
        oidc_subject: str | None = None,
        timeout: float | None = None,
    ) -> Person:
        """Changes what is given and leaves the rest. Another role, or being disabled, ends the person's sessions.

        Args:
            person: Who.
            display_name: What others call them.
            role: What they may do.
            disabled: Whether they cannot sign in.
            oidc_subject: Who they are to the identity provider; empty: nobody.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is no such person.
            FailedPreconditionError: If no admin would be left who may sign in.
            InvalidArgumentError: If nothing is given, or a value is out of its limits.
        """
        given = {"display_name": display_name, "role": role, "disabled": disabled, "oidc_subject": oidc_subject}
        paths = [path for path, value in given.items() if value is not None]
        if not paths:
            raise InvalidArgumentError(f"nothing to update; give at least one of {', '.join(given)}")
        message = api.Person(
            name=person_name(person),
            display_name=display_name or "",
            role=Key.SCOPE_UNSPECIFIED if role is None else scope_value(role),
            disabled=bool(disabled),
            oidc_subject=oidc_subject or "",
        )
        request = api.UpdatePersonRequest(person=message, update_mask=FieldMask(paths=paths))
        response = self._connection.call(self._connection.link.people.UpdatePerson, request, timeout=timeout)
        return to_person(response.person)

    def delete_person(self, person: str | Person, *, timeout: float | None = None) -> None:
        """Deletes a person for good; nobody else gets the id. Disable who may come back.

        Raises:
            NotFoundError: If there is no such person.
            FailedPreconditionError: If no admin would be left who may sign in.
        """
        request = api.DeletePersonRequest(name=person_name(person))
        self._connection.call(self._connection.link.people.DeletePerson, request, timeout=timeout)

    def set_password(
        self, person: str | Person, password: str, *, old_password: str = "", timeout: float | None = None
    ) -> Person:
        """Sets a password: one's own, which ends one's other sessions; or as an admin another's, which ends theirs.

        Args:
            person: Whose.
            password: 12 to 1024 characters, and not the id.
            old_password: Of one's own.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is no such person.
            PermissionDeniedError: If it is somebody else's, and the caller is no admin.
            InvalidArgumentError: If the old password is another, or the new one may be none.
            ResourceExhaustedError: If there were too many failures.
        """
        request = api.SetPasswordRequest(name=person_name(person), password=password, old_password=old_password)
        response = self._connection.call(self._connection.link.people.SetPassword, request, timeout=timeout)
        return to_person(response.person)

    def list_sessions(self, person: str | Person, *, timeout: float | None = None) -> Sequence[Session]:
        """What a person has signed in to, the latest used first: one's own, or as an admin those of everybody.

        Raises:
            NotFoundError: If there is no such person.
            PermissionDeniedError: If it is somebody else, and the caller is no admin.
        """
        request = api.ListSessionsRequest(parent=person_name(person))
        response = self._connection.call(self._connection.link.people.ListSessions, request, timeout=timeout)
        return tuple(to_session(session) for session in response.sessions)

    def revoke_session(self, session: str | Session, *, timeout: float | None = None) -> None:
        """Ends a session: one's own, or as an admin anybody's.

        Args:
            session: Its name, ``people/{person}/sessions/{session}``, or as it was listed.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is no such session, or it has ended.
            PermissionDeniedError: If it is somebody else's, and the caller is no admin.
        """
        request = api.RevokeSessionRequest(name=session.name if isinstance(session, Session) else session)
        self._connection.call(self._connection.link.people.RevokeSession, request, timeout=timeout)
