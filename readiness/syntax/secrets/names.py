"""Names: which variables hold a secret, which only sound like it, and which secrets let somebody in where they are set."""

from __future__ import annotations

import re

from readiness.model.lazy_regex import lazy_regex

# Names are compared word by word (camelCase, snake_case and kebab-case come apart), so that `KEYBOARD`, `TOKENIZER`
# and `PASSWORD_FILE` are told from what they resemble.
PASSWORD_WORDS = frozenset("password passwd pwd passphrase pass psw pswd pw".split())
SECRET_WORDS = PASSWORD_WORDS | frozenset("secret secrets credential credentials apikey".split())
SECRET_WORD_PAIRS = frozenset(
    (first, "key")
    for first in """api access secret private encryption signing master auth account storage service license shared app jwt
    session enc admin""".split()
)
TOKEN_WORDS = frozenset({"token", "tokens"})
# The last word says what a value is about: `PASSWORD_HASHER` names a function, `TOKEN_TTL` is a time, `SECRET_NAME` a name.
_NON_SECRET_LAST_WORDS = frozenset(
    """
    file files path dir directory name names ref url uri endpoint host port ttl expiry expiration expires expire timeout
    duration seconds minutes hours days age length len size count limit limits max min policy policies type mode algorithm
    alg algo format enabled enable disabled disable required require allowed allow regex pattern field fields header
    headers prefix suffix issuer audience version provider providers engine store backend manager namespace arn class
    rotation interval strategy validation location mount volume command cmd script env var variable claim claims scope
    scopes username user reset change attempts retries rounds label labels annotation placeholder hint bytes bits strength
    complexity index alias group role budget window cache
    hasher hashers hashing encoder encoders encoding generator generators validator validators checker checks rule rules
    prompt prompts helper helpers message messages title description icon input mapping lifetime lifespan history lockout
    iterations cost feature features server source sources handler factory resolver client driver plugin module package
    image tag domain region realm schema table column property parameter option options flag flags switch event status
    state level service operator controller webhook template
    """.split()
)
_SWITCH_FIRST_WORDS = frozenset({"no", "allow", "use", "enable", "disable", "require", "install"})
_SECRET_REFERENCE_FIRST_WORDS = frozenset({"existing", "from"})  # `existingSecret`, `from_secret`: whose name follows
# Written together with what they belong to: `PGPASSWORD`, `DBPASS`, `rootpw`, `accountkey`.
_PASSWORD_COMPOUND_WORD = lazy_regex(
    r"(?!no|ask|by|com|encom|keep|tres|sur|over|under|multi)[a-z]{2,20}(?:passw(?:or)?d|passphrase|pass)\Z"
    r"|(?:db|pg|sql|mysql|postgres|redis|mongo|root|admin|user|app|http|ftp|smtp|mail|ldap|bind|auth|rpc|api|my)(?:pwd|pw)\Z"
)
_KEY_COMPOUND_WORD = lazy_regex(r"[a-z]{0,20}(secret|account|access|private|encryption|master)key\Z")
_NGINX_PASS_DIRECTIVE = lazy_regex(r"(?:[a-z0-9_]{0,40}_)?(?:proxy|fastcgi|uwsgi|grpc|scgi)_pass\Z")  # of nginx: where requests go
_NON_SECRET_SWITCH_WORDS = frozenset({"allow", "require", "requires"})  # MYSQL_ALLOW_EMPTY_PASSWORD, wherever it stands
# What is counted, and what a page makes up for itself.
_NON_SECRET_TOKEN_WORDS = frozenset("max min num total per csrf output input prompt completion".split())
_CREDENTIAL_KEYS_OF_SECRET_OBJECTS = frozenset({"tls.key", "ssh-privatekey", ".dockerconfigjson", ".dockercfg"})
# What is kept in Secret objects: before `Secret` these say what is in the one that is named.
_SECRET_OBJECT_CONTENT_WORDS = frozenset(
    "key keys credential credentials cert certs certificate certificates tls ssl ca pull password license".split()
)
# Before `secret` these say that it is the application's own.
_APPLICATION_SECRET_WORDS = frozenset("jwt session app cookie encryption signing client oauth webhook shared hmac".split())
# Before these a secret's word says whose or which one it is: `PASSWORD_ADMIN`, `SECRET_KEY_BASE`.
_QUALIFIER_LAST_WORDS = frozenset("key value base default admin root prod production".split())
_SECRET_SUBSTRINGS = (
    "pass",
    "secret",
    "key",
    "token",
    "pwd",
    "psw",
    "pw",
    "credential",
)  # one is in each
_NAME_WORD = lazy_regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# As wide as Docker's own check: any of these words, wherever in the name it stands.
_WIDE_SECRET_NAME = lazy_regex(
    r"(?:\A|_)(?:api_?key|access_?key|secret_?key|private_?key|auth_?token|credentials?|passw(?:or)?d"
    r"|pword|passphrase|secrets?|token|ssh_key|deploy_key|basic_auth|pswd?)(?:_|\Z)"
)
_WIDE_NON_SECRET_NAME = lazy_regex(r"_(?:expir\w{0,40}|(?<!key_)id)\Z|public")

