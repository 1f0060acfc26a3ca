"""Everything that can be wrong with a return, told in one list: where, what was expected, what came.

``docs/returns.md`` says for every code what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ledger.errors import LedgerError

FAULTS_LISTED_MAX = 1_000
"""Further faults are counted, not listed."""

GOT_LENGTH_MAX = 80


class Place(NamedTuple):
    """A cell: ``("明细", "E7")`` in a workbook, ``("", "E7")`` in a CSV file, ``("lines", "[3].amount")`` in
    a request.

    An empty cell means the whole sheet, both empty the whole file.
    """

    sheet: str
    cell: str


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
        "A return in 万元 holds only measures in 元, but {got}. Hand it in with the unit 元.",
        "以万元填报时只能包含以元计量的指标，但 {got}。请改用单位“元”。",
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
        "The declared total of {got} is missing; the lines add up to {expected}.",
        "缺少 {got} 的合计；明细合计为 {expected}。",
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
class FileFault:
    """One thing that is wrong with a return, and where it stands."""

    sheet: str
    cell: str
    code: str
    expected: str
    got: str
    message_en: str
    message_zh: str


class FileRefused(LedgerError):
    """The return was refused as a whole. ``faults`` lists at most 1,000 of ``fault_count``."""

    code = "RETURN_REFUSED"
    sentence_en = (
        "The return was refused as a whole and nothing was stored. "
        "Faults found: {count}. The first: {first_en}"
    )
    sentence_zh = "申报表整体退回，未保存任何数据。共 {count} 处问题，第一处：{first_zh}"

    def __init__(self, faults: list[FileFault], fault_count: int) -> None:
        first = faults[0]
        where = "!".join(filter(None, (first.sheet, first.cell)))
        start = f"{where}: " if where else ""
        super().__init__(
            count=fault_count, first_en=start + first.message_en, first_zh=start + first.message_zh
        )
        self.faults = faults
        self.fault_count = fault_count


class Faults:
    """Collects faults in the order in which they're found."""

    def __init__(self) -> None:
        self.listed: list[FileFault] = []
        self.count = 0

    def add(self, place: Place, code: str, *, expected: object = "", got: object = "") -> None:
        self.count += 1
        if len(self.listed) < FAULTS_LISTED_MAX:
            self.listed.append(_fault(place, code, str(expected), _shortened(str(got))))

    def refusal(self, code: str, *, expected: object = "", got: object = "") -> FileRefused:
        """To raise when this fault of the whole file leaves nothing more to look at."""
        self.add(WHOLE_FILE, code, expected=expected, got=got)
        return FileRefused(self.listed, self.count)

    def refuse_if_any(self) -> None:
        """Raises ``FileRefused`` with everything found so far."""
        if self.count:
            raise FileRefused(self.listed, self.count)


def _fault(place: Place, code: str, expected: str, got: str) -> FileFault:
    kind = FAULT_KINDS[code]
    fields = {"expected": expected, "got": got}
    return FileFault(
        place.sheet,
        place.cell,
        code,
        expected,
        got,
        kind.sentence_en.format(**fields),
        kind.sentence_zh.format(**fields),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= GOT_LENGTH_MAX else text[: GOT_LENGTH_MAX - 1] + "…"
