"""Which texts are nginx's: by their directives, each a known name at a place where it may stand."""

from __future__ import annotations

import re

from readiness.model import ParseError, Source
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import nginx as syntax
from readiness.syntax.nginx_heads import StatementHead, statement_heads
from readiness.syntax.template import blank_out_template_marks, find_template_marks

_MAX_JUDGED_CHARACTERS = 65_536
# Endings of other languages. In a folder of sites a file is called by its domain: there `.rs` is no Rust.
_OTHER_LANGUAGE_SUFFIX = lazy_regex(
    r"\.(?:ya?ml|json|toml|ini|service|timer|socket|md|txt|xml|html?|py|js|ts|go|rb|php|java|c|h|cpp|rs|sh|css|scss|sql|tf|hcl|env|pem|crt"
    r"|proto|lua|lock|log|csv|desktop|repo|cmake|gradle|kt|swift|cs|scala|ps1|bat|mk|pl|pm|t|r|properties)$",
    re.IGNORECASE,
)
# Of these a file that is called nginx (`nginx/nginx.go`) is a program all the same, unless the whole of it can be read as nginx's.
_PROGRAM_SUFFIX = lazy_regex(r"\.(?:html?|py|js|ts|go|rb|php|java|c|h|cpp|rs|sh|css|scss|sql|lua|kt|swift|cs|scala|ps1|bat|pl|pm)$", re.IGNORECASE)
_NGINX_PATH_HINT = lazy_regex(
    r"nginx|(?:^|/)(?:sites-(?:available|enabled)|vhosts?|conf\.d|snippets)(?:/|$)|\.(?:nginx|vhost)(?:\.|$)"
    r"|\.conf\.(?:template|tmpl|tpl|in)$",
    re.IGNORECASE,
)
# Names that nginx's files have, besides those with its own name in them: no ending, its own endings, copies and templates of
# such, and in a folder of sites any name.
_USUAL_NGINX_FILENAME = lazy_regex(
    r"(?:^|/)[^/.]+$|\.(?:conf|cnf|nginx|vhost|site|inc|params|types)(?:\.[\w-]+)?$"
    r"|(?:^|/)(?:sites-(?:available|enabled)|vhosts?)/[^/]+$",
    re.IGNORECASE,
)
_NGINX_ONLY_WORD = lazy_regex(
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
_UNMISTAKABLE_DIRECTIVE = lazy_regex(
    r"(?:proxy|fastcgi|uwsgi|scgi|grpc)_[a-z_]+|add_header|server_name|try_files|limit_(?:req|conn)(?:_zone)?"
    r"|ssl_certificate(?:_key)?|real_ip_[a-z]+|set_real_ip_from|sub_filter"
)
_SHARED_BLOCK_WORDS = frozenset("location server http events stream mail if map geo types match".split())
_SHARED_SIMPLE_DIRECTIVE_WORDS = frozenset(
    """server mail set return break include listen root alias index allow deny internal geo user expires charset resolver env pid
    keepalive least_conn ip_hash hash random zone state queue ntlm gunzip perl empty_gif flv mp4 dav charset_types etag ranges
    default hostnames volatile mirror slice api""".split()
)
# A word that others share, in the block where nginx has it.
_NGINX_BLOCK_AND_DIRECTIVE_PAIRS = frozenset(
    {
        ("http", "server"), ("http", "include"), ("stream", "server"), ("upstream", "server"), ("server", "listen"),
        ("server", "root"), ("server", "index"), ("server", "return"), ("location", "root"), ("location", "alias"),
        ("location", "index"), ("location", "return"), ("location", "deny"), ("location", "allow"), ("location", "internal"),
    }
)  # fmt: skip
# A first look: no text without a word of nginx at the beginning of something is split any further.
_KNOWN_WORD_AT_START = lazy_regex(
    rf"(?:^|[;{{}}])[ \t]*+(?:{_NGINX_ONLY_WORD.pattern}|{'|'.join(sorted(_SHARED_BLOCK_WORDS | _SHARED_SIMPLE_DIRECTIVE_WORDS))})"
    rf"(?=[ \t\r\n;{{]|\Z)",
    re.MULTILINE,
)
_MAX_FOREIGN_STATEMENTS = 50  # so many statements of another language, more than are nginx's, settle it
# What `set`, `map` and `if` begin with: a variable, a test of a file; C writes a name behind the bracket.
_VARIABLE_OR_CONDITION_STARTS = ("$", "($", "(-", "(!-", '("', "('")
_LOCATION_MODIFIERS = ("=", "~", "~*", "^~")
_OTHER_LANGUAGE_PREFIXES = ("<", "[")  # the heads of Apache's and PHP's files, and of sections


def recognizes_file(path: str, text: str) -> bool:
    """Whether a text is nginx's: most of its statements begin with words of nginx, at the top as well as below it.

    Words that nothing else uses count by themselves; those that others share (`server`, `include`) need a path that
    speaks of nginx, or the block where nginx has them. What stands in comments and quotes is no sign of anything. A file with
    an ending that nobody gives to nginx's must parse too: it is no broken configuration, but another language.
    """
    has_nginx_in_file_name = "nginx" in path.rpartition("/")[2].lower()
    has_usual_file_name = has_nginx_in_file_name or _USUAL_NGINX_FILENAME.search(path) is not None
    if _OTHER_LANGUAGE_SUFFIX.search(path) and not has_usual_file_name:
        return False
    judged_text = text[:_MAX_JUDGED_CHARACTERS]
    path_hints_at_nginx = _NGINX_PATH_HINT.search(path) is not None
    if judged_text.startswith("#!") or not (path_hints_at_nginx or ";" in judged_text or "{" in judged_text):
        return False
    if not _KNOWN_WORD_AT_START.search(judged_text):
        return False
    judged_text = blank_out_template_marks(judged_text, find_template_marks(judged_text))
    certain_statement_count, fitting_statement_count, foreign_statement_count, top_level_balance = 0, 0, 0, 0
    for statement_head in statement_heads(judged_text):
        if statement_head.first_word.startswith(_OTHER_LANGUAGE_PREFIXES):
            return False
        if statement_head.first_word[:1] in {"$", "@", "%"}:
            continue  # another program puts something in here
        if _is_certainly_nginx_statement(statement_head, path_hints_at_nginx=path_hints_at_nginx):
            certain_statement_count += 1
        elif _may_be_nginx_statement(statement_head, path_hints_at_nginx=path_hints_at_nginx):
            fitting_statement_count += 1
        else:
            foreign_statement_count += 1
            top_level_balance -= 2 * (not statement_head.block_name)
            if foreign_statement_count > max(_MAX_FOREIGN_STATEMENTS, certain_statement_count + fitting_statement_count):
                return False
        top_level_balance += not statement_head.block_name
    nginx_statement_count = certain_statement_count + fitting_statement_count
    is_nginx_text = (
        nginx_statement_count > 0 and nginx_statement_count >= foreign_statement_count and (top_level_balance >= 0 or has_nginx_in_file_name)
        if path_hints_at_nginx
        else certain_statement_count > 0 and nginx_statement_count > 2 * foreign_statement_count and top_level_balance >= 0
    )
    is_surely_no_program = _PROGRAM_SUFFIX.search(path) is None or _USUAL_NGINX_FILENAME.search(path) is not None
    return is_nginx_text and ((has_usual_file_name and is_surely_no_program) or "#" in path or _is_parsable_as_nginx(path, text))


def _is_certainly_nginx_statement(statement_head: StatementHead, *, path_hints_at_nginx: bool) -> bool:
    """Whether a statement can be nothing but nginx's: by its first word, or by what follows it."""
    if statement_head.second_word.startswith("=") and statement_head.first_word != "location":
        return False  # `key = value`
    if statement_head.first_word == "location":
        has_location_modifier = statement_head.second_word in _LOCATION_MODIFIERS and statement_head.word_count == 3
        return statement_head.terminator == "{" and (
            has_location_modifier or (statement_head.word_count == 2 and statement_head.second_word.startswith(("/", "@", *_LOCATION_MODIFIERS)))
        )
    if statement_head.first_word in {"map", "geo", "set", "if"}:
        has_operand = statement_head.second_word == "(" or statement_head.second_word.startswith(_VARIABLE_OR_CONDITION_STARTS)
        return statement_head.terminator in {";", "{"} and has_operand
    if not statement_head.terminator:
        return path_hints_at_nginx and _UNMISTAKABLE_DIRECTIVE.fullmatch(statement_head.first_word) is not None and statement_head.word_count > 1
    return _NGINX_ONLY_WORD.fullmatch(statement_head.first_word) is not None or (
        (statement_head.block_name, statement_head.first_word) in _NGINX_BLOCK_AND_DIRECTIVE_PAIRS
        and _may_be_nginx_statement(statement_head, path_hints_at_nginx=path_hints_at_nginx)
    )


def _may_be_nginx_statement(statement_head: StatementHead, *, path_hints_at_nginx: bool) -> bool:
    """Whether a word that others share stands as nginx has it: with a block, or with an end.

    Over several lines its own end may be missing, which makes it a broken statement of nginx in a file that is called so.
    """
    if statement_head.second_word.startswith("="):
        return False
    if statement_head.terminator == "{" and statement_head.first_word in _SHARED_BLOCK_WORDS:
        return statement_head.first_word not in {"server", "http", "events", "stream", "mail", "types"} or (statement_head.word_count == 1)
    if statement_head.first_word not in _SHARED_SIMPLE_DIRECTIVE_WORDS:
        return False
    return statement_head.terminator == ";" or (path_hints_at_nginx and statement_head.word_count > 1 and statement_head.terminator in {"{", "}"})


def _is_parsable_as_nginx(path: str, text: str) -> bool:
    try:
        syntax.parse_nginx(Source(path, text))
    except ParseError:
        return False
    return True