# Sent to every browser, and meant to be.
_PUBLIC_WORDS = frozenset({"public", "publishable", "anon"})
# A password beside these opens a file, whoever is named with it: `CLIENT_KEYSTORE_PASSWORD`.
_KEY_STORE_WORDS = frozenset({"key", "keystore", "store"})
# Given out by somebody else: a word in their place opens nothing, it only fails.
_EXTERNAL_ISSUER_WORDS = frozenset(
    """
    smtp mail mailer email imap client oauth oauth2 oidc api apikey access aws s3 gcp google azure github gitlab slack stripe
    openai anthropic telegram discord twilio sendgrid mailgun recaptcha captcha sentry npm pypi dockerhub registry license
    webhook bot
    """.split()
)
_STORE_PASSWORD_NAME = lazy_regex(
    r"(?:POSTGRES(?:QL)?|POSTGRESQL_POSTGRES|MYSQL|MYSQL_ROOT|MARIADB|MARIADB_ROOT|MONGO_INITDB_ROOT|MONGODB_ROOT|REDIS|MSSQL_SA|SA"
    r"|ORACLE|MINIO_ROOT|RABBITMQ_DEFAULT|ELASTIC|OPENSEARCH_INITIAL_ADMIN|CLICKHOUSE|NEO4J|COUCHDB|CASSANDRA|INFLUXDB_ADMIN"
    r"|DOCKER_INFLUXDB_INIT)_PASS(?:WORD)?"
)


