"""Why two sides may rightly report differently: the codes of an explained difference."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.rules.fields import Bilingual


@dataclass(frozen=True, slots=True)
class Reason:
    """A code, its name, and which figure counts once both sides have confirmed it."""

    code: str
    name: Bilingual
    counts: Bilingual


REASONS: tuple[Reason, ...] = (
    Reason(
        "unit",
        Bilingual(zh="计量单位", en="unit"),
        Bilingual(
            zh="一方以万元、另一方以元填报的同一数额；以数据来源方所报为准，来源方填错单位的须更正申报",
            en="the same sum, written in yuan by one side and in 10,000 yuan by the other; the figure of "
            "record counts, and where it is the one in the wrong unit its side hands in again",
        ),
    ),
    Reason(
        "cut_off",
        Bilingual(zh="入库时点", en="cut-off"),
        Bilingual(
            zh="同一数额，双方计入不同月份或季度；计入数据来源方所报的期间",
            en="the same sum, in another month or quarter; it counts in the one in which the record has it",
        ),
    ),
    Reason(
        "renamed",
        Bilingual(zh="企业更名", en="renamed enterprise"),
        Bilingual(
            zh="同一企业在双方名下名称或代码不同；计入数据来源方所报的企业",
            en="the same enterprise under another name or code; it counts for the one that the record names",
        ),
    ),
    Reason(
        "merged",
        Bilingual(zh="企业合并", en="merged enterprises"),
        Bilingual(
            zh="合并企业的数额，一方分列、另一方合列；计入数据来源方所报的企业",
            en="enterprises that merged, reported together by one side and apart by the other; the sum "
            "counts for those that the record names",
        ),
    ),
    Reason(
        "refund",
        Bilingual(zh="退税", en="refund"),
        Bilingual(
            zh="一方已扣减退税，另一方未扣减；以数据来源方所报为准，退税在其申报中列示时计入",
            en="one side took a refund off, the other didn't; the figure of record counts, and the refund "
            "counts when the record shows it",
        ),
    ),
    Reason(
        "tax_kind",
        Bilingual(zh="税种归类", en="kind of tax"),
        Bilingual(
            zh="同一数额，双方归入不同税种；计入数据来源方所报的税种",
            en="the same sum under another kind of tax; it counts as the kind that the record gives it",
        ),
    ),
)

REASON_BY_CODE = {reason.code: reason for reason in REASONS}
