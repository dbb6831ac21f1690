"""Valid requests of the service that keeps the people. Whoever is disabled or deleted in them is nobody."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from steeple.v1 import person_service_pb2 as people
from steeple.v1.key_service_pb2 import Key
from tests.fuzz.known import Known

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody


def people_requests(known: Known) -> dict[str, Sequence[Message]]:
    """By ``{service}/{method}``.

    Args:
        known: What there is.
    """
    asked = people.Person(display_name="Grace", role=Key.SCOPE_EDITOR, disabled=True, oidc_subject="248289761001")
    changed = people.Person(name=known.person, display_name="Ada", role=Key.SCOPE_READER, oidc_subject="ada")
    return {
        "PersonService/SignIn": [
            people.SignInRequest(user_name="ada", password=PASSWORD, user_agent="A browser", address="192.0.2.1")
        ],
        "PersonService/SignInWithIdToken": [
            people.SignInWithIdTokenRequest(
                id_token="e30.e30.e30",  # noqa: S106
                nonce="n-0S6",
                user_agent="A browser",
                address="192.0.2.1",
            )
        ],
        "PersonService/GetMe": [people.GetMeRequest()],
        "PersonService/CreatePerson": [
            people.CreatePersonRequest(person=asked, person_id="grace", password=PASSWORD),
        ],
        "PersonService/GetPerson": [people.GetPersonRequest(name=known.person)],
        "PersonService/ListPeople": [people.ListPeopleRequest(page_size=2)],
        "PersonService/UpdatePerson": [
            people.UpdatePersonRequest(
                person=changed, update_mask=FieldMask(paths=["display_name", "role", "oidc_subject"])
            ),
            people.UpdatePersonRequest(person=people.Person(name="people/nobody", disabled=True)),
        ],
        "PersonService/DeletePerson": [people.DeletePersonRequest(name="people/nobody")],
        "PersonService/SetPassword": [
            people.SetPasswordRequest(name="people/nobody", password=PASSWORD, old_password=PASSWORD)
        ],
        "PersonService/ListSessions": [people.ListSessionsRequest(parent=known.person)],
        "PersonService/RevokeSession": [people.RevokeSessionRequest(name=f"{known.person}/sessions/none")],
    }