def name_words(name: str) -> list[str]:
    """The words of a name, lower case: `dbPassword`, `DB_PASSWORD` and `db-password` are the same two.

    A word that ends with a password's is one: `PGPASSWORD`.
    """
    lower_case_words: list[str] = []
    for word in map(str.lower, _NAME_WORD.findall(name)):
        key_compound_match = _KEY_COMPOUND_WORD.match(word)
        if key_compound_match:
            lower_case_words += [key_compound_match[1], "key"]
        else:
            lower_case_words.append("password" if _PASSWORD_COMPOUND_WORD.match(word) else word)
    return lower_case_words


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, by the words that it is made of."""
    if _NGINX_PASS_DIRECTIVE.match(name):
        return False
    words_of_name = name_words(name)
    while len(words_of_name) > 1 and words_of_name[-1].isdigit():
        words_of_name.pop()  # `PASSWORD_2` only counts
    if not words_of_name or words_of_name[0] in _SWITCH_FIRST_WORDS | _SECRET_REFERENCE_FIRST_WORDS or _NON_SECRET_SWITCH_WORDS & set(words_of_name):
        return False
    if words_of_name[-1] == "credentials" and words_of_name[-2:-1] in (["key"], ["keystore"], ["truststore"]):
        return False  # Confluent's images: the name of a file that holds it
    if words_of_name[-1] in SECRET_WORDS or (len(words_of_name) > 1 and (words_of_name[-2], words_of_name[-1]) in SECRET_WORD_PAIRS):
        return True
    if words_of_name[-3:] == ["initial", "cluster", "token"]:
        return False  # etcd: a name that keeps clusters apart
    if words_of_name[-1] in TOKEN_WORDS:  # MAX_TOKENS is a number, ACCESS_TOKEN is not
        return not _NON_SECRET_TOKEN_WORDS & set(words_of_name)
    return words_of_name[-1] in _QUALIFIER_LAST_WORDS and bool(SECRET_WORDS & set(words_of_name[:-1]))


def is_password_name(name: str) -> bool:
    """Whether a name is that of a password: something that a person may have chosen, as short as it likes."""
    return bool(PASSWORD_WORDS & set(name_words(name)))


def has_secret_word(name: str) -> bool:
    """Whether a name holds a secret's word anywhere, as `PASSWORD_HASHER` does: wider than `is_secret_name`.

    So go Docker's own check and people's eyes; what such a variable is, its value tells.
    """
    snake_case_name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    if snake_case_name in ("pwd", "oldpwd"):
        return False  # the shell's working folder
    if snake_case_name.endswith("secret_id") and not re.search("vault|role", snake_case_name):
        return False  # the name of a secret; Vault's is one itself
    if is_secret_name(name):
        return True
    words_of_name = name_words(name)
    is_about_secret_only = (
        not words_of_name
        or words_of_name[-1] in _NON_SECRET_LAST_WORDS
        or "prompt" in words_of_name
        or bool(_NON_SECRET_SWITCH_WORDS & set(words_of_name))
    )
    return bool(_WIDE_SECRET_NAME.search(snake_case_name)) and not is_about_secret_only and not _WIDE_NON_SECRET_NAME.search(snake_case_name)


def is_public_name(name: str) -> bool:
    """Whether a name says that its value is meant for everybody: `NEXT_PUBLIC_API_KEY`, a publishable key."""
    return bool(_PUBLIC_WORDS & set(name_words(name)))


def grants_access_by_itself(name: str) -> bool:
    """Whether what stands under a name is itself what lets somebody in where it is set.

    A store takes its root password from the variable, an application signs with the key that it is given: any word
    works, and who knows the word is in. A key for somebody else's service is theirs to give: a word in its place
    only fails.
    """
    words = name_words(name)
    distinct_words = set(words)
    if distinct_words & _KEY_STORE_WORDS and distinct_words & PASSWORD_WORDS:
        return True
    if words[-2:] == ["key", "base"]:
        return True  # Rails' secrets, GITLAB_SECRETS_DB_KEY_BASE among them
    if distinct_words & _EXTERNAL_ISSUER_WORDS and not {"root", "admin"} & distinct_words:
        return False
    application_secret_words = PASSWORD_WORDS | {
        "secret",
        "secrets",
        "encryption",
        "signing",
        "jwt",
        "session",
        "master",
    }
    return bool(distinct_words & application_secret_words) or words[-2:] == ["app", "key"]  # Laravel's APP_KEY


def is_secret_reference_name(name: str) -> bool:
    """Whether a name in the way of manifests asks for the name of a Secret or of a key in one: `tlsSecret`, `adminPasswordKey`."""
    words_of_name = name_words(name)
    if not _is_manifest_style(name) or len(words_of_name) < 2:
        return False
    if words_of_name[-1] == "key":
        return words_of_name[-2] in PASSWORD_WORDS | TOKEN_WORDS
    return words_of_name[-1] in ("secret", "secrets") and words_of_name[-2] in _SECRET_OBJECT_CONTENT_WORDS


def may_be_secret_reference_name(name: str) -> bool:
    """Whether a name in the way of manifests may ask for a Secret's name, or for the secret itself; its value tells."""
    words_of_name = name_words(name)
    if not _is_manifest_style(name) or words_of_name[-2:-1] in [[own] for own in _APPLICATION_SECRET_WORDS]:
        return False
    return words_of_name[-1] in ("secret", "secrets") or name == "secretKey"


