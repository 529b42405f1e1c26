"""Formatted text as Telegram reads it: MarkdownV2, HTML, the old Markdown, and what is found in plain text.

Offsets and lengths of entities are UTF-16 code units; offsets in errors are bytes of UTF-8, as the real server
gives them.
"""

import re

TEXT_MAX = 4096
CAPTION_MAX = 1024
RESERVED = '_*[]()~`>#+-=|{}.!'
HTML_TAGS = {'a': 'text_link', 'b': 'bold', 'strong': 'bold', 'i': 'italic', 'em': 'italic', 's': 'strikethrough',
             'strike': 'strikethrough', 'del': 'strikethrough', 'u': 'underline', 'ins': 'underline',
             'tg-spoiler': 'spoiler', 'span': 'spoiler', 'tg-emoji': 'custom_emoji', 'pre': 'pre', 'code': 'code',
             'blockquote': 'blockquote'}
NAMES = {'bold': 'Bold', 'italic': 'Italic', 'underline': 'Underline', 'strikethrough': 'Strikethrough',
         'spoiler': 'Spoiler', 'code': 'Code', 'pre': 'Pre', 'precode': 'PreCode', 'text_link': 'TextUrl',
         'custom_emoji': 'CustomEmoji', 'blockquote': 'BlockQuote', 'expandable_blockquote': 'ExpandableBlockQuote'}
FOUND = re.compile(
    r'(?P<url>(?:https?|ftp)://[^\s<>"]*[^\s<>".,;:!?)\]\']|(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|me)'
    r'(?:/[^\s<>"]*[^\s<>".,;:!?)\]\'])?(?![\w.-]*\w))'
    r'|(?P<email>(?<![\w.])[\w.+-]+@(?:[\w-]+\.)+[a-zA-Z]{2,}\b)'
    r'|(?P<bot_command>(?<![\w/@<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/]))'
    r'|(?P<mention>(?<![\w@])@[A-Za-z0-9_]{3,32}\b)'
    r'|(?P<hashtag>(?<![\w#])#(?=\w*[^\W\d])\w{1,256})'
    r'|(?P<cashtag>(?<![\w$])\$[A-Z]{1,8}(?!\w))', re.I)


class ParseError(Exception):
    pass


def units(text):
    """The length in UTF-16 code units."""
    return len(text) + sum(ord(char) > 0xffff for char in text)


def part(text, offset, length):
    """What an entity covers."""
    return text.encode('utf-16-le')[offset * 2:(offset + length) * 2].decode('utf-16-le', 'replace')


class Builder:
    """The text without its marks, and the entities found so far."""

    def __init__(self):
        self.pieces, self.size, self.open, self.entities = [], 0, [], []

    def add(self, text):
        self.pieces.append(text)
        self.size += units(text)

    def begin(self, kind, at, argument=''):
        self.open.append((kind, self.size, len(self.pieces), at, argument))

    def end(self, **more):
        kind, offset, _, _, argument = self.open.pop()
        if self.size > offset:
            entity = {'type': 'pre' if kind == 'precode' else kind, 'offset': offset, 'length': self.size - offset}
            if kind == 'precode':
                entity['language'] = argument
            self.entities.append({**entity, **more})

    def end_link(self, url):
        """A link whose address nobody could follow stays text."""
        good = good_url(url)
        user = re.fullmatch(r'tg://user\?id=(\d+)', url)
        if user:
            self.open[-1] = ('text_mention', *self.open[-1][1:])
            self.end(user_id=int(user[1]))
        elif good:
            self.end(url=good)
        else:
            self.open.pop()

    def covered(self):
        """What has been added since the innermost mark."""
        return ''.join(self.pieces[self.open[-1][2]:])

    @property
    def kind(self):
        return self.open[-1][0] if self.open else ''

    def result(self):
        return ''.join(self.pieces), self.entities


