"""Which texts are nginx's: by their directives, each a known name at a place where it may stand."""

from __future__ import annotations

import re

from readiness.model import ParseError, Source
from readiness.syntax import nginx as syntax
from readiness.syntax.nginx_heads import StatementHead, statement_heads
from readiness.syntax.template import find_marks, without_marks

_MAX_HEAD_CHARACTERS = 65_536
# Endings of other languages. In a folder of sites a file is called by its domain: there `.rs` is no Rust.
_NON_NGINX_SUFFIX = re.compile(
    r"\.(?:ya?ml|json|toml|ini|service|timer|socket|md|txt|xml|html?|py|js|ts|go|rb|php|java|c|h|cpp|rs|sh|css|scss|sql|tf|hcl|env|pem|crt"
    r"|proto|lua|lock|log|csv|desktop|repo|cmake|gradle|kt|swift|cs|scala|ps1|bat|mk|pl|pm|t|r|properties)$",
    re.IGNORECASE,
)
_NGINX_PATH_HINT = re.compile(
    r"nginx|(?:^|/)(?:sites-(?:available|enabled)|vhosts?|conf\.d|snippets)(?:/|$)|\.(?:nginx|vhost)(?:\.|$)"
    r"|\.conf\.(?:template|tmpl|tpl|in)$",
    re.IGNORECASE,
)
# Names that nginx's files have, besides those with its own name in them: no ending, its own endings, copies and templates of
# such, and in a folder of sites any name.
_USUAL_NGINX_FILENAME = re.compile(
    r"(?:^|/)[^/.]+$|\.(?:conf|cnf|nginx|vhost|site|inc|params|types)(?:\.[\w-]+)?$"
    r"|(?:^|/)(?:sites-(?:available|enabled)|vhosts?)/[^/]+$",
    re.IGNORECASE,
)
_NGINX_ONLY_WORD = re.compile(
    r"(?:(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached|gzip|brotli|client|limit_(?:req|conn|rate|except)|ssl|auth_(?:basic|request|jwt|oidc)"
    r"|keepalive|worker|open_file_cache|sub_filter|more_(?:set|clear)|error|access|server|real_ip|set_real_ip"
    r"|large_client|default|log|types_hash|map_hash|send|tcp|lingering|reset_timedout|merge|variables_hash|output|postpone|recursive|etag"
    r"|stub|status|satisfy|valid|try|split|charset|ignore|if_modified|aio|directio|resolver|http2|http3|quic|chunked|port_in"
    r"|absolute_redirect|msie|source_charset|underscores_in|security|upstream|js|lua|content_by|rewrite_by|access_by|init_by|expires"
    r"|zone|least|ip|hash|health|secure_link|random_index|image_filter|autoindex|load)_[a-z0-9_]+"
    r"|add_(?:header|trailer)(?:_inherit)?|auth_(?:basic|request)|limit_(?:req|conn|rate)|etag|sendfile|pcre_jit"
    r"|autoindex|quic_bpf|server_tokens|satisfy|proxy_pass|stub_status|upstream|rewrite|limit_except"
    r"|split_clients|valid_referers|http2|http3|daemon|load_module)"
)
# Words that no other program's configuration begins a line with: enough without the semicolon that is missing.
_UNMISTAKABLE_DIRECTIVE = re.compile(
    r"(?:proxy|fastcgi|uwsgi|scgi|grpc)_[a-z_]+|add_header|server_name|try_files|limit_(?:req|conn)(?:_zone)?"
    r"|ssl_certificate(?:_key)?|real_ip_[a-z]+|set_real_ip_from|sub_filter"
)
_BLOCK_WORDS_SHARED = frozenset("location server http events stream mail if map geo types match".split())
_SIMPLE_WORDS_SHARED = frozenset(
    """server mail set return break include listen root alias index allow deny internal geo user expires charset resolver env pid
    keepalive least_conn ip_hash hash random zone state queue ntlm gunzip perl empty_gif flv mp4 dav charset_types etag ranges
    default hostnames volatile mirror slice api""".split()
)
# A word that others share, in the block where nginx has it.
_BLOCK_AND_DIRECTIVE_PAIRS = frozenset(
    {
        ("http", "server"), ("http", "include"), ("stream", "server"), ("upstream", "server"), ("server", "listen"),
        ("server", "root"), ("server", "index"), ("server", "return"), ("location", "root"), ("location", "alias"),
        ("location", "index"), ("location", "return"), ("location", "deny"), ("location", "allow"), ("location", "internal"),
    }
)  # fmt: skip
# A first look: no text without a word of nginx at the beginning of something is split any further.
_KNOWN_WORD_AT_START = re.compile(
    rf"(?:^|[;{{}}])[ \t]*+(?:{_NGINX_ONLY_WORD.pattern}|{'|'.join(sorted(_BLOCK_WORDS_SHARED | _SIMPLE_WORDS_SHARED))})(?=[ \t\r\n;{{]|\Z)",
    re.MULTILINE,
)
_ENOUGH_FOREIGN_STATEMENTS = 50  # so many statements of another language, more than are nginx's, settle it
_LOCATION_MODIFIERS = ("=", "~", "~*", "^~")
_OTHER_LANGUAGE = ("<", "[")  # the heads of Apache's and PHP's files, and of sections


