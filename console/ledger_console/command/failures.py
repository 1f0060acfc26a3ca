"""What can go wrong with a command before the ledger is asked at all."""

from __future__ import annotations

from ledger.errors import LedgerError


class PortBusy(LedgerError):
    """Another program listens where we would."""

    code = "PORT_BUSY"
    sentence_en = (
        "Port {port} on 127.0.0.1 is taken by another program (perhaps another Parkledger). "
        "Stop it, or choose another port: PARKLEDGER_PORT={example} parkledger start"
    )
    sentence_zh = (
        "127.0.0.1 的端口 {port} 已被其他程序占用（也许是另一个园区合作账本）。"
        "请先停止该程序，或换一个端口：PARKLEDGER_PORT={example} parkledger start"
    )


class PortUnusable(LedgerError):
    """PARKLEDGER_PORT names no port that we may listen on."""

    code = "PORT_UNUSABLE"
    sentence_en = (
        "Expected PARKLEDGER_PORT to be a port such as 8000 that this user may use, but got {text!r}."
    )
    sentence_zh = "PARKLEDGER_PORT 应为当前用户可用的端口号（如 8000），实际为 {text!r}。"


class ServingFailed(LedgerError):
    """The web server ended by itself."""

    code = "SERVING_FAILED"
    sentence_en = "The server could not begin to serve. Its log {log} says why."
    sentence_zh = "服务未能启动，原因见日志 {log}。"


class ServerShared(LedgerError):
    """Other commands still work with the embedded database server."""

    code = "SERVER_IN_USE"
    sentence_en = (
        "Another parkledger command is still using the database in {home}. "
        "End it first (Ctrl-C in its window)."
    )
    sentence_zh = "另一个 parkledger 命令仍在使用 {home} 中的数据库。请先结束它（在其窗口按 Ctrl-C）。"


class DatabaseNotMigrated(LedgerError):
    """The tables are of another version than this program."""

    code = "DATABASE_NOT_MIGRATED"
    sentence_en = "Expected the tables of version {latest}, but found {current}. Run: parkledger migrate"
    sentence_zh = "数据表版本应为 {latest}，实际为 {current}。请运行：parkledger migrate"


class FileNotReadable(LedgerError):
    """A file that was named can't be read."""

    code = "FILE_NOT_READABLE"
    sentence_en = "Expected a readable file, but {path} can't be read: {reason}."
    sentence_zh = "应为可读取的文件，但 {path} 无法读取：{reason}。"


class FileNotWritable(LedgerError):
    """A file that was named can't be written."""

    code = "FILE_NOT_WRITABLE"
    sentence_en = "The result can't be written to {path}: {reason}. Name another file with -o."
    sentence_zh = "结果无法写入 {path}：{reason}。请用 -o 指定其他文件。"


class EnterprisesUnreadable(LedgerError):
    """The file of enterprises isn't in its format; ``detail`` lists where."""

    code = "ENTERPRISES_UNREADABLE"
    sentence_en = "Expected {path} to map credit codes to attributes as docs/command.md shows, but: {detail}"
    sentence_zh = "{path} 应为“统一社会信用代码 → 属性”的 JSON（格式见 docs/command.md），但：{detail}"


class AnswersMissing(LedgerError):
    """A template asks for more than a file answers; no terms are made."""

    code = "ANSWERS_MISSING"
    sentence_en = "Expected {path} to answer everything, but {count} questions (above) are left. Answer them."
    sentence_zh = "{path} 应回答全部问题，尚有 {count} 项（见上）未答。请补充回答。"


class AnswersUnreadable(LedgerError):
    """A file of answers to a template isn't an object of JSON paths."""

    code = "ANSWERS_UNREADABLE"
    sentence_en = (
        'Expected {path} to hold answers by JSON path, such as {{"$.agreement": "HF-HN-2024"}}, '
        "but got: {detail}. Write the file to fill in: parkledger rules start TEMPLATE -o {path}"
    )
    sentence_zh = (
        '{path} 应按 JSON 路径填写回答，如 {{"$.agreement": "HF-HN-2024"}}，实际为：{detail}。'
        "可先写出待填文件：parkledger rules start TEMPLATE -o {path}"
    )


class OccurrenceUnreadable(LedgerError):
    """An option that should name an occurrence and its day doesn't."""

    code = "OCCURRENCE_UNREADABLE"
    sentence_en = (
        "Expected a name and a day, such as aid_fund_paid_in=2024-07-15, but got {written!r}. "
        "Use the name in the terms, and a day from 1949 to 2999."
    )
    sentence_zh = (
        "应为名称和日期，例如 aid_fund_paid_in=2024-07-15，实际为 {written!r}。"
        "名称须与条款一致，日期应在 1949 至 2999 年之间。"
    )


class EnterpriseUnknown(LedgerError):
    """An explanation was asked for an enterprise that has no figures."""

    code = "ENTERPRISE_UNKNOWN"
    sentence_en = "Expected the credit code of an enterprise with figures ({known}), but got {code}."
    sentence_zh = "应为有数据的企业的统一社会信用代码（{known}），实际为 {code}。"


class LogUnreachable(LedgerError):
    """The log's address gave no answer of use."""

    code = "LOG_UNREACHABLE"
    sentence_en = "Expected an answer of the log at {url}, but: {reason}. Check the address and try again."
    sentence_zh = "日志地址 {url} 没有给出可用的回答：{reason}。请核对地址后重试。"


class HeadsUnusable(LedgerError):
    """The file of heads isn't there yet and no key was given, or it is of another log."""

    code = "HEADS_UNUSABLE"
    sentence_en = (
        "Expected {path} to hold the heads of this log. To begin it, give the log's key as its operator gave "
        "it to you: --key KEY (`parkledger log key` prints it there)."
    )
    sentence_zh = (
        "{path} 应为该日志的检查点文件。首次使用请给出运维方提供的日志公钥：--key 公钥"
        "（运维方用 `parkledger log key` 打印）。"
    )


class CosignatureNotTaken(LedgerError):
    """The ledger refused a cosignature."""

    code = "COSIGNATURE_NOT_TAKEN"
    sentence_en = "The ledger didn't take the cosignature: {en}"
    sentence_zh = "账本未接受会签：{zh}"


class PartyKeyUnreadable(LedgerError):
    """An option that should name a party and its public key doesn't."""

    code = "PARTY_KEY_UNREADABLE"
    sentence_en = (
        "Expected a party's code and its public key (64 hexadecimal digits), such as EAST-ZONE=3b6a…, "
        "but got {written!r}."
    )
    sentence_zh = "应为主体编号和公钥（64 位十六进制），例如 EAST-ZONE=3b6a…，实际为 {written!r}。"


class SealUnreadable(LedgerError):
    """A seal that holds no nonce."""

    code = "SEAL_UNREADABLE"
    sentence_en = (
        "Expected {path} to hold a nonce of 64 hexadecimal digits, as parkledger seal writes it. "
        "Restore the file from your backup."
    )
    sentence_zh = "{path} 应为 parkledger seal 写出的 64 位十六进制随机数。请从备份恢复该文件。"
