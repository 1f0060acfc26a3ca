"""Everything that can be wrong with a return, told in one list: where, what was expected, what came.

``docs/returns.md`` says for every code what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ledger.errors import LedgerError
from ledger.measures import Measure

FAULTS_LISTED_MAX = 1_000
"""Further faults are counted, not listed."""

GOT_LENGTH_MAX = 80


class Place(NamedTuple):
    """A cell: ``("明细", "E7")`` in a workbook, ``("", "E7")`` in a CSV file, or a field of a request:
    ``("", "lines[3].amount")``.

    An empty cell means the whole sheet, both empty the whole file.
    """

    sheet: str
    cell: str

    def __str__(self) -> str:
        """``明细!E7``, ``E7`` or ``lines[3].amount``; empty for the whole file."""
        return "!".join(filter(None, self))


WHOLE_FILE = Place("", "")


class FaultKind(NamedTuple):
    """A sentence in each language; ``{expected}`` and ``{got}`` are filled in."""

    sentence_en: str
    sentence_zh: str


FAULT_KINDS: dict[str, FaultKind] = {
    # the file
    "FILE_NAME_UNUSABLE": FaultKind(
        "Expected a file name of at most {expected} plain characters, but got {got}.",
        "文件名最多 {expected} 个普通字符，实际为 {got}。",
    ),
    "FILE_TYPE_UNKNOWN": FaultKind(
        "Expected a file of type {expected}, but got {got}.", "应为 {expected} 文件，实际为 {got}。"
    ),
    "FILE_TOO_LARGE": FaultKind(
        "The file is too large: at most {expected}, but got {got}.",
        "文件过大：上限为 {expected}，实际为 {got}。",
    ),
    "FILE_UNREADABLE": FaultKind(
        "The file can't be read as {expected}: {got}. Save it again and retry.",
        "无法按 {expected} 读取文件：{got}。请重新保存后再试。",
    ),
    "FILE_PROTECTED": FaultKind(
        "The file is protected by a password. Remove the protection and save it again.",
        "文件设有打开密码。请取消密码保护后重新保存。",
    ),
    "FILE_EMPTY": FaultKind(
        "There is no line. If there is nothing to report, hand in a nil return.",
        "没有任何明细行。如本季度无数据，请明确办理零申报。",
    ),
    "LINES_MISSING": FaultKind(
        "The return has no line. If there is nothing to report, hand in a nil return: {expected}, "
        "but got {got}.",
        "没有任何明细行。如本季度无数据，应明确办理零申报：{expected}，实际为 {got}。",
    ),
    "TEXT_UNDECODABLE": FaultKind(
        "The text is neither UTF-8 nor GB 18030. Save it as CSV UTF-8.",
        "文本既不是 UTF-8 也不是 GB 18030 编码。请另存为 CSV UTF-8。",
    ),
    # sheets, headers and what stands above them
    "SHEET_UNKNOWN": FaultKind(
        "Expected the sheets {expected}, but there is a sheet {got} with content. Remove or rename it.",
        "应只有工作表 {expected}，另有含内容的工作表 {got}。请删除或改名。",
    ),
    "SHEET_MISSING": FaultKind(
        "Expected a sheet {expected}, but got {got}.", "应有工作表 {expected}，实际为 {got}。"
    ),
    "HEADER_MISSING": FaultKind(
        "No row of headers was found. Expected the columns {expected}.", "找不到表头。应有列：{expected}。"
    ),
    "COLUMN_MISSING": FaultKind("The column {expected} is missing.", "缺少列：{expected}。"),
    "COLUMN_UNKNOWN": FaultKind(
        "Expected a column out of {expected}, but got {got}. Remove it.",
        "列名应为 {expected} 之一，实际为 {got}。请删除该列。",
    ),
    "COLUMN_REPEATED": FaultKind(
        "The column {got} is there twice; the first is {expected}.", "列 {got} 重复，首次出现在 {expected}。"
    ),
    "CELL_OUTSIDE_COLUMNS": FaultKind(
        "{got} stands in a column without a header. Remove it.", "{got} 所在列没有表头。请删除。"
    ),
    "CELLS_MERGED": FaultKind(
        "The cells {got} are merged. Split them and fill in every cell.",
        "单元格 {got} 已合并。请取消合并并逐格填写。",
    ),
    "FORMULA_ERROR": FaultKind(
        "The formula gives {got}. Put the value itself here.", "公式结果为 {got}。请直接填写数值。"
    ),
    "UNIT_UNKNOWN": FaultKind(
        "Expected one unit out of {expected}, but got {got}.", "金额单位应为 {expected} 之一，实际为 {got}。"
    ),
    "UNIT_NOT_YUAN": FaultKind(
        "A return in 万元 (10,000 yuan) holds only measures in yuan, but got {got}. "
        "Hand it in with the unit 元 (yuan).",
        "以万元填报时只能包含以元计量的指标，实际为 {got}。请改用单位“元”。",
    ),
    "WRONG_RETURN": FaultKind(
        "This return is for {expected}, but the file says {got}.",
        "本次申报为 {expected}，文件中写的是 {got}。",
    ),
    "NIL_UNREADABLE": FaultKind(
        "Nil return: expected 是 or 否 (yes or no), but got {got}.", "零申报应填“是”或“否”，实际为 {got}。"
    ),
    "NIL_WITH_FIGURES": FaultKind(
        "A nil return has no figures, but there is {got}. Remove the figures, or say that it isn't nil.",
        "零申报不应含有数据，但有 {got}。请删除数据，或取消零申报。",
    ),
    # lines
    "TEXT_EXPECTED": FaultKind(
        "Expected text, but got the number {got}. Format the cell as text and type it again.",
        "应为文本，实际为数字 {got}。请将单元格设为文本格式后重新填写。",
    ),
    "MEASURE_MISSING": FaultKind("Expected a measure out of {expected}.", "应填写指标：{expected}。"),
    "MEASURE_UNKNOWN": FaultKind(
        "Expected a measure out of {expected}, but got {got}.", "指标应为 {expected} 之一，实际为 {got}。"
    ),
    "MEASURE_NOT_EXPECTED": FaultKind(
        "Under the terms in force this role reports {expected}, but got {got}.",
        "按有效条款，本方应填报 {expected}，实际为 {got}。",
    ),
    "PERIOD_UNREADABLE": FaultKind(
        "Expected a period out of {expected}, but got {got}.", "所属期应为 {expected} 之一，实际为 {got}。"
    ),
    "PERIOD_OUTSIDE_QUARTER": FaultKind(
        "Expected a period out of {expected}, but {got} is outside the quarter.",
        "所属期应为 {expected} 之一，{got} 不在本季度内。",
    ),
    "MONTH_REQUIRED": FaultKind(
        "This measure is shared month by month: expected one of {expected}, but got {got}.",
        "该指标按月分成：应为 {expected} 之一，实际为 {got}。",
    ),
    "CREDIT_CODE_MISSING": FaultKind(
        "This measure is reported enterprise by enterprise. Give the credit code.",
        "该指标须按企业填报。请填写统一社会信用代码。",
    ),
    "CREDIT_CODE_NOT_TAKEN": FaultKind(
        "This measure is reported for the whole park. Leave the credit code empty (got {got}).",
        "该指标按全园区填报。统一社会信用代码应留空（实际为 {got}）。",
    ),
    "ENTERPRISE_NOT_LISTED": FaultKind(
        "{got} isn't on the enterprise list that both sides confirmed.", "{got} 不在双方确认的企业名单内。"
    ),
    "ENTERPRISE_NAME_DIFFERS": FaultKind(
        "On the confirmed list this credit code belongs to {expected}, but got {got}. "
        "Perhaps the columns were sorted apart.",
        "该信用代码在确认名单上为 {expected}，实际为 {got}。请检查是否错行。",
    ),
    "AMOUNT_MISSING": FaultKind(
        "There is no amount. Write 0 for zero; remove the line if there is nothing to report.",
        "未填金额。金额为零请填 0；无数据请删除该行。",
    ),
    "AMOUNT_UNREADABLE": FaultKind(
        "Expected an amount such as {expected}, without signs of thousands or units, but got {got}.",
        "应填写金额（如 {expected}），不带千分位和单位，实际为 {got}。",
    ),
    "AMOUNT_TOO_PRECISE": FaultKind(
        "Expected at most {expected} decimal places, but got {got}.", "最多 {expected} 位小数，实际为 {got}。"
    ),
    "AMOUNT_TOO_LARGE": FaultKind(
        "The largest amount that can be kept is {expected}, but got {got}.",
        "金额上限为 {expected}，实际为 {got}。",
    ),
    "AMOUNT_INEXACT": FaultKind(
        "A number cell is exact to {expected} digits only, but got {got}. "
        "Format the cell as text, or round it.",
        "数字单元格只能精确到 {expected} 位，实际为 {got}。请改为文本格式或先四舍五入。",
    ),
    "DOCUMENT_UNREADABLE": FaultKind(
        "Expected a document reference of at most {expected} plain characters, but got {got}.",
        "凭证号最多 {expected} 个普通字符，实际为 {got}。",
    ),
    "LINE_REPEATED": FaultKind(
        "The same subject, measure, period and document stand in {expected} already.",
        "与 {expected} 的企业、指标、所属期、凭证号完全相同。",
    ),
    # declared totals
    "TOTAL_MISSING": FaultKind(
        "The lines add up to {expected}; expected that as a declared total, but got {got}. Declare it.",
        "明细合计：{expected}。应申报该合计，实际{got}。请补填合计。",
    ),
    "TOTAL_DIFFERS": FaultKind(
        "The lines add up to {expected}, but the declared total is {got}.",
        "明细合计为 {expected}，申报合计为 {got}。",
    ),
    "TOTAL_REPEATED": FaultKind(
        "The total of {got} is declared twice; the first is {expected}.",
        "{got} 的合计重复，首次出现在 {expected}。",
    ),
}


@dataclass(frozen=True, slots=True)
class Term:
    """Something with a name of its own in each language; ``text`` is what it is called outside sentences."""

    zh: str
    en: str
    text: str

    def __str__(self) -> str:
        return self.text


def measure_term(measure: Measure) -> Term:
    """A measure by its name in the language and, so that it can be typed, by its name in documents."""
    return Term(f"{measure.name_zh}（{measure.name}）", f"{measure.name} ({measure.name_en})", measure.name)


def measure_terms(measures: Iterable[Measure]) -> Term:
    """Several measures, one of which is expected."""
    terms = [measure_term(measure) for measure in measures]
    return Term(
        "、".join(term.zh for term in terms),
        ", ".join(term.en for term in terms),
        ", ".join(term.text for term in terms),
    )


@dataclass(frozen=True, slots=True)
class ReturnFault:
    """One thing that is wrong with a return, and where it stands."""

    place: Place
    code: str
    expected: str
    got: str
    message_en: str
    message_zh: str

    @property
    def sheet(self) -> str:
        """The sheet; empty outside of a workbook."""
        return self.place.sheet

    @property
    def cell(self) -> str:
        """The cell, or the field of a request."""
        return self.place.cell


class ReturnRefused(LedgerError):
    """The return was refused as a whole. ``faults`` lists at most 1,000 of ``fault_count``."""

    code = "RETURN_REFUSED"
    sentence_en = (
        "The return was refused as a whole and nothing was stored. "
        "Faults found: {count}. The first: {first_en}"
    )
    sentence_zh = "申报表整体退回，未保存任何数据。共 {count} 处问题，第一处：{first_zh}"

    def __init__(self, faults: list[ReturnFault], fault_count: int) -> None:
        first = faults[0]
        where = str(first.place)
        super().__init__(
            count=fault_count,
            first_en=f"{where}: {first.message_en}" if where else first.message_en,
            first_zh=f"{where}：{first.message_zh}" if where else first.message_zh,
        )
        self.faults = faults
        self.fault_count = fault_count


class Faults:
    """Collects faults in the order in which they're found."""

    def __init__(self) -> None:
        self.listed: list[ReturnFault] = []
        self.count = 0

    def add(self, place: Place, code: str, *, expected: object = "", got: object = "") -> None:
        self.count += 1
        if len(self.listed) < FAULTS_LISTED_MAX:
            self.listed.append(_fault(place, code, expected, got))

    def refusal(self, code: str, *, expected: object = "", got: object = "") -> ReturnRefused:
        """To raise when this fault of the whole file leaves nothing more to look at."""
        self.add(WHOLE_FILE, code, expected=expected, got=got)
        return ReturnRefused(self.listed, self.count)

    def refuse_if_any(self) -> None:
        """Raises ``ReturnRefused`` with everything found so far."""
        if self.count:
            raise ReturnRefused(self.listed, self.count)


def _fault(place: Place, code: str, expected: object, got: object) -> ReturnFault:
    kind = FAULT_KINDS[code]
    expected_term, got_term = _term(expected), _term(got if isinstance(got, Term) else _shortened(str(got)))
    return ReturnFault(
        place,
        code,
        expected_term.text,
        got_term.text,
        kind.sentence_en.format(expected=expected_term.en, got=got_term.en),
        kind.sentence_zh.format(expected=expected_term.zh, got=got_term.zh),
    )


def _term(value: object) -> Term:
    return value if isinstance(value, Term) else Term(str(value), str(value), str(value))


def _shortened(text: str) -> str:
    return text if len(text) <= GOT_LENGTH_MAX else text[: GOT_LENGTH_MAX - 1] + "…"
