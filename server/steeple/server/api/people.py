"""``steeple.v1.PersonService``."""

from __future__ import annotations

from typing import Any, Final

import grpc

from steeple.errors import FailedPreconditionError, InvalidArgumentError, PermissionDeniedError
from steeple.server.access import Credential, Keyring, Person, PersonStore, Scope, Session, SignIns, person_name
from steeple.server.access.attempts import UNIX, plain_address
from steeple.server.access.person_records import ROLES
from steeple.server.api.caller import current_caller
from steeple.server.api.conversion import PERSON_FIELDS, read_update_mask, within
from steeple.server.api.keys import SCOPES
from steeple.server.api.kinds import SIGN_IN
from steeple.server.api.names import parse_person, parse_session
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import timestamp
from steeple.server.api.status import FIELD
from steeple.server.catalogue import audit
from steeple.server.catalogue.limits import check_text
from steeple.v1 import person_service_pb2 as messages
from steeple.v1 import person_service_pb2_grpc
from steeple.v1.key_service_pb2 import Key

Context = grpc.aio.ServicerContext[Any, Any]

_LONGEST_AGENT: Final = 200
_LONGEST_ADDRESS: Final = 64
_LONGEST_TOKEN: Final = 16_384
_LONGEST_NONCE: Final = 255