def recognizes_file(path: str, text: str) -> bool:
    """Whether a text is nginx's: most of its statements begin with words of nginx, at the top as well as below it.

    Words that nothing else uses count by themselves; those that others share (`server`, `include`) need a path that
    speaks of nginx, or the block where nginx has them. What stands in comments and quotes is no sign of anything. A file with
    an ending that nobody gives to nginx's must parse too: it is no broken configuration, but another language.
    """
    named = "nginx" in path.rpartition("/")[2].lower()
    usual = named or _USUAL_NGINX_FILENAME.search(path) is not None
    if _NON_NGINX_SUFFIX.search(path) and not usual:
        return False
    head = text[:_MAX_HEAD_CHARACTERS]
    hinted = _NGINX_PATH_HINT.search(path) is not None
    if head.startswith("#!") or not (hinted or ";" in head or "{" in head):
        return False
    if not _KNOWN_WORD_AT_START.search(head):
        return False
    head = without_marks(head, find_marks(head))
    strong, weak, other, top = 0, 0, 0, 0
    for head_word in statement_heads(head):
        if head_word.first_word.startswith(_OTHER_LANGUAGE):
            return False
        if head_word.first_word[:1] in {"$", "@", "%"}:
            continue  # another program puts something in here
        if _is_nginx_statement(head_word, path_hints_at_nginx=hinted):
            strong += 1
        elif _is_fitting_statement(head_word, path_hints_at_nginx=hinted):
            weak += 1
        else:
            other += 1
            top -= 2 * (not head_word.block_name)
            if other > max(_ENOUGH_FOREIGN_STATEMENTS, strong + weak):
                return False
        top += not head_word.block_name
    known = strong + weak
    is_ours = known > 0 and known >= other and (top >= 0 or named) if hinted else strong > 0 and known > 2 * other and top >= 0
    return is_ours and (usual or "#" in path or _is_parsable(path, text))


def _is_nginx_statement(head: StatementHead, *, path_hints_at_nginx: bool) -> bool:
    """Whether a statement can be nothing but nginx's: by its first word, or by what follows it."""
    if head.second_word.startswith("=") and head.first_word != "location":
        return False  # `key = value`
    if head.first_word == "location":
        signed = head.second_word in _LOCATION_MODIFIERS and head.word_count == 3
        return head.terminator == "{" and (
            signed or (head.word_count == 2 and head.second_word.startswith(("/", "@", *_LOCATION_MODIFIERS)))
        )
    if head.first_word in {"map", "geo", "set", "if"}:
        return head.terminator in {";", "{"} and head.second_word.startswith(("$", "($", "(-", "(!-", "("))
    if not head.terminator:
        return path_hints_at_nginx and _UNMISTAKABLE_DIRECTIVE.fullmatch(head.first_word) is not None and head.word_count > 1
    return _NGINX_ONLY_WORD.fullmatch(head.first_word) is not None or (
        (head.block_name, head.first_word) in _BLOCK_AND_DIRECTIVE_PAIRS
        and _is_fitting_statement(head, path_hints_at_nginx=path_hints_at_nginx)
    )


def _is_fitting_statement(head: StatementHead, *, path_hints_at_nginx: bool) -> bool:
    """Whether a word that others share stands as nginx has it: with a block, or with an end.

    Over several lines its own end may be missing, which makes it a broken statement of nginx in a file that is called so.
    """
    if head.second_word.startswith("="):
        return False
    if head.terminator == "{" and head.first_word in _BLOCK_WORDS_SHARED:
        return head.first_word not in {"server", "http", "events", "stream", "mail", "types"} or (head.word_count == 1)
    if head.first_word not in _SIMPLE_WORDS_SHARED:
        return False
    return head.terminator == ";" or (path_hints_at_nginx and head.word_count > 1 and head.terminator in {"{", "}"})


def _is_parsable(path: str, text: str) -> bool:
    try:
        syntax.parse_nginx(Source(path, text))
    except ParseError:
        return False
    return True