def good_url(url):
    found = re.fullmatch(r'(?:(https?|ftp|tg|ton)://)?([^\s/?#]+)([/?#]\S*)?', url, re.I)
    if not found:
        return None
    scheme, host, rest = (found[1] or 'http').lower(), found[2], found[3] or ''
    if scheme in ('tg', 'ton'):
        return f'{scheme}://{host}{rest}'
    if not re.fullmatch(r'(?:[^@/]*@)?(?:[\w-]+\.)+\w{2,}(?::\d+)?|(?:\d+\.){3}\d+(?::\d+)?', host):
        return None
    return f'{scheme}://{host}{rest if rest.startswith("/") else "/" + rest}'


# ---------------------------------------------------------------- MarkdownV2

MARKS = [('__', 'underline'), ('||', 'spoiler'), ('_', 'italic'), ('*', 'bold'), ('~', 'strikethrough')]
ENDS = {'bold': '*', 'italic': '_', 'underline': '__', 'strikethrough': '~', 'spoiler': '||', 'code': '`', 'pre': '```',
        'precode': '```', 'text_link': ']', 'custom_emoji': ']'}


class MarkdownV2:
    def __init__(self, text):
        self.text, self.at, self.out, self.line_start = text, 0, Builder(), True

    def byte(self, at=None):
        return len(self.text[:self.at if at is None else at].encode())

    def has(self, mark):
        return self.text.startswith(mark, self.at)

    def push(self, text):
        self.out.add(text)
        self.line_start = text == '\n'

    def in_quote(self):
        return any(kind.endswith('blockquote') for kind, *_ in self.out.open)

    def parse(self):
        while self.at < len(self.text):
            self.step()
        if self.out.kind.endswith('blockquote'):
            self.out.end()
        if self.out.open:
            kind, _, _, at, _ = self.out.open[-1]
            raise ParseError(f"Can't find end of {NAMES[kind]} entity at byte offset {self.byte(at)}")
        return self.out.result()

    def step(self):
        char, following = self.text[self.at], self.text[self.at + 1:self.at + 2]
        if char == '\\' and following and 0 < ord(following) <= 126:
            self.push(following)
            self.at += 2
        elif self.out.kind in ('code', 'pre', 'precode'):
            self.step_code(char)
        elif char == '\n' and self.in_quote() and following != '>':
            self.end_quote()
        elif char not in RESERVED:
            self.push(char)
            self.at += 1
        elif not self.quote(char) and not self.end():
            self.begin(char)

    def step_code(self, char):
        if char == '`' and self.has(ENDS[self.out.kind]):
            self.at += len(ENDS[self.out.kind])
            self.out.end()
        elif char == '`' and self.out.kind == 'code':
            self.at += 1
            self.out.end()
        elif char == '`':
            self.begin(char)
        else:
            self.push(char)
            self.at += 1

    def quote(self, char):
        if char == '>' and self.line_start:
            if not self.in_quote():
                self.out.begin('blockquote', self.at)
            self.line_start = False
            self.at += 1
            return True
        after = self.text[self.at + 2:self.at + 3]
        if self.out.kind == 'blockquote' and self.has('||') and after in ('', '\n'):
            self.out.open[-1] = ('expandable_blockquote', *self.out.open[-1][1:])
            self.at += 2
            return True
        return False

    def end_quote(self):
        if not self.out.kind.endswith('blockquote'):
            kind, _, _, at, _ = self.out.open[-1]
            raise ParseError(f"Can't find end of {NAMES[kind]} entity at byte offset {self.byte(at)}")
        self.out.end()
        self.push('\n')
        self.at += 1

    def end(self):
        kind = self.out.kind
        mark = ENDS.get(kind)
        if not mark or not self.has(mark) or (kind == 'italic' and self.has('__')):
            return False
        self.at += len(mark)
        if kind in ('text_link', 'custom_emoji'):
            self.end_link(kind)
        else:
            self.out.end()
        return True

    def end_link(self, kind):
        url = self.out.covered() if kind == 'text_link' else ''
        if self.has('('):
            url = self.address()
        elif kind == 'custom_emoji':
            raise ParseError('Custom emoji entity must contain a tg://emoji URL')
        if kind == 'text_link':
            self.out.end_link(url)
        elif found := re.fullmatch(r'tg://emoji\?id=(\d+)', url):
            self.out.end(custom_emoji_id=found[1])
        else:
            raise ParseError('Custom emoji URL must have an emoji identifier')

    def address(self):
        self.at += 1
        begin, url = self.at, ''
        while self.at < len(self.text) and self.text[self.at] != ')':
            if self.text[self.at] == '\\' and self.at + 1 < len(self.text) and ord(self.text[self.at + 1]) <= 126:
                self.at += 1
            url += self.text[self.at]
            self.at += 1
        if self.at == len(self.text):
            raise ParseError(f"Can't find end of a URL at byte offset {self.byte(begin)}")
        self.at += 1
        return url

    def begin(self, char):
        at = self.at
        for mark, kind in MARKS:
            if self.has(mark):
                self.at += len(mark)
                return self.out.begin(kind, at)
        if self.has('!['):
            self.at += 2
            return self.out.begin('custom_emoji', at)
        if char == '[':
            self.at += 1
            return self.out.begin('text_link', at)
        if self.has('```'):
            return self.begin_pre(at)
        if char == '`':
            self.at += 1
            return self.out.begin('code', at)
        raise ParseError(f"Character '{char}' is reserved and must be escaped with the preceding '\\'")

    def begin_pre(self, at):
        self.at += 3
        language = re.match(r'[^\s`]*', self.text[self.at:])[0]
        if language and self.text[self.at + len(language):self.at + len(language) + 1] not in ('', '`'):
            self.at += len(language)
        else:
            language = ''
        if line := re.match(r'\r\n|\n\r|\n|\r', self.text[self.at:]):
            self.at += len(line[0])
        self.out.begin('precode' if language else 'pre', at, language)


