"""How people show who they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from steeple.errors import FailedPreconditionError, InvalidArgumentError, UnauthenticatedError
from steeple.server.access.attempts import Attempt, SignInAttempts
from steeple.server.access.id_tokens import IdTokens
from steeple.server.access.keyring import Keyring
from steeple.server.access.passwords import MAX_LENGTH, Passwords, check_password
from steeple.server.access.person_records import NewSession, Person, Session
from steeple.server.access.records import Scope
from steeple.server.catalogue.ids import is_id
from steeple.server.catalogue.limits import check_text
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_LONGEST_NAME: Final = 320


class SignIns:
    """Checks and sets passwords. Thread-safe.

    What hashes takes some 0.2 s and 64 MiB: whoever calls it bounds how much of that goes on at a time.

    Args:
        keyring: Has people and sessions.
        passwords: Makes and checks hashes.
        attempts: Slows down who guesses.
        id_tokens: Checks those of the identity provider that is trusted; None: none is.

    Attributes:
        id_tokens: As given.
    """

    def __init__(
        self,
        keyring: Keyring,
        passwords: Passwords | None = None,
        attempts: SignInAttempts | None = None,
        id_tokens: IdTokens | None = None,
    ) -> None:
        self.id_tokens = id_tokens
        self._keyring = keyring
        self._passwords = passwords or Passwords()
        self._attempts = attempts or SignInAttempts()

    def begin(self, user_name: str, password: str, address: str) -> tuple[str, Attempt]:
        """Whether somebody may try a password now; does not hash.

        Args:
            user_name: As it was typed.
            password: The same.
            address: From where, as people write it.

        Returns:
            The person's id, if there is such a person, and the attempt, which counts as a failure until it is said
            to be none.

        Raises:
            InvalidArgumentError: If the name or the password is missing, or too long.
            ResourceExhaustedError: If it comes too soon after failures.
        """
        check_text(user_name, "user_name", _LONGEST_NAME)
        check_text(password, "password", MAX_LENGTH)
        for text, field in ((user_name, "user_name"), (password, "password")):
            if not text:
                raise InvalidArgumentError(f"{field} must not be empty", field=field)
        person_id = user_name.strip().lower()
        return person_id, self._begin(person_id, address)

    def sign_in(self, person_id: str, password: str, attempt: Attempt, *, user_agent: str, address: str) -> NewSession:
        """Begins a session, if the password is right. Hashes once, whatever the name is.

        Args:
            person_id: As :meth:`begin` gave it.
            password: As it was typed.
            attempt: As :meth:`begin` gave it.
            user_agent: What signs in.
            address: From where, as people write it.

        Raises:
            UnauthenticatedError: If there is nobody of that name, the password is another, or the person has none or
                is disabled. It does not say which.
        """
        with _counted(attempt):
            found = self._keyring.people.find(person_id) if is_id(person_id) else None
            right = self._passwords.verify("" if found is None else found.password, password)
            if found is None or found.person.disabled or not right:
                if found is not None:  # a name that is nobody's may be a password that went into the wrong field
                    log.warning("somebody could not sign in", extra=facts(person=found.person.name, address=address))
                raise UnauthenticatedError(
                    "nobody can sign in with this name and password; they may be mistyped, or the person disabled",
                )
            stored = found.password
            if self._passwords.outdated(stored):
                newer = self._passwords.hash(password)
                self._keyring.people.rehash(person_id, stored, newer)
                stored = newer
            return self._keyring.apply(
                self._keyring.sessions.store.create, person_id, stored, user_agent=user_agent, address=address
            )

    def sign_in_with_id_token(self, token: str, nonce: str, *, user_agent: str, address: str) -> NewSession:
        """Begins a session of whom the identity provider vouches for; may ask it for its keys.

        Args:
            token: As the provider gave it.
            nonce: As it was sent to the provider.
            user_agent: What signs in.
            address: From where, as people write it.

        Raises:
            FailedPreconditionError: If no provider is trusted.
            UnauthenticatedError: If the token is none for this server, or of nobody here.
            UnavailableError: If the provider's keys cannot be fetched.
        """
        if self.id_tokens is None:
            raise FailedPreconditionError("this server trusts no identity provider; set oidc_issuer and oidc_client_id")
        subject = self.id_tokens.subject(token, nonce)
        found = self._keyring.people.find_subject(subject)
        if found is None or found.disabled:
            raise UnauthenticatedError(
                f"the identity provider vouches for {subject[:_LONGEST_NAME]!r}, who may not sign in here; an admin "
                "can set that as the oidc_subject of a person, or enable them",
                subject=subject[:_LONGEST_NAME],
            )
        make = self._keyring.sessions.store.create
        return self._keyring.apply(make, found.id, None, user_agent=user_agent, address=address)

    def create(
        self,
        person_id: str,
        display_name: str,
        role: Scope,
        *,
        password: str = "",
        oidc_subject: str = "",
        disabled: bool = False,
    ) -> Person:
        """Makes a person; hashes once if there is a ``password``.

        Raises:
            InvalidArgumentError: If a value is out of its limits.
            AlreadyExistsError: If there is or was somebody of that id, or the subject is somebody else's.
        """
        people = self._keyring.people
        if password:
            check_password(password, person_id)
        people.check_new(person_id, display_name, role, oidc_subject)  # before hashing
        hashed = self._passwords.hash(password) if password else ""
        return people.create(
            person_id, display_name, role, password=hashed, oidc_subject=oidc_subject, disabled=disabled
        )

    def set_password(self, person_id: str, password: str) -> Person:
        """Sets somebody's password, and ends their sessions; hashes once.

        Raises:
            NotFoundError: If there is no such person.
            InvalidArgumentError: If it may be no password.
        """
        check_password(password, person_id)
        self._keyring.people.get(person_id)  # before hashing
        hashed = self._passwords.hash(password)
        return self._keyring.apply(self._keyring.people.set_password, person_id, hashed)

    def change_password(self, session: Session, old: str, new: str) -> Person:
        """Sets the password of whose session it is, and ends their other sessions; hashes twice.

        Raises:
            InvalidArgumentError: If the old password is another, or the new one may be none.
            FailedPreconditionError: If there is no old one.
            ResourceExhaustedError: If it comes too soon after failures.
        """
        check_text(old, "old_password", MAX_LENGTH)
        check_password(new, session.person_id)
        if (found := self._keyring.people.find(session.person_id)) is None or not found.password:
            raise FailedPreconditionError(f"{session.actor} has no password; an admin can set one")
        attempt = self._begin(session.person_id, session.address, known=True)
        with _counted(attempt):
            if not self._passwords.verify(found.password, old):
                raise InvalidArgumentError("old_password is not your password", field="old_password")
            return self._keyring.apply(
                self._keyring.people.set_password, session.person_id, self._passwords.hash(new), but=session.id
            )

    def _begin(self, person_id: str, address: str, *, known: bool = False) -> Attempt:
        known = known or self._keyring.sessions.known(person_id, address)
        return self._attempts.begin(person_id, address, known=known)


@contextmanager
def _counted(attempt: Attempt) -> Iterator[None]:
    """An attempt succeeds if what is inside does, fails if the password is wrong, and is none if something else is."""
    try:
        yield
    except (UnauthenticatedError, InvalidArgumentError):
        raise
    except BaseException:
        attempt.withdraw()
        raise
    attempt.succeed()
