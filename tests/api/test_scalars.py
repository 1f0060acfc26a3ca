"""Scalars read one form of text and refuse every other."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError

from ledger_graphql.scalars import SCALARS
from tests.api.journey import Api

PARSERS = {definition.name: definition.parse_value for definition in SCALARS.values()}

ACCEPTED = [
    ("Amount", "0"),
    ("Amount", "1234.56"),
    ("Amount", "-0.01"),
    ("Amount", "999999999999999999.999999"),
    ("Quarter", "2024Q3"),
    ("WrittenAmount", "1e3"),
    ("WrittenSpan", "soon"),
    ("Span", "2024-07"),
    ("Span", "2024Q3"),
    ("Share", "2/5"),
    ("Share", "0"),
    ("Hash", "00ff"),
    ("Bytes", "AP8="),
    ("Date", "2024-02-29"),
    ("DateTime", "2024-07-01T08:00:00Z"),
    ("DateTime", "2024-07-01T08:00:00.123456+08:00"),
]

REFUSED = [
    *[
        ("Amount", value)
        for value in (
            *(
                1,
                1.5,
                True,
                None,
                "",
                " ",
                " 1",
                "1 ",
                "1e3",
                "NaN",
                "Infinity",
                "-0",
                "-0.00",
                "+1",
                "01",
                "1.",
                ".5",
            ),
            *("1,000", "１２", "1.0000001", "9" * 19, "0x10", "1_000", "1\n"),
        )
    ],
    *[("Quarter", value) for value in (20243, "2024", "2024Q5", "2024q1", "24Q1", "2024-Q1", "２０２４Q1")],
    *[(name, value) for name in ("WrittenAmount", "WrittenSpan") for value in (1, 1.5, True, None)],
    *[("Span", value) for value in ("2024-13", "2024-7", "2024", "2024Q0", 2024)],
    *[("Share", value) for value in (0.5, "0.5", "1/0", "-1/2", "1/-2", " 1/2", "50%")],
    *[("Hash", value) for value in ("0", "FF", "0g", 255)],
    *[("Bytes", value) for value in ("AP8", "AP8=\n", "_w==", 1)],
    *[("Date", value) for value in ("2023-02-29", "20240701", "2024-7-1", "9999-12-31", 20240701)],
    *[
        ("DateTime", value)
        for value in ("2024-07-01T08:00:00", "2024-07-01", "9999-12-31T23:59:59-08:00", 1719792000, "now")
    ],
]


@pytest.mark.parametrize(("name", "value"), ACCEPTED)
def test_text_in_the_scalars_form_is_read(name: str, value: str) -> None:
    parse = PARSERS[name]
    assert parse is not None
    parse(value)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_anything_else_is_refused_with_what_was_expected(name: str, value: Any) -> None:
    parse = PARSERS[name]
    assert parse is not None
    with pytest.raises(GraphQLError, match=f"{name}: expected") as refusal:
        parse(value)
    extensions = refusal.value.extensions or {}
    assert extensions["code"] == "VALUE_UNREADABLE"
    assert f"{name}：应为" in extensions["messageZh"]


def test_the_places_of_yuan_are_told_as_they_are() -> None:
    parse = PARSERS["Amount"]
    assert parse is not None
    with pytest.raises(GraphQLError, match="yuan: 2"):
        parse("1.0000001")


@pytest.mark.parametrize("literal", ["1", "1.5", "true", "null", "AMOUNT", '"1e3"', "[]", "{}"])
def test_an_amount_written_into_the_document_is_read_as_strictly_as_a_variable(
    api: Api, literal: str
) -> None:
    document = f"""mutation {{ submitEnterpriseList(input: {{
        idempotencyKey: "k", agreement: "A", role: "host",
        entries: [{{creditCode: "9", nameZh: "甲", preMoveTax: [{{year: 2023, amount: {literal}}}]}}]
    }}) {{ __typename }} }}"""
    answer = api.answer(document)
    assert "data" not in answer
    assert all(error["extensions"]["messageZh"] for error in answer["errors"])


def test_amounts_go_out_as_text_with_their_commodity(api: Api) -> None:
    commodities = api.ask("{ commodities { code scale isMoney } measures { name commodity { code } } }")
    assert {"code": "CNY", "scale": 2, "isMoney": True} in commodities["commodities"]
    assert {"name": "vat", "commodity": {"code": "CNY"}} in commodities["measures"]
