"""The tree as the rules see it: files with their text, and C with its comments and strings blanked."""

import dataclasses
import functools
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    words: str

    def __str__(self):
        return f'{self.path}:{self.line}: {self.rule}: {self.words}'


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    lines: int


@dataclasses.dataclass(frozen=True)
class File:
    path: str
    text: str

    @functools.cached_property
    def lines(self):
        return self.text.split('\n')

    @functools.cached_property
    def code(self):
        """The text with comments and the insides of strings replaced by blanks: same lines and columns."""
        return blank(self.text)

    @functools.cached_property
    def code_lines(self):
        return self.code.split('\n')

    @property
    def name(self):
        return os.path.basename(self.path)

    @property
    def stem(self):
        return self.name.rsplit('.', 1)[0]

    @property
    def is_c(self):
        return self.path.endswith(('.c', '.h'))

    @property
    def is_test(self):
        """Whether it is compiled into test programs only."""
        return self.path.startswith('test/') or self.path.endswith(('_test.c', '_fuzz.c', '_test.py')) \
            or self.name.startswith('fake_')

    @functools.cached_property
    def functions(self):
        """Functions are found by their shape: a brace alone in column 1 opens, the next one closes."""
        found, start = [], None
        for number, line in enumerate(self.code_lines, 1):
            if line == '{':
                start = number
            elif line.startswith('}') and start is not None:
                head = ' '.join(self.code_lines[max(0, start - 8):start - 1])
                names = re.findall(r'\b(\w+) ?\(', head.rsplit(';', 1)[-1].rsplit('}', 1)[-1])
                found.append(Function(names[0] if names else '?', start, number - start - 1))
                start = None
        return found

    @functools.cached_property
    def declarations(self):
        """(line, text) of each statement outside functions, with {} for its blocks; no functions."""
        found, depth, text, line = [], 0, '', None
        for number, row in enumerate(without_preprocessor(self.code_lines), 1):
            for char in row + ' ':
                if char == '{':
                    depth += 1
                    if depth == 1:
                        text += '{}'
                elif char == '}':
                    depth -= 1
                    # A block behind a parenthesis was a function; anything else goes on to its semicolon.
                    if depth == 0 and re.search(r'\)\s*\{\}\s*$', text) and '=' not in text:
                        text, line = '', None
                elif depth == 0:
                    if char == ';':
                        found.append((line or number, ' '.join(text.split())))
                        text, line = '', None
                    elif not char.isspace() or text:
                        line = line or number
                        text += char
        return found


def blank(text):
    def replace(match):
        token = match[0]
        if token.startswith('/'):
            return re.sub(r'[^\n]', ' ', token)
        return token[0] + re.sub(r'[^\n]', ' ', token[1:-1]) + token[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', replace, text, flags=re.S)


def without_preprocessor(lines):
    """The lines with directives and their continuations emptied."""
    inside, out = False, []
    for line in lines:
        directive = inside or line.lstrip().startswith('#')
        out.append('' if directive else line)
        inside = directive and line.rstrip().endswith('\\')
    return out


class Tree:
    """Files by path; built from the working tree, or by a test from texts."""

    def __init__(self, texts, folder=None):
        self.files = {path: File(path, text) for path, text in sorted(texts.items())}
        self.folder = folder

    def __iter__(self):
        return iter(self.files.values())

    def named(self, *endings):
        return [file for file in self if file.path.endswith(endings)]

    @property
    def c_files(self):
        return self.named('.c', '.h')


def read_tree(folder=TOP):
    """Every file that is tracked, or new and not ignored; what fuzzers found is anything but text."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=folder,
                            capture_output=True, check=True).stdout.decode().split('\0')
    texts = {}
    for path in filter(None, listed):
        if '/corpus/' in path:
            continue
        try:
            with open(os.path.join(folder, path), encoding='utf-8') as text:
                texts[path] = text.read()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return Tree(texts, folder)
