"""The models that there are, and GET /v1/models: pages of them, newest first, or one."""

import re
import urllib.parse

from refused import Refused, need

MODELS = {
    'claude-opus-5-5': 'Claude Opus 5.5', 'claude-sonnet-5-5': 'Claude Sonnet 5.5',
    'claude-haiku-5-5': 'Claude Haiku 5.5', 'claude-fable-5-2': 'Claude Fable 5.2',
    'claude-fable-5-1': 'Claude Fable 5.1', 'claude-opus-4-8': 'Claude Opus 4.8',
    'claude-sonnet-4-6': 'Claude Sonnet 4.6', 'claude-haiku-4-5': 'Claude Haiku 4.5'}
PATH = '/v1/models'
LIMIT_USUAL, LIMIT_MOST = 20, 1000
MAX_TOKENS_MOST = 128000
WINDOW_TOKENS = 200000
# What stands where a day of release is not known.
UNKNOWN_DAY = '1970-01-01T00:00:00Z'
SNAPSHOT = re.compile(r'-20\d{6}')
# `beta` is what the vendor's SDK adds for whoever asks through its beta interface.
PARAMETERS = {'limit', 'after_id', 'before_id', 'beta'}


def known(name):
    """Is there this model, by its alias or by a snapshot's day behind it?"""
    return name in MODELS or SNAPSHOT.sub('', name) in MODELS and bool(SNAPSHOT.fullmatch(name[-9:]))


def about(name):
    return {'type': 'model', 'id': name, 'display_name': MODELS[SNAPSHOT.sub('', name)], 'created_at': UNKNOWN_DAY,
            'lifecycle': 'active', 'deprecated_at': None, 'retires_at': None, 'max_input_tokens': WINDOW_TOKENS,
            'max_tokens': MAX_TOKENS_MOST}


def read(query):
    """The parameters of a query, each of which may be given once."""
    found = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        need(name in PARAMETERS, f'{name}: Extra inputs are not permitted')
        need(name not in found, f'{name}: is given twice')
        found[name] = value
    return found


def place(names, cursor, key):
    need(cursor in names, f'{key}: no model has the id {cursor!r}')
    return names.index(cursor)


def page(query):
    """A page of the list: behind `after_id`, or the one that ends in front of `before_id`."""
    asked = read(query)
    text = asked.get('limit', str(LIMIT_USUAL))
    need(re.fullmatch(r'[0-9]+', text) and 1 <= int(text) <= LIMIT_MOST, f'limit: must be 1 to {LIMIT_MOST}')
    need(not {'after_id', 'before_id'} <= set(asked), 'after_id and before_id: only one of them may be given')
    limit, names = int(text), list(MODELS)
    if 'before_id' in asked:
        end = place(names, asked['before_id'], 'before_id')
        start = max(0, end - limit)
        more = start > 0
    else:
        start = place(names, asked['after_id'], 'after_id') + 1 if 'after_id' in asked else 0
        end = min(len(names), start + limit)
        more = end < len(names)
    ids = names[start:end]
    return {'data': [about(name) for name in ids], 'has_more': more, 'first_id': ids[0] if ids else None,
            'last_id': ids[-1] if ids else None}


def answer(path, query):
    """What GET of this path gets."""
    if path == PATH:
        return page(query)
    name = urllib.parse.unquote(path.removeprefix(f'{PATH}/'))
    extra = set(read(query)) - {'beta'}
    need(not extra, f'{"".join(sorted(extra)[:1])}: Extra inputs are not permitted')
    if not known(name):
        raise Refused(404, 'not_found_error', f'model: {name}')
    return about(name)