# ---------------------------------------------------------------- HTML

class Html:
    def __init__(self, text):
        self.text, self.at, self.out, self.tags = text, 0, Builder(), []

    def byte(self, at):
        return len(self.text[:at].encode())

    def parse(self):
        while self.at < len(self.text):
            if self.text[self.at] == '&':
                self.out.add(self.entity())
            elif self.text[self.at] == '<':
                self.tag()
            else:
                self.out.add(self.text[self.at])
                self.at += 1
        if self.tags:
            raise ParseError(f"Can't find end tag corresponding to start tag \"{self.tags[-1][0]}\"")
        return self.out.result()

    def entity(self):
        """`&lt;`, `&#65;`, `&#x41;`; anything else is an ampersand."""
        found = re.compile(r'&(?:#x([0-9a-f]{1,8})|#(\d{1,10})|(lt|gt|amp|quot))(;?)', re.I).match(self.text, self.at)
        if found:
            code = int(found[1], 16) if found[1] else int(found[2]) if found[2] else 0
            named = {'lt': '<', 'gt': '>', 'amp': '&', 'quot': '"'}.get(found[3] or '')
            if named or 0 < code < 0x10ffff and not 0xd800 <= code < 0xe000:
                self.at = found.end()
                return named or chr(code)
        self.at += 1
        return '&'

    def tag(self):
        begin = self.at
        if self.text.startswith('</', begin):
            return self.end_tag(begin)
        name = re.compile(r'<([^\s>]*)').match(self.text, begin)
        self.at = name.end()
        if self.at == len(self.text):
            raise ParseError(f'Unclosed start tag at byte offset {self.byte(begin)}')
        name = name[1].lower()
        if name not in HTML_TAGS:
            raise ParseError(f'Unsupported start tag "{name}" at byte offset {self.byte(begin)}')
        attributes = self.attributes(name, begin)
        if name == 'span' and attributes.get('class') != 'tg-spoiler':
            raise ParseError(f'Tag "span" must have class "tg-spoiler" at byte offset {self.byte(begin)}')
        kind = 'expandable_blockquote' if name == 'blockquote' and 'expandable' in attributes else HTML_TAGS[name]
        self.tags.append((name, attributes))
        return self.out.begin(kind, begin)

    def attributes(self, name, begin):
        found = {}
        while True:
            self.skip_blanks()
            if self.text.startswith('>', self.at):
                self.at += 1
                return found
            word = re.compile(r'[^\s=>]*').match(self.text, self.at)
            if not word[0] and self.at < len(self.text):
                raise ParseError(f'Empty attribute name in the tag "{name}" at byte offset {self.byte(begin)}')
            self.at = word.end()
            self.skip_blanks()
            value = ''
            if self.text.startswith('=', self.at):
                self.at += 1
                self.skip_blanks()
                value = self.value()
            if self.at >= len(self.text):
                raise ParseError(f'Unclosed start tag at byte offset {self.byte(begin)}')
            found[word[0].lower()] = value

    def skip_blanks(self):
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def value(self):
        mark = self.text[self.at:self.at + 1]
        if mark not in ('"', "'"):
            word = re.compile(r'[A-Za-z0-9.-]*').match(self.text, self.at)
            begin, self.at = self.at, word.end()
            if self.at < len(self.text) and not re.match(r'[\s>]', self.text[self.at]):
                raise ParseError(f'Unexpected end of name token at byte offset {self.byte(begin)}')
            return word[0].lower()
        self.at += 1
        value = ''
        while self.at < len(self.text) and self.text[self.at] != mark:
            if self.text[self.at] == '&':
                value += self.entity()
            else:
                value += self.text[self.at]
                self.at += 1
        self.at += 1
        return value

    def end_tag(self, begin):
        if not self.tags:
            raise ParseError(f'Unexpected end tag at byte offset {self.byte(begin)}')
        found = re.compile(r'</([^\s>]*)\s*').match(self.text, begin)
        if not self.text.startswith('>', found.end()):
            raise ParseError(f'Unclosed end tag at byte offset {self.byte(begin)}')
        self.at = found.end() + 1
        name, attributes = self.tags.pop()
        if found[1] and found[1].lower() != name:
            raise ParseError(f'Unmatched end tag at byte offset {self.byte(begin)}, expected "</{name}>", '
                             f'found "</{found[1].lower()}>"')
        self.close(name, attributes)

    def close(self, name, attributes):
        if name == 'a':
            self.out.end_link(attributes.get('href') or self.out.covered())
        elif name == 'tg-emoji':
            self.out.end(custom_emoji_id=attributes.get('emoji-id', ''))
        elif name == 'code' and attributes.get('class', '').startswith('language-'):
            self.out.end(language=attributes['class'].removeprefix('language-'))
        else:
            self.out.end()
        if name == 'pre':
            self.merge_code()

    def merge_code(self):
        """`<pre><code class="language-c">` is one entity with a language."""
        pre = self.out.entities[-1] if self.out.entities else {}
        for other in self.out.entities[:-1]:
            if other['type'] == 'code' and (other['offset'], other['length']) == (pre['offset'], pre['length']):
                if 'language' in other:
                    pre['language'] = other['language']
                self.out.entities.remove(other)
                return


