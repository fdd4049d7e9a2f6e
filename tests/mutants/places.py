"""places - where a program can be made a little wrong, and how.
"""
import glob
import re

# What an operator may become. `-` and `&`, `*` only between two operands.
OPERATORS = {
    "==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "&&": ["||"], "||": ["&&"],
    "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"], "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"], "^": ["&"],
    "+=": ["-="], "-=": ["+="], "*=": ["/="], "|=": ["&="], "&=": ["|="], "^=": ["&="], "<<=": [">>="], ">>=": ["<<="], "++": ["--"], "--": ["++"],
    "!": [""], "~": [""],
}
BINARY_ONLY = {"+", "-", "*", "&"}
TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|[A-Za-z_]\w*|0[xX][0-9a-fA-F]+[uUlL]*|\d+\.\d+(?:e-?\d+)?|"""
                   r"""\d+(?:e-?\d+)?[uUlL]*|<<=|>>=|->|\+\+|--|[-+*/%&|^=!<>]=|&&|\|\||<<|>>|[^\s]""", re.S)
# A statement of one line that may be left out; what declares something may not.
STATEMENT = re.compile(r"^\t+(?!return\b|goto\b|case\b|default\b|static\b|const\b|struct\b|enum\b|union\b|unsigned\b|int\b|bool\b|char\b|double\b|"
                       r"size_t\b|ssize_t\b|u?int\d+_t\b|assert\b|else\b|extern\b|\(void\)\w+;)(?P<text>[^\s#{}/*].*;)$")
# What declares something after all, or only asks the memory for something early.
KEPT = re.compile(r"\w+ \**\w+(?:\[|;| =|,)|\w+_fetch\w*\(|__builtin_prefetch\(")
# What declares an array of the function's own, up to its size, or asks for one thing of the heap, up to how many: room for one more changes
# nothing, room for one less may.
ROOM = re.compile(r"\t+(?!return\b|else\b|case\b|goto\b)(?:(?:static|const|struct|unsigned) )*\w+ \**\w+")
ONE = re.compile(r"\b(?:memory_zeroed|calloc)\((?=1, sizeof)")
MORE = re.compile(r"\+ 1\) \* sizeof\b")
# A descriptor is never 0, since 0 to 2 are open from the first on: more or less than 0 and than 1 are the same of it.
OF_FD = re.compile(r"\bfd (?:>=|<) 0\b")
# What one unit is of another: one off is a thousandth of a time, which no test can measure; twice and half of it are another thing.
UNIT = re.compile(r"UINT64_C\((1000|1000000|1000000000)\)")
ENDS = re.compile(r"[;{}:]\s*(?:/\*.*\*/)?\s*$|^\s*$|^\s*/?\*.*|^\s*(?:if|while|for|else)\b.*\)?$|^\s*\w+:$")


class Mutant:
    def __init__(self, path, line, at, old, new):
        self.path, self.line, self.at, self.old, self.new = path, line, at, old, new
        self.source = ""

    def __str__(self):
        return "%s:%d: %s -> %s   in: %s" % (self.path, self.line, self.old.strip(), self.new.strip() or "nothing", self.source.strip())


def constants(token):
    """What a number may become."""
    if token in ("true", "false"):
        return ["false" if token == "true" else "true"]
    tail = re.search(r"[uUlL]*$", token).group() if not token.lower().startswith("0x") or token[-1] in "uUlL" else ""
    body = token[:len(token) - len(tail)]
    if "." in body or "e" in body.lower() and not body.lower().startswith("0x"):
        return ["(%s * 2)" % token, "(%s / 2)" % token]
    value = int(body, 0) if not re.fullmatch(r"0[0-7]+", body) else int(body, 8)
    return ["%d%s" % (value + 1, tail), "%d%s" % (value - 1, tail)] if value else ["1" + tail]


def inside_functions(text):
    """Spans of bodies: from a "{" that begins a line, or ends the head of an inline function, to the "}" that begins one."""
    return [m.span() for m in re.finditer(r"^\{\n.*?^\}", text, re.S | re.M)]


def of_file(path):
    """{kind: [Mutant]} of one file."""
    with open(path) as f:
        text = f.read()
    found = {"operator": [], "constant": [], "statement": []}
    lines = [0] + [m.end() for m in re.finditer("\n", text)]
    for begin, end in inside_functions(text):
        # What asks the memory for something early changes nothing but the time it takes.
        if re.search(r"\w*_fetch\w*\(", text[text.rfind("\n\n", 0, begin) + 1:begin]):
            continue
        tokens(path, text, begin, end, found)
        statements(path, text, begin, end, found)
    for rows in found.values():
        for m in rows:
            m.line = text.count("\n", 0, m.at + len(m.old) - len(m.old.lstrip())) + 1
            m.source = text[lines[m.line - 1]:].split("\n", 1)[0]
    return found


def tokens(path, text, begin, end, found):
    depth = 0
    kept_back = None                                        # inside assert(): the number of open parentheses around it
    last = ""
    for t in TOKEN.finditer(text, begin, end):
        token = t.group()
        if token.startswith(("/*", "//")):
            continue
        depth += (token == "(") - (token == ")")
        if kept_back is None and last in ("assert", "static_assert", "_Static_assert", "sizeof") and token == "(":
            kept_back = depth - 1
        if kept_back is None:
            is_room = last == "[" and token[0].isdigit() and ROOM.fullmatch(text[text.rfind("\n", 0, t.start()) + 1:t.start() - 1])
            is_room = is_room or last == "(" and any(m.end() == t.start() for m in ONE.finditer(text, max(0, t.start() - 16), t.start() + 10))
            is_room = is_room or token == "1" and is_within(MORE, text, t)
            options = choices(token, last)[1 if is_room else 0:]
            if token.startswith("1000") and is_within(UNIT, text, t):
                options = ["(%s * 2)" % token, "(%s / 2)" % token]
            elif token in (">=", "<", "0") and is_within(OF_FD, text, t):
                options = [] if token == "0" else [">=" if token == "<" else "<"]
            for new in options:
                kind = "operator" if token in OPERATORS else "constant"
                found[kind].append(Mutant(path, 0, t.start(), token, new))
        elif depth == kept_back:
            kept_back = None
        last = token


def is_within(what, text, t):
    """Is the token part of such a thing?"""
    return any(m.start() <= t.start() and t.end() <= m.end() for m in what.finditer(text, max(0, t.start() - 24), t.end() + 24))


def choices(token, last):
    if token in OPERATORS:
        operand = bool(re.match(r"[\w)\]\"\']", last[-1:])) and last not in ("return", "case", "else", "sizeof")
        if token in BINARY_ONLY and not operand:
            return []
        if token == "*" and re.fullmatch(r"char|void|struct|const|\w+_t|bool|double|unsigned|int", last):
            return []
        return OPERATORS[token]
    if token in ("true", "false") or token[0].isdigit():
        return constants(token)
    return []


def statements(path, text, begin, end, found):
    at = begin
    previous = "{"
    for line in text[begin:end].split("\n"):
        m = STATEMENT.match(line)
        # Whole on its line: what goes before it is the end of another.
        if m and ENDS.search(previous) and line.count("(") == line.count(")") and not KEPT.match(m.group("text")):
            found["statement"].append(Mutant(path, 0, at + m.start("text"), m.group("text"), ";"))
        at += len(line) + 1
        if line.strip():
            previous = line


class Places:
    """All places of some rooms. Each kind of change is as likely as the others, each place of a kind as the others."""

    def __init__(self, rooms, files=""):
        self.kinds = {}
        for path in sorted(glob.glob("src/*/*.[ch]")):
            if (not rooms or path.split("/")[1] in rooms) and re.search(files, path):
                for kind, rows in of_file(path).items():
                    self.kinds.setdefault(kind, []).extend(rows)

    def keep(self, spots):
        """Those at FILE:LINE or FILE:FIRST-LAST alone."""
        ranges = []
        for spot in spots:
            path, lines = spot.rsplit(":", 1)
            first, last = (lines.split("-") * 2)[:2]
            ranges.append((path, int(first), int(last)))
        for kind, rows in self.kinds.items():
            self.kinds[kind] = [m for m in rows if any(m.path == path and first <= m.line <= last for path, first, last in ranges)]

    def draw(self, rng):
        """Each is drawn once; None when there is none left."""
        kinds = [k for k in sorted(self.kinds) if self.kinds[k]]
        if not kinds:
            return None
        rows = self.kinds[rng.choice(kinds)]
        return rows.pop(rng.randrange(len(rows)))