def may_be_secret_object_name(name: str) -> bool:
    """Whether a variable may hold what a Secret object is called: `OPERATOR_SECRET`, and not `JWT_SECRET`, which an application signs with."""
    words_of_name = name_words(name)
    return len(words_of_name) > 1 and words_of_name[-1] in ("secret", "secrets") and words_of_name[-2] not in _APPLICATION_SECRET_WORDS


def _is_manifest_style(name: str) -> bool:
    """Whether a name is written as keys of manifests and values are, and no variable of an environment."""
    return any(map(str.islower, name)) and name[0].islower()


def is_secret_object_credential_key(name: str) -> bool:
    """Whether a name is a key of a typed Secret object whose value is a credential whatever it looks like."""
    return name in _CREDENTIAL_KEYS_OF_SECRET_OBJECTS


def is_access_key_name(name: str) -> bool:
    """Whether a name is that of the half of a pair that says who: an access key, beside a secret key."""
    words_of_name = name_words(name)
    return words_of_name[-2:] == ["access", "key"] and "secret" not in words_of_name


def is_signing_key_name(name: str) -> bool:
    """Whether a name is that of a key which an application makes up for itself, as Django's SECRET_KEY.

    A build step or a test only needs some value for it to start.
    """
    return grants_access_by_itself(name) and not is_password_name(name)


def is_application_key_name(name: str) -> bool:
    """Whether a name says itself that an application signs or encrypts with what stands there: JWT_SECRET, dataEncryptionKey.

    A SECRET_KEY does so too, and is given any word where a build or a test needs one.
    """
    return is_signing_key_name(name) and not {"jwt", "session", "signing", "encryption"}.isdisjoint(name_words(name))


def is_store_password_name(name: str) -> bool:
    """Whether a variable is the one by which an image of a store takes its first password: who sets it starts the store."""
    return bool(_STORE_PASSWORD_NAME.fullmatch(name.upper()))


def is_truststore_password_name(name: str) -> bool:
    """Whether a password is that of a truststore: there is nothing secret in one."""
    return bool({"truststore", "cacerts"} & set(name_words(name))) or "trust_store" in name.lower()


def may_contain_secret_name(text: str) -> bool:
    """Whether a text can hold a name that `is_secret_name` takes for a secret's: a quick look, before slow ones."""
    lower_case_text = text.lower()
    return any(mark in lower_case_text for mark in _SECRET_SUBSTRINGS)


_WORDS_FOR_ANY_SECRET = frozenset("secret secrets key keys token tokens api app application root admin base".split())
_ENDINGS_OF_REPEATED_NAMES = ("", "secret", "value", "key", "here")
_MIN_REPEATED_LETTERS = 8


def repeats_setting_name(name: str, value: str) -> bool:
    """Whether a value is the name that it is set under once more, so that it only says what belongs there: `session_secret: sessionsecret`.

    A word such as `value` may follow, and the name's own first words may be left out. Names that only say that there is a secret
    (`SECRET_KEY: secretkey`), and passwords that are their names, are what everybody tries.
    """
    words = [one.lower() for one in _NAME_WORD.findall(name)]
    letters = "".join(filter(str.isalnum, value.lower()))
    if len(words) < 2 or len(letters) < _MIN_REPEATED_LETTERS or value.isupper() or is_password_name(name):
        return False
    repetitions = {"".join(words[at:]) for at in range(len(words) - 1) if not _WORDS_FOR_ANY_SECRET.issuperset(words[at:])}
    return any(letters.endswith(ending) and letters.removesuffix(ending) in repetitions for ending in _ENDINGS_OF_REPEATED_NAMES)