# ---------------------------------------------------------------- the old Markdown

class Markdown:
    def __init__(self, text):
        self.text, self.out = text, Builder()

    def parse(self):
        text, at = self.text, 0
        while at < len(text):
            if text[at] == '\\' and text[at + 1:at + 2] in ('_', '*', '`', '['):
                self.out.add(text[at + 1])
                at += 2
            elif text[at] in '_*`[':
                at = self.mark(at)
            else:
                self.out.add(text[at])
                at += 1
        return self.out.result()

    def mark(self, begin):
        text = self.text
        mark = '```' if text.startswith('```', begin) else text[begin]
        end = text.find(']' if mark == '[' else mark, begin + len(mark))
        if end < 0:
            offset = len(text[:begin].encode())
            raise ParseError(f"Can't find end of the entity starting at byte offset {offset}")
        kind = {'_': 'italic', '*': 'bold', '`': 'code', '```': 'pre', '[': 'text_link'}[mark]
        inside = text[begin + len(mark):end]
        at = end + len(mark)
        more = {}
        if kind == 'pre' and (line := re.match(r'(\w*)\n', inside)):
            inside = inside[line.end():]
            more = {'language': line[1]} if line[1] else {}
        self.out.begin(kind, begin)
        self.out.add(inside)
        if kind != 'text_link':
            self.out.end(**more)
            return at
        address = re.compile(r'\(([^)]*)\)').match(text, at)
        self.out.end_link(address[1] if address else inside)
        return address.end() if address else at


