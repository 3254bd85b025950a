// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The style sheet of the HTML report: system fonts, light and dark by the reader's preference, one column that fits
/// 400 px, and filters that are check boxes, so that the page needs no script.
enum HTMLStyle {
    static let sheet: StaticString = """
        :root{--page:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5a6675;--line:#dde2e8;--link:#0b57a4;
        --critical:#8e1022;--high:#c4321c;--medium:#9a6200;--low:#1f6aa5;--info:#5a6675;--good:#1c7a42}
        @media (prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2028;--ink:#e4e8ee;--soft:#9aa6b5;
        --line:#303945;--link:#7db7f2;--critical:#ff7a8c;--high:#ff8f70;--medium:#e8b04a;--low:#74b6ec;--info:#9aa6b5;
        --good:#63c98b}}
        *{box-sizing:border-box}
        html{color-scheme:light dark}
        body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
        main,header{max-width:1120px;margin:0 auto;padding:0 16px}
        header{padding-top:28px}
        h1{font-size:24px;margin:0}
        h2{font-size:18px;margin:32px 0 12px}
        h3{font-size:15px;margin:0;overflow-wrap:anywhere}
        p{margin:6px 0}
        a{color:var(--link)}
        code{font:13px/1.45 ui-monospace,monospace;overflow-wrap:anywhere}
        .soft{color:var(--soft);overflow-wrap:anywhere}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(104px,1fr));gap:10px;margin:18px 0}
        .card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
        .card b{display:block;font-size:24px;line-height:1.25}
        .filters{display:flex;flex-wrap:wrap;gap:4px 16px;margin:14px 0}
        .subject,.check{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;
        margin:12px 0;overflow-wrap:anywhere}
        .subject ul{list-style:none;margin:8px 0 0;padding:0}
        .subject li{border-top:1px solid var(--line);padding:8px 0;display:grid;grid-template-columns:84px 112px 1fr;
        gap:2px 10px}
        .subject li>*{min-width:0}
        .evidence{grid-column:3}
        .badge{font-weight:600}
        .critical .badge{color:var(--critical)}
        .high .badge{color:var(--high)}
        .medium .badge,.warn .badge{color:var(--medium)}
        .low .badge{color:var(--low)}
        .informational .badge,.unknown .badge,.skip .badge{color:var(--info)}
        .pass .badge{color:var(--good)}
        .error .badge{color:var(--critical)}
        .box{border:1px solid var(--line);border-radius:4px;padding:0 6px;font-size:13px;color:var(--soft)}
        .check:target{outline:2px solid var(--link)}
        dl{margin:6px 0 0}
        dt{font-weight:600;margin-top:6px}
        dd{margin:0}
        body:has(#f-critical:not(:checked)) li.critical,body:has(#f-high:not(:checked)) li.high,
        body:has(#f-medium:not(:checked)) li.medium,body:has(#f-low:not(:checked)) li.low,
        body:has(#f-informational:not(:checked)) li.informational,body:has(#f-pass:not(:checked)) li.pass,
        body:has(#f-skip:not(:checked)) li.skip{display:none}
        @media (max-width:620px){.subject li{grid-template-columns:auto 1fr}.message,.evidence{grid-column:1/-1}}
        @media print{body{background:#fff}.filters{display:none}}

        """
}
