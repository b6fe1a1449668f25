"""What is a secret written into a file: one decision for every kind of file, and for what outputs hide.

`classify_value(name, value, value_context)` is the decision. It answers with a SecretVerdict. Its `kind` says what the value
is, by name and value alone, so that a value is the same thing in every file:

| kind | for example | in force (`is_exposed`) |
|---|---|---|
| SECRET | `Kq7vT2mXw9`, a key by its shape (with a strength: SHAPE, RANDOM, CHOSEN, WORD) | SERVED; what is no word, everywhere |
| WELL_KNOWN | `postgres`, `000000` | SERVED, under a name that opens by itself |
| PLACEHOLDER | `changeme123`, `<token>`, `your-api-key`, `do-not-use` | as above, where it would be taken |
| TEST_VALUE | `notsecret`, `dev-key`, `DEADBEEF` | as above, where it would be taken |
| REFERENCE | `$TOKEN`, `{{ .Values.x }}`, `vault:secret/x` | never |
| CONSTANT | `x-oauth-basic` beside a token | never |
| SETTING | `PASSWORD_HASHER=argon2`, `MYSQL_ALLOW_EMPTY_PASSWORD=1`, `caSecret: shop-ca`, a path | never |
| OTHER | what no secret's name and no secret's value is | never |

`value_context` says what the value is set for: what runs (SERVED), a step of a build (BUILD), a job of a pipeline (JOB), a
file to copy (SAMPLE). It decides only whether the value opens something as it stands. A rule asks the decision and then only says
how bad an exposed value of this strength is at its place. tests/syntax/secrets holds the decision to labelled values.

`secrets_in_text(text, value_context)` finds secrets in text of any language by the same decision. `is_hidden(name, value)`
says what no output shows, and `may_be_secrets(text)` where that stands. They ask the decision and are wider: what it calls a secret
is hidden at every place, and so is all else under a secret's name that does not say outright that another belongs there.

The parts: names.py (what a name says), vocabulary.py (words that values are made of), entropy.py (how hard to guess), shapes.py
(keys of a fixed form), public.py (keys that anybody may have), forms.py (paths, options), accounts.py (URLs), beside.py (other
settings), placeholders.py, decision.py (the order of the questions), search.py, files.py.
Thresholds and lists stand in these modules and nowhere else, so that labelled values can calibrate them.
"""

from __future__ import annotations

from readiness.syntax.secrets.accounts import HostReach, find_url_accounts
from readiness.syntax.secrets.beside import (
    host_of_password,
    is_administrator_password,
    is_database_name,
    local_environment_setting_name,
    setting_name_and_block_settings,
    uses_other_database,
)
from readiness.syntax.secrets.decision import (
    URL_USERINFO_REASON,
    SecretKind,
    SecretVerdict,
    ValueContext,
    classify_value,
    must_be_hidden_in_output,
)
from readiness.syntax.secrets.entropy import SecretStrength, secret_strength_of
from readiness.syntax.secrets.files import has_possible_credential, is_client_settings_filename, is_sample_filename
from readiness.syntax.secrets.names import (
    has_secret_word,
    is_application_key_name,
    is_password_name,
    is_public_name,
    is_secret_name,
    is_secret_object_credential_key,
    is_signing_key_name,
    is_store_password_name,
    may_be_secret_object_name,
    may_contain_secret_name,
    name_words,
)
from readiness.syntax.secrets.placeholders import is_list_of_references, is_placeholder, is_reference
from readiness.syntax.secrets.public import is_public_credential
from readiness.syntax.secrets.search import FoundSecret, possible_secret_spans, secrets_in_text, verdict_with_public_comment
from readiness.syntax.secrets.shapes import find_credential_shapes

__all__ = (
    "URL_USERINFO_REASON",
    "FoundSecret",
    "HostReach",
    "SecretKind",
    "SecretStrength",
    "SecretVerdict",
    "ValueContext",
    "classify_value",
    "find_credential_shapes",
    "find_url_accounts",
    "has_possible_credential",
    "has_secret_word",
    "host_of_password",
    "is_administrator_password",
    "is_application_key_name",
    "is_client_settings_filename",
    "is_database_name",
    "is_list_of_references",
    "is_password_name",
    "is_placeholder",
    "is_public_credential",
    "is_public_name",
    "is_reference",
    "is_sample_filename",
    "is_secret_name",
    "is_secret_object_credential_key",
    "is_signing_key_name",
    "is_store_password_name",
    "local_environment_setting_name",
    "may_be_secret_object_name",
    "may_contain_secret_name",
    "must_be_hidden_in_output",
    "name_words",
    "possible_secret_spans",
    "secret_strength_of",
    "secrets_in_text",
    "setting_name_and_block_settings",
    "uses_other_database",
    "verdict_with_public_comment",
)
