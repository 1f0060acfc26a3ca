"""The page at ``/``: where to go from here, in both languages."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>园区合作账本 Parkledger</title>
<style>
body { font: 16px/1.7 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
code { background: #f2f2f2; padding: 0 .25rem; }
section { border-top: 1px solid #ccc; margin-top: 2rem; }
</style>
</head>
<body>
<h1>园区合作账本 Parkledger</h1>
<section lang="zh-CN">
<p>结对科技园区的共同账本：记录合作协议、收取季度申报、按签署的规则结算，有权者均可查询结果。</p>
<ul>
<li><a href="/ask">查询</a>（选择现成的查询、发送、查看结果，无需外网）</li>
<li><a href="/graphql">GraphQL 接口</a></li>
<li>下载申报表模板：<code>/files/template?agreement=协议编号&amp;role=角色&amp;quarter=2024Q3</code></li>
<li>下载结算表（txt、csv 或 json）：
<code>/files/statement?agreement=协议编号&amp;quarter=2024Q3&amp;language=zh&amp;format=txt</code></li>
<li><a href="/health">运行状态</a></li>
</ul>
<p>服务仅限本机访问。</p>
</section>
<section lang="en">
<p>The shared ledger of paired science parks: agreements are recorded, quarterly returns handed in
and settled by the signed rules, and anyone entitled reads the result.</p>
<ul>
<li><a href="/ask">Ask</a> (pick a ready document, send it, read the answer; needs no internet)</li>
<li><a href="/graphql">GraphQL</a> (the address for programs)</li>
<li>Template of a return: <code>/files/template?agreement=CODE&amp;role=ROLE&amp;quarter=2024Q3</code></li>
<li>Statement (txt, csv or json):
<code>/files/statement?agreement=CODE&amp;quarter=2024Q3&amp;language=en&amp;format=txt</code></li>
<li><a href="/health">Health</a></li>
</ul>
<p>The server answers only on this machine.</p>
</section>
</body>
</html>
"""
