"""Whether what lists are found by is what it would be if it were derived anew."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from steeple.server.catalogue import tables, terms
from steeple.server.catalogue.search_tables import landmark_term


def check_derived(connection: Connection) -> None:
    """Counts, terms and the full-text table are those of the rows."""
    image, landmark = tables.reference_image, tables.landmark
    counting = select(func.count()).where(image.c.landmark_key == landmark.c.key, image.c.delete_time.is_(None))
    query = select(landmark, counting.scalar_subquery().label("counted"))
    expected = set[tuple[int, int]]()
    for row in connection.execute(query).mappings():
        assert row["reference_image_count"] == row["counted"], row["id"]
        expected |= {(term, row["key"]) for term in terms.terms_of(row["labels"], row["metadata"])}
    found = connection.execute(select(landmark_term.c.term, landmark_term.c.landmark_key)).all()
    assert {tuple(row) for row in found} == expected
    # SQLite compares every trigram of it with the landmarks' names.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO landmark_names (landmark_names, rank) VALUES ('integrity-check', 1)")