class PersonService(person_service_pb2_grpc.PersonServiceServicer):
    """Keeps the people, and lets them sign in.

    Args:
        readiness: Where the engine, and so the people, are.
        calls: Threads for what only reads and writes the catalogue.
        passwords: Threads for what hashes.
        asks_for_keys: Whether callers are asked who they are.
    """

    def __init__(self, readiness: Readiness, calls: Pool, passwords: Pool, *, asks_for_keys: bool) -> None:
        self._readiness = readiness
        self._calls = calls
        self._passwords = passwords
        self._asks_for_keys = asks_for_keys

    async def SignIn(  # noqa: N802
        self, request: messages.SignInRequest, context: Context
    ) -> messages.SignInResponse:
        """Begins a session of who knows the password."""
        agent, address = _from_where(request, context)
        person_id, attempt = self._sign_ins.begin(request.user_name, request.password, address)
        try:
            self._check_asks()
            turn = await self._passwords.turn(SIGN_IN)
        except BaseException:
            attempt.withdraw()
            raise
        made = await self._passwords.run_in(
            turn, self._sign_ins.sign_in, person_id, request.password, attempt, user_agent=agent, address=address
        )
        return messages.SignInResponse(
            session=self._session_message(made.session, made.session),
            secret=made.secret,
            person=_message(made.person),
        )

    async def SignInWithIdToken(  # noqa: N802
        self, request: messages.SignInWithIdTokenRequest, context: Context
    ) -> messages.SignInWithIdTokenResponse:
        """Begins a session of whom the identity provider vouches for."""
        agent, address = _from_where(request, context)
        check_text(request.id_token, "id_token", _LONGEST_TOKEN)
        check_text(request.nonce, "nonce", _LONGEST_NONCE)
        if not request.id_token:
            raise InvalidArgumentError("id_token must not be empty", **{FIELD: "id_token"})
        self._check_asks()
        work = self._sign_ins.sign_in_with_id_token
        made = await self._passwords.run_as(
            SIGN_IN, work, request.id_token, request.nonce, user_agent=agent, address=address
        )
        return messages.SignInWithIdTokenResponse(
            session=self._session_message(made.session, made.session),
            secret=made.secret,
            person=_message(made.person),
        )

    async def SignOut(  # noqa: N802
        self, request: messages.SignOutRequest, context: Context
    ) -> messages.SignOutResponse:
        """Ends the caller's session."""
        session = current_caller().credential
        if not isinstance(session, Session):
            raise FailedPreconditionError("this call came with no session; keys are ended with RevokeKey")
        await self._calls.run(self._keyring.apply, self._keyring.sessions.store.end, session.person_id, session.id)
        return messages.SignOutResponse()

    async def GetMe(  # noqa: N802
        self, request: messages.GetMeRequest, context: Context
    ) -> messages.GetMeResponse:
        """Whom the call is by."""
        caller = current_caller().credential
        response = messages.GetMeResponse(asks_for_keys=self._asks_for_keys)
        if caller is not None:
            response.actor, response.scope = caller.actor, SCOPES[caller.scope]
            response.display_name = caller.display_name
        elif not self._asks_for_keys:
            response.actor, response.scope = audit.OPEN, SCOPES[Scope.ADMIN]
        if (provider := self._sign_ins.id_tokens) is not None:
            response.oidc_issuer, response.oidc_client_id = provider.issuer, provider.client_id
        if isinstance(caller, Session):
            response.session.CopyFrom(self._session_message(caller, caller))
        return response

    async def CreatePerson(  # noqa: N802
        self, request: messages.CreatePersonRequest, context: Context
    ) -> messages.CreatePersonResponse:
        """Makes a person."""
        asked = request.person
        with within("person", PERSON_FIELDS):
            made = await self._passwords.run_as(
                SIGN_IN,
                self._sign_ins.create,
                request.person_id,
                asked.display_name,
                _read_role(asked),
                password=request.password,
                oidc_subject=asked.oidc_subject,
                disabled=asked.disabled,
            )
        return messages.CreatePersonResponse(person=_message(made))

    async def GetPerson(  # noqa: N802
        self, request: messages.GetPersonRequest, context: Context
    ) -> messages.GetPersonResponse:
        """A person by name."""
        person = await self._calls.run(self._people.get, parse_person(request.name))
        return messages.GetPersonResponse(person=_message(person))

    async def ListPeople(  # noqa: N802
        self, request: messages.ListPeopleRequest, context: Context
    ) -> messages.ListPeopleResponse:
        """People by name, a page at a time."""
        page = await self._calls.run(self._people.list, request.page_size, request.page_token)
        return messages.ListPeopleResponse(
            people=[_message(person) for person in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def UpdatePerson(  # noqa: N802
        self, request: messages.UpdatePersonRequest, context: Context
    ) -> messages.UpdatePersonResponse:
        """Changes the named fields of a person."""
        update = request.person
        person_id = parse_person(update.name, "person.name")
        fields = read_update_mask(update, request.update_mask.paths)
        with within("person", PERSON_FIELDS):
            person = await self._calls.run(
                self._keyring.apply,
                self._people.update,
                person_id,
                display_name=update.display_name if "display_name" in fields else None,
                role=_read_role(update) if "role" in fields else None,
                disabled=update.disabled if "disabled" in fields else None,
                oidc_subject=update.oidc_subject if "oidc_subject" in fields else None,
            )
        return messages.UpdatePersonResponse(person=_message(person))

    async def DeletePerson(  # noqa: N802
        self, request: messages.DeletePersonRequest, context: Context
    ) -> messages.DeletePersonResponse:
        """Deletes a person for good."""
        await self._calls.run(self._keyring.apply, self._people.delete, parse_person(request.name))
        return messages.DeletePersonResponse()

    async def SetPassword(  # noqa: N802
        self, request: messages.SetPasswordRequest, context: Context
    ) -> messages.SetPasswordResponse:
        """Sets one's own password, or that of somebody else."""
        person_id, caller = parse_person(request.name), current_caller().credential
        if isinstance(caller, Session) and caller.person_id == person_id:
            change, given = self._sign_ins.change_password, (caller, request.old_password, request.password)
            person = await self._passwords.run_as(SIGN_IN, change, *given)
        else:
            _check_own_or_admin(person_id, caller, "set the passwords of others")
            person = await self._passwords.run_as(SIGN_IN, self._sign_ins.set_password, person_id, request.password)
        return messages.SetPasswordResponse(person=_message(person))

    async def ListSessions(  # noqa: N802
        self, request: messages.ListSessionsRequest, context: Context
    ) -> messages.ListSessionsResponse:
        """What a person has signed in to."""
        person_id, caller = parse_person(request.parent, "parent"), current_caller().credential
        _check_own_or_admin(person_id, caller, "list the sessions of others")
        await self._calls.run(self._people.get, person_id)
        sessions = self._keyring.sessions.of(person_id)
        return messages.ListSessionsResponse(sessions=[self._session_message(each, caller) for each in sessions])

    async def RevokeSession(  # noqa: N802
        self, request: messages.RevokeSessionRequest, context: Context
    ) -> messages.RevokeSessionResponse:
        """Ends a session."""
        person_id, session_id = parse_session(request.name)
        _check_own_or_admin(person_id, current_caller().credential, "end the sessions of others")
        await self._calls.run(self._keyring.apply, self._keyring.sessions.store.end, person_id, session_id)
        return messages.RevokeSessionResponse()

    @property
    def _keyring(self) -> Keyring:
        return self._readiness.engine.keyring

    @property
    def _people(self) -> PersonStore:
        return self._keyring.people

    @property
    def _sign_ins(self) -> SignIns:
        return self._readiness.engine.sign_ins

    def _check_asks(self) -> None:
        if not self._asks_for_keys:
            raise FailedPreconditionError("this server asks nobody who they are, so there is nothing to sign in to")

    def _session_message(self, session: Session, caller: Credential | None) -> messages.Session:
        return messages.Session(
            name=session.name,
            user_agent=session.user_agent,
            address=session.address,
            create_time=timestamp(session.create_time),
            last_use_time=timestamp(session.last_use_time),
            expire_time=timestamp(session.ends(self._keyring.sessions.store.lifetime.idle)),
            current=isinstance(caller, Session) and caller.id == session.id,
        )


def _check_own_or_admin(person_id: str, caller: Credential | None, what: str) -> None:
    """Whether whoever calls may do that of somebody.

    Raises:
        PermissionDeniedError: If it is of somebody else, and they are no admin.
    """
    if caller is None or caller.scope >= Scope.ADMIN:
        return
    if not (isinstance(caller, Session) and caller.person_id == person_id):
        raise PermissionDeniedError(
            f"{caller.actor} has the scope {caller.scope}; only admins may {what}",
            resource=person_name(person_id),
            scope=str(caller.scope),
            needed_scope=str(Scope.ADMIN),
        )


def _from_where(
    request: messages.SignInRequest | messages.SignInWithIdTokenRequest, context: Context
) -> tuple[str, str]:
    """What signs in, and from which address: who calls over a Unix socket, on this host, may say for whom they do.

    Raises:
        InvalidArgumentError: If one of them is too long.
    """
    check_text(request.user_agent, "user_agent", _LONGEST_AGENT)
    check_text(request.address, "address", _LONGEST_ADDRESS)
    address = plain_address(current_caller().address)
    if request.address and address == UNIX:
        address = plain_address(request.address)
    return request.user_agent or _agent_of(context), address


def _agent_of(context: Context) -> str:
    for name, value in context.invocation_metadata() or ():
        if name == "user-agent":
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return ""


def _read_role(message: messages.Person) -> Scope:
    for role in ROLES:
        if message.role == SCOPES[role]:
            return role
    names = ", ".join(Key.Scope.Name(SCOPES[role]) for role in ROLES)
    raise InvalidArgumentError(f"a person needs a role: {names}", **{FIELD: "person.role"})


def _message(person: Person) -> messages.Person:
    return messages.Person(
        name=person.name,
        display_name=person.display_name,
        role=SCOPES[person.role],
        disabled=person.disabled,
        oidc_subject=person.oidc_subject,
        has_password=person.password_time is not None,
        create_time=timestamp(person.create_time),
        update_time=timestamp(person.update_time),
        last_sign_in_time=timestamp(person.last_sign_in_time),
        password_time=timestamp(person.password_time),
    )
