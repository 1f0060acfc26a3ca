"""The page at ``/ask``: write a document, send it, read the answer. It needs nothing from another server."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache

from ledger_graphql.documents import documents
from ledger_graphql.security_headers import content_policy

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>查询 Ask · 园区合作账本 Parkledger</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
label { display: block; margin-top: 1rem; }
select, textarea { width: 100%; box-sizing: border-box; font: 14px/1.5 ui-monospace, monospace; }
pre { background: #f2f2f2; padding: 1rem; overflow: auto; white-space: pre-wrap; }
</style>
</head>
<body>
<h1>查询 Ask</h1>
<p>选择现成的查询或自行编写，填写变量后发送。本页不加载任何外部内容。
<span lang="en">Pick a ready document or write your own, fill in its variables and send it.
This page loads nothing from elsewhere.</span> <a href="/">首页 Home</a></p>
<form method="post" action="/sign-out"><button>退出登录 Sign out</button></form>
<form id="form">
<label>现成的查询 <span lang="en">Ready documents</span>
<select id="ready"><option value="">—</option></select></label>
<label>查询 <span lang="en">Document</span>
<textarea id="query" rows="18" spellcheck="false" required>
{ zones(first: 3) { edges { node { code nameZh } } } }
</textarea></label>
<label>变量（JSON） <span lang="en">Variables (JSON)</span>
<textarea id="variables" rows="6" spellcheck="false">{}</textarea></label>
<p><button>发送 Send</button></p>
</form>
<pre id="answer" aria-live="polite"></pre>
<script type="application/json" id="documents">DOCUMENTS</script>
<script>
const part = (id) => document.getElementById(id);
const ready = JSON.parse(part("documents").textContent);
for (const name of Object.keys(ready)) part("ready").add(new Option(name, name));
part("ready").onchange = (event) => {
  if (event.target.value) part("query").value = ready[event.target.value];
};
part("form").onsubmit = async (event) => {
  event.preventDefault();
  const shown = part("answer");
  shown.textContent = "…";
  try {
    const body = {
      query: part("query").value,
      variables: JSON.parse(part("variables").value || "{}"),
    };
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    try {
      shown.textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      shown.textContent = text;
    }
  } catch (error) {
    shown.textContent = String(error);
  }
};
</script>
</body>
</html>
"""


@cache
def page() -> str:
    """The whole page. A document can't end the element that holds it: "<" is written as an escape."""
    return _PAGE.replace("DOCUMENTS", json.dumps(documents(), ensure_ascii=False).replace("<", "\\u003c"))


@cache
def policy() -> str:
    """The content security policy of the page: its own script runs, known by its hash, and no other."""
    script = _PAGE.partition("<script>")[2].partition("</script>")[0]
    source = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return content_policy(f"'sha256-{source}'")
