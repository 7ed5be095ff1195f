"""What is known of a request is on its own events, wherever they are captured, and on no others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.serving import Shop, outline

CROWD = 50
"""Requests that are in hand at once."""


def test_tags_and_users_of_many_requests_at_once_never_mix(shop: Shop) -> None:
    with ThreadPoolExecutor(CROWD) as clients:
        asked = [clients.submit(shop.ask, "GET", f"/user/{number}?of={CROWD}") for number in range(CROWD)]
        answers = [each.result() for each in asked]
    events = shop.news(CROWD)
    assert {answer.status for answer in answers} == {500}
    known = sorted((outline(event), event["tags"]["number"], event["user"]["id"]) for event in events)
    assert known == sorted((f"Broken: user {number}", str(number), str(number)) for number in range(CROWD))
    assert len({event["contexts"]["trace"]["trace_id"] for event in events}) == CROWD


@pytest.mark.needs("connection after a crash")
def test_nothing_is_left_of_a_request_for_the_next_one_on_its_connection(shop: Shop) -> None:
    with shop.connect() as connection:
        assert connection.ask("GET", "/user/7").status == 500
        answer = connection.ask("GET", "/plain")
    first, second = shop.news(2)
    assert (outline(first), outline(second)) == ("Broken: user 7", "plain")
    assert answer.event_id == second["event_id"]
    assert {"tags", "user"} & set(second) == set()
    assert "user/7" not in str(second)
    assert first["contexts"]["trace"]["trace_id"] != second["contexts"]["trace"]["trace_id"]


@pytest.mark.needs("scopes")
def test_what_is_known_inside_is_known_outside(shop: Shop, where: str) -> None:
    shop.ask("GET", f"/scopes/{where}")
    inside, outside = shop.news(2)
    assert (outline(inside), outline(outside)) == (f"inside {where}", f"Broken: outside {where}")
    assert inside["tags"] == outside["tags"] == {"where": where}
