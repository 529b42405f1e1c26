"""Parameters of a request: from the query, a form, multipart or JSON, to values of the types that the table says."""

import json
import re
import urllib.parse

from . import table

WORDS = {'reply_markup': 'reply keyboard markup', 'reply_parameters': 'reply parameters', 'entities': 'entities',
         'caption_entities': 'entities', 'link_preview_options': 'link preview options', 'reaction': 'reaction types'}


class ApiError(Exception):
    def __init__(self, code, description, **parameters):
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class Upload:
    """A file that came with a request."""

    def __init__(self, name, mime, data):
        self.name, self.mime, self.data = name, mime, data

    def __repr__(self):
        return f'<file {self.name}, {len(self.data)} bytes>'


class Values(dict):
    """A request's parameters; `uploads` are its files, which a value may name as attach://part."""


def collect(request):
    """{name: raw value}, raw being text, a JSON value (from a JSON body), or an Upload."""
    raw = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
    if request.content_type == 'application/x-www-form-urlencoded':
        raw.update(urllib.parse.parse_qsl(request.body.decode('utf-8', 'replace'), keep_blank_values=True))
    elif request.content_type == 'multipart/form-data':
        raw.update(parts(request))
    elif request.content_type == 'application/json' and request.body.strip():
        raw.update(from_json(request.body))
    return raw


def from_json(body):
    try:
        value = json.loads(body)
    except ValueError as error:
        raise ApiError(400, "Bad Request: can't parse JSON object") from error
    if not isinstance(value, dict):
        raise ApiError(400, 'Bad Request: JSON object expected')
    return {name: one for name, one in value.items() if one is not None}


def parts(request):
    found = re.search(r'boundary="?([^";]+)"?', request.headers['content-type'])
    if not found:
        raise ApiError(400, 'Bad Request: boundary is not specified')
    pieces = (b'\r\n' + request.body).split(b'\r\n--' + found[1].encode('latin-1'))
    raw = {}
    for piece in pieces[1:]:
        head, blank, data = piece.partition(b'\r\n\r\n')
        if piece.startswith(b'--') or not blank:
            continue
        lines = dict(re.findall(r'^([\w-]+):\s*(.*?)\s*$', head.decode('utf-8', 'replace'), re.M))
        lines = {name.lower(): value for name, value in lines.items()}
        said = dict(re.findall(r'(\w+\*?)="?([^";]*)"?', lines.get('content-disposition', '')))
        if 'name' not in said:
            continue
        if 'filename' in said:
            raw[said['name']] = Upload(said['filename'], lines.get('content-type', 'application/octet-stream'), data)
        else:
            raw[said['name']] = data.decode('utf-8', 'replace')
    return raw


def convert(method, raw):
    """(values, lints): what Telegram would read, and what it would silently pass over."""
    fields = table.METHODS[method].fields
    values, lints = Values(), []
    uploads = {name: value for name, value in raw.items() if isinstance(value, Upload)}
    for name, value in raw.items():
        if name in fields:
            values[name] = typed(name, fields[name].type, value, uploads, lints)
        elif name in table.LEGACY:
            values[name] = typed(name, table.LEGACY[name], value, uploads, lints)
            lints.append(f'{name}: of an older API')
        elif name not in uploads and name != 'method':
            lints.append(f'{name}: {method} has no such parameter')
    values.uploads = uploads
    for name, field in fields.items():
        if field.required and values.get(name) in (None, ''):
            lints.append(f'{name}: {method} needs it')
    return values, lints


def typed(name, type_, value, uploads, lints):
    kinds = table.split_type(type_)
    if 'InputFile' in kinds:
        return file_of(name, value, uploads)
    if isinstance(value, Upload):
        raise ApiError(400, f'Bad Request: {name} is a file')
    if isinstance(value, str):
        value = from_text(name, kinds, value)
    elif kinds == ['String'] and isinstance(value, (int, float)):
        lints.append(f'{name}: a number where a text belongs')
        value = json.dumps(value)
    for kind, words in table.problems(value, type_):
        if kind == 'type':
            raise ApiError(400, refusal(name, kinds, words))
        lints.append(f'{name}: {words}')
    return value


def from_text(name, kinds, text):
    if 'Integer' in kinds and re.fullmatch(r'\s*-?\d{1,19}\s*', text):
        return int(text)
    if 'String' in kinds:
        return text
    if kinds == ['Boolean']:
        return text.strip().lower() in ('true', 'yes', '1', 't', 'y')
    if kinds == ['Integer']:
        raise ApiError(400, f'Bad Request: invalid {name} specified')
    try:
        return json.loads(text)
    except ValueError as error:
        raise ApiError(400, refusal(name, kinds, 'not JSON')) from error


def refusal(name, kinds, words):
    if kinds[0] in table.SCALARS:
        return f'Bad Request: invalid {name} specified: {words}'
    return f"Bad Request: can't parse {WORDS.get(name, name)} JSON object: {words}"


def file_of(name, value, uploads):
    """An upload, the one that `attach://part` names, or a text: a file_id or an address."""
    if isinstance(value, str) and value.startswith('attach://'):
        if value.removeprefix('attach://') not in uploads:
            raise ApiError(400, f'Bad Request: there is no {name} in the request')
        return uploads[value.removeprefix('attach://')]
    return value
