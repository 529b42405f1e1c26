"""How files look: lengths, headers, tables, words, formatting."""

import concurrent.futures
import os
import re
import subprocess

from source import Finding

FILE_LINES_MAX = {'.c': 800, '.h': 800, '.py': 1000}
# One file, so that somebody's project needs to take only that.
WHOLE = {'agents/sdk/palaver.py': 1200}
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 120
TOP_ENTRIES = {'SConstruct', 'broker', 'plugins', 'agents', 'conf', 'tools', 'test', 'README.md', 'LICENSE',
               'CHANGELOG.md'}
# Spelled in two halves, so that this file may be read by its own rules.
WORDS = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK|st' r'ubs?|not (yet )?impl' r'emented|'
                   # A page calls what it shows in an empty field so.
                   r'(?<!::)place' r'holders?(?!="))\b', re.I)
MACHINE_PATHS = re.compile(r'(?<![\w.$}/~-])/(home/\w+|root/|work/|Users/)')
SLEEPS = re.compile(r'\b(?:time\.sleep|asyncio\.sleep|sleep|usleep|nanosleep|g_usleep|zclock_sleep)\s?\(')
WAITING = re.compile(r'\b(while|for|do)\b')


def lengths(tree):
    for file in tree.named('.c', '.h', '.py'):
        count = len(file.lines) - 1
        most = WHOLE.get(file.path, FILE_LINES_MAX[os.path.splitext(file.path)[1]])
        if count > most:
            yield Finding(file.path, most, 'length', f'{count} lines; such a file has {most} at most')
        for number, line in enumerate(file.lines, 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield Finding(file.path, number, 'length', f'{len(line)} columns; {LINE_COLUMNS_MAX} at most')
    for file in tree.c_files:
        for function in file.functions:
            if function.lines > FUNCTION_LINES_MAX:
                yield Finding(file.path, function.line, 'length', f'{function.name} has {function.lines} lines; '
                              f'a function has {FUNCTION_LINES_MAX} at most')


def words(tree):
    for file in tree:
        if file.path == 'LICENSE':
            continue
        for number, line in enumerate(file.lines, 1):
            found = WORDS.search(line)
            if found:
                yield Finding(file.path, number, 'words', f'"{found[0]}": finish it, or leave it out')


def conditionals(tree):
    """No #if: which files are compiled says it. Headers have their guard, and may speak C++."""
    for file in tree.c_files:
        guard = False
        for number, line in enumerate(file.code_lines, 1):
            found = re.match(r'\s*#\s*(if|ifdef|ifndef|elif)\b(.*)', line)
            if not found:
                continue
            if file.path.endswith('.h'):
                if not guard and found[1] == 'ifndef':
                    guard = True
                    continue
                if '__cplusplus' in found[2]:
                    continue
            yield Finding(file.path, number, 'conditionals', f'#{found[1]}{found[2].rstrip()}: choose a file instead')
        if file.path.endswith('.h') and not guard:
            yield Finding(file.path, 1, 'conditionals', 'no include guard')


def is_variable(text):
    if re.match(r'(typedef|__extension__ typedef|static_assert|_Static_assert|extern)\b', text) or not text:
        return False
    head = text.split('=')[0]
    if re.fullmatch(r'(struct|union|enum)\s*\w*\s*(\{\})?', head.strip()):
        return False
    return '(' not in head or re.search(r'\(\s*\*', head) is not None and not re.search(r'\w\s*\([^*]', head)


def is_constant(text):
    head = text.split('=')[0]
    head = re.sub(r'\{\}', '', head)
    # What counts is the const behind the last star: a table of `const char *` can be written to.
    return re.search(r'\bconst\b', head.rsplit('*', 1)[-1] if '*' in head else head) is not None


def globals_(tree):
    for file in tree.c_files:
        if file.is_test:
            continue
        for line, text in file.declarations:
            if is_variable(text) and not is_constant(text) and 'volatile sig_atomic_t' not in text:
                yield Finding(file.path, line, 'globals', f'"{text.split("=")[0].strip()}": state belongs to an object')
        for number, line in enumerate(file.code_lines, 1):
            if re.match(r'\s+static\s', line) and re.search(r'[;=]', line) and not is_constant(line):
                if not re.search(r'sig_atomic_t|static\s+inline|\w\s?\(', line):
                    yield Finding(file.path, number, 'globals', f'"{line.strip()}": a global in a function')


def headers(tree):
    """The header is the man page: what it is, what it owns, which thread, how it fails, what it costs."""
    for file in tree.named('.h'):
        top = file.text.split('*/', 1)[0]
        if not re.match(rf'/\*  {re.escape(file.stem)} -- \S', top):
            yield Finding(file.path, 1, 'headers', f'begin with "/*  {file.stem} -- what it is"')
        missing = [word for word in ('OWNS', 'THREAD', 'FAILS', 'COST') if not re.search(rf'^ +{word} ', top, re.M)]
        if missing:
            yield Finding(file.path, 1, 'headers', f'the comment at the top does not say {", ".join(missing)}')


def tables(tree):
    """Every vocabulary explains itself, is used, and says something about each entry."""
    included = set()
    for file in tree.c_files:
        included.update(re.findall(r'#\s*include\s+"[^"]*?([\w.-]+\.def)"', file.text))
    for file in tree.named('.def'):
        if not re.match(rf'/\*  {re.escape(file.name)} -- \S', file.text):
            yield Finding(file.path, 1, 'tables', f'begin with "/*  {file.name} -- what it lists"')
        if file.name not in included:
            yield Finding(file.path, 1, 'tables', 'nobody includes it')
        # A table that promises a meaning has a text in each entry.
        promised = re.search(r'\bmeaning\b', file.text.split('*/', 1)[0])
        for number, name, row in entries(file) if promised else ():
            if not re.search(r'"[^"]+"', row):
                yield Finding(file.path, number, 'tables', f'{name} does not say what the entry means')


def entries(file):
    """(line, macro, source) of each MACRO (...) in a table."""
    at = 0
    code = file.code
    for found in re.finditer(r'^\s*([A-Z][A-Z0-9_]*)\s*\(', code, re.M):
        if found.start() < at or file.lines[code.count('\n', 0, found.start(1))].lstrip().startswith('#'):
            continue
        depth, end = 0, found.end() - 1
        while end < len(code):
            depth += {'(': 1, ')': -1}.get(code[end], 0)
            end += 1
            if depth == 0:
                break
        at = end
        yield code.count('\n', 0, found.start(1)) + 1, found[1], file.text[found.end():end]


def text_form(tree):
    for file in tree:
        if file.path == 'LICENSE' or not file.text:
            continue
        if not file.text.endswith('\n'):
            yield Finding(file.path, len(file.lines), 'text', 'the last line does not end')
        for number, line in enumerate(file.lines, 1):
            if line != line.rstrip():
                yield Finding(file.path, number, 'text', 'blanks at the end of the line')
            if '\t' in line and file.is_c:
                yield Finding(file.path, number, 'text', 'a tab')


def paths(tree):
    for file in tree:
        if file.path.startswith('test/tidy/'):
            continue
        for number, line in enumerate(file.lines, 1):
            found = MACHINE_PATHS.search(line)
            if found:
                yield Finding(file.path, number, 'paths', f'"{found[0]}" is a path of one machine')
            if number == 1 and re.match(r'#!.*env +python', line):
                yield Finding(file.path, 1, 'paths', 'write #!/usr/bin/python3: another python may come first in PATH')


def top_entries(tree):
    for name in sorted({file.path.split('/')[0] for file in tree}):
        if name not in TOP_ENTRIES and not name.startswith('.'):
            yield Finding(name, 1, 'top', 'not one of the entries that the top folder has')


def sleeps(tree):
    """A test waits for a condition with a deadline: it sleeps inside a loop only, between two looks. What plays a
    slow disk or peer says so: "slow on purpose", in a comment behind the call."""
    for file in tree:
        if not file.is_test or not file.path.endswith(('.c', '.py')) \
                or file.path.startswith(('test/bench/', 'test/tidy/')):
            continue
        rows = file.code_lines if file.is_c else file.lines
        for number, line in enumerate(rows, 1):
            if not SLEEPS.search(line) or (not file.is_c and line.lstrip().startswith('#')):
                continue
            if 'slow on purpose' in file.lines[number - 1]:
                continue
            indent = len(line) - len(line.lstrip())
            loops = [row for row in rows[max(0, number - 15):number - 1] if WAITING.search(row)]
            if not WAITING.search(line) and not any(len(row) - len(row.lstrip()) < indent for row in loops):
                yield Finding(file.path, number, 'sleeps', 'a sleep for luck: wait for a condition with a deadline')


def format_(tree):
    """clang-format has nothing to change."""
    if tree.folder is None:
        return
    names = [file.path for file in tree.c_files]
    half = [names[start::8] for start in range(8) if names[start::8]]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for output in pool.map(lambda some: clang_format(tree.folder, some), half):
            seen = set()
            for found in re.finditer(r'^(\S+?):(\d+):\d+: error: code should be clang-formatted', output, re.M):
                if found[1] not in seen:
                    seen.add(found[1])
                    yield Finding(found[1], int(found[2]), 'format',
                                  'not as clang-format writes it: test/tidy/run --fix')


def clang_format(folder, names):
    return subprocess.run(['clang-format', '--dry-run', '-Werror', *names], cwd=folder, capture_output=True, text=True,
                          check=False).stderr
