"""What injections look like: shapes of grammatical SQL, and names that only databases have.

Patterns are ours.
"""

import re

from deploy.lab.edge.waf.sql_tokens import Kind
from deploy.lab.edge.waf.words import words

K = Kind
LETTERS = {
    K.WORD: "w",
    K.NUMBER: "1",
    K.STRING: "s",
    K.OPEN_STRING: "S",
    K.VARIABLE: "v",
    K.CONSTANT: "k",
    K.FUNCTION: "f",
    K.LOGIC: "&",
    K.UNARY: "!",
    K.COMPARISON: "=",
    K.ARITHMETIC: "+",
    K.UNION: "U",
    K.VERB: "E",
    K.CLAUSE: "C",
    K.LEFT: "(",
    K.RIGHT: ")",
    K.COMMA: ",",
    K.DOT: ".",
    K.SEMICOLON: ";",
    K.COMMENT: "#",
    K.OTHER: "?",
}
# Shapes, in the letters above. What may stand before an operand, and a calculated one.
BEFORE = r"[!=+(]*"
CONSTANT = r"[1skv]\)*(?:\+[+(]*[1skv]\)*)*"
# A condition between constants: and 1=1, or 'a' like 'a, or not 2>3.
CONSTANT_CONDITION = re.compile(rf"&{BEFORE}{CONSTANT}(?:!?={BEFORE}[1sSkvf]|!?[=C]+[(1skS])")
CONSTANT_ALONE = re.compile(rf"&{BEFORE}{CONSTANT}(?:$|[#;])")
TRUTH_ALONE = re.compile(r"^1&!*k(?:$|[#;])")
# A condition that asks something: and ascii(…), or (select …), or exists (…), and case when.
ASKING_CONDITION = re.compile(rf"&{BEFORE}(?:f\(|C?\(*E|C)")
COLUMN_CONDITION = re.compile(rf"&{BEFORE}w(?:\.w)*\)*!?={BEFORE}[1sSkvfw(]")
# Nobody needs it to change what is found: both sides are conditions already.
ARITHMETIC = re.compile(r"^1=1(?:&1=1)+$")
SUBSELECT = re.compile(r"(?:^|[=+(,&])\(+E")
# An operator straight after the quote, with all operands there: '+', '='x, ' - 0.
ODD_OPERATOR = re.compile(rf"^!?[=+&]{BEFORE}[1sSkvf(]")
# No language but SQL compares like this.
LIKENESS = re.compile(r"^[1sk]!?=[1skS](?:$|[#;])")

# Functions that only a database has and nobody needs in a value.
DANGEROUS = words(
    "sleep benchmark pg_sleep pg_sleep_for extractvalue updatexml load_file xp_cmdshell xp_dirtree "
    "xp_fileexist xp_regread sp_executesql sp_oacreate openrowset opendatasource randomblob "
    "load_extension lo_import lo_export pg_read_file pg_ls_dir database_to_xml query_to_xml "
    "name_const gtid_subset geometrycollection multipolygon multilinestring "
    "st_latfromgeohash zeroblob"
)
PACKAGES = words("dbms_pipe dbms_lock dbms_ldap dbms_session utl_http utl_inaddr ctxsys sys")
PROCEDURES = re.compile(r"^(xp|sp)_\w+$")
CATALOGUES = re.compile(
    r"\b(information_schema|sysobjects|syscolumns|sys ?\. ?(objects|tables|databases|columns)|"
    r"sqlite_(master|schema)|pg_catalog|pg_(tables|user|shadow|database)|"
    r"all_tab(les|_columns)|user_tab(les|_columns)|mysql ?\. ?user|msysobjects)\b"
)
# What follows a verb that begins a statement.
OBJECTS = words(
    "table database schema view index trigger function procedure user login role column"
)
NEXT: dict[str, frozenset[str]] = {
    "drop": OBJECTS | {"temporary"},
    "create": OBJECTS | {"or", "temporary", "unique", "global"},
    "alter": OBJECTS,
    "insert": frozenset({"into", "ignore"}),
    "delete": frozenset({"from"}),
    "waitfor": frozenset({"delay", "time"}),
    "merge": frozenset({"into"}),
    "backup": frozenset({"database"}),
    "restore": frozenset({"database"}),
    "bulk": frozenset({"insert"}),
    "load": frozenset({"data", "xml"}),
    "rename": frozenset({"table"}),
}
ALONE = frozenset({"shutdown", "reconfigure"})
WITH_ANYTHING = words(
    "exec execute call declare select truncate if begin grant revoke copy attach pragma kill dbcc "
    "use set handler do replace"
)
# Those that a database takes without a semicolon before them.
ANYWHERE = frozenset(NEXT) | ALONE | words("exec execute declare truncate update")
# The same where a quote was closed before.
AFTER_QUOTE = ANYWHERE | words("call if begin")
# Clauses that would come behind a value.
SORTING = frozenset({"order", "group"})
LIMITS = frozenset({K.NUMBER, K.FUNCTION, K.LEFT, K.STRING})
LIMITING = frozenset({"having", "limit", "offset"})
BEHIND = {"into": frozenset({"outfile", "dumpfile"}), "procedure": frozenset({"analyse"})}
BARE_COMMENTS = frozenset({"--", "-- -", "--+", "/*", "-- #"})
# As far as is looked ahead, in tokens.
NEAR = 16
# The boys' -- and six foot six, 6'6" -- are prose before a dash.
POSSESSIVE = re.compile(r"[^\W\d_]s$|\d'-?\d+$")
# So many words in a comment are somebody's dash, not an attacker's end of line.
WORDY = 3