PARSERS = {'markdownv2': MarkdownV2, 'html': Html, 'markdown': Markdown}


# ---------------------------------------------------------------- both ways

def parse(text, mode, entities=None):
    """(text, entities) as they stand in the message; ParseError says what the real server says."""
    if mode:
        if mode.lower() not in PARSERS:
            raise ParseError('unsupported parse_mode')
        text, entities = PARSERS[mode.lower()](text).parse()
    return tidy(text.replace('\r', ''), entities or [])


# What the real server takes for blanks, cuts off, or does not count as text.
UNSEEN = re.compile('[\0- \u00a0\u030a\u0333\u033f\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f\u2800\u3000\ufeff\ufffc'
                    '\U000e0000-\U000e007f]*')


def tidy(text, entities):
    """Blanks at both ends go, entities stay inside, nothing is inside code, links in plain text are found. A text
    without anything to see is empty."""
    if UNSEEN.fullmatch(text):
        return '', []
    stripped = text.strip(' \t\n\0')
    cut, size = units(text[:len(text) - len(text.lstrip(' \t\n\0'))]), units(stripped)
    kept = []
    for entity in entities:
        begin = max(0, entity['offset'] - cut)
        end = min(size, entity['offset'] - cut + entity['length'])
        if end > begin and part(stripped, begin, end - begin).strip():
            kept.append({**entity, 'offset': begin, 'length': end - begin})
    kept.sort(key=lambda one: (one['offset'], -one['length']))
    solid = [one for one in kept if one['type'] in ('pre', 'code')]
    kept = [one for one in kept if not any(other is not one and within(one, other) for other in solid)]
    return stripped, sorted(kept + found(stripped, kept), key=lambda one: (one['offset'], -one['length']))


def within(one, other):
    return other['offset'] <= one['offset'] and one['offset'] + one['length'] <= other['offset'] + other['length']


def found(text, taken):
    """Links, mentions, commands and the like in plain text."""
    closed = [one for one in taken if one['type'] in ('pre', 'code', 'text_link', 'text_mention')]
    entities = []
    for match in FOUND.finditer(text):
        entity = {'type': match.lastgroup, 'offset': units(text[:match.start()]), 'length': units(match[0])}
        if not any(within(entity, other) for other in closed):
            entities.append(entity)
    return entities


# ---------------------------------------------------------------- as a user would see it

MARKUP = {'bold': ('<b>', '</b>'), 'italic': ('<i>', '</i>'), 'underline': ('<u>', '</u>'),
          'strikethrough': ('<s>', '</s>'), 'spoiler': ('<tg-spoiler>', '</tg-spoiler>'), 'code': ('<code>', '</code>'),
          'blockquote': ('<blockquote>', '</blockquote>'),
          'expandable_blockquote': ('<blockquote expandable>', '</blockquote>')}


def escape(text):
    return text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')


def html(text, entities):
    """The formatted text as HTML, for tests that look at formatting."""
    marks = {}
    for entity in entities:
        begin, end = MARKUP.get(entity['type'], ('', ''))
        if entity['type'] == 'text_link':
            begin, end = f'<a href="{escape(entity["url"])}">', '</a>'
        if entity['type'] == 'pre':
            language = f'<code class="language-{entity["language"]}">' if entity.get('language') else ''
            begin, end = '<pre>' + language, ('</code>' if language else '') + '</pre>'
        marks.setdefault(entity['offset'], []).append(begin)
        marks.setdefault(entity['offset'] + entity['length'], []).insert(0, end)
    out, at = [], 0
    for char in text:
        out += marks.get(at, [])
        out.append(escape(char))
        at += units(char)
    return ''.join(out + marks.get(at, []))
