"""What the machine-readable contract of the Bot API adds to table.py: the methods and types that table.py does not
list, and the limits, choices and constants that the contract's own words name. Without it, table.py is all there is.
"""

import json
import math
import os
import re

from . import entities, table
from .params import ApiError

TEST = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SHARED = os.environ.get('PALAVER_SHARED', os.path.join(os.path.dirname(TEST), '..', 'shared'))
PATH = os.path.join(SHARED, 'contracts', 'telegram-bot-api.json')
ADDED = set()   # the methods that only the contract has
CONSTANTS = ('type', 'status', 'source')
MISSING = {'chat_id': 'chat_id is empty', 'user_id': 'invalid user_id specified',
           'message_id': 'message identifier is not specified'}


class Rule:
    """What a value has to be beside its type: a length, bytes, count, range or choice; `parsed`: without its marks."""

    def __init__(self, what, low=0, high=0, choices=(), parsed=False):
        self.what, self.low, self.high, self.choices, self.parsed = what, low, high, choices, parsed

    def broken(self, value):
        """What is wrong with a value of the right type, or None."""
        if self.what == 'choice':
            return None if value in self.choices else 'is none of ' + ', '.join(map(str, self.choices))
        size = {'length': lambda: entities.units(value), 'bytes': lambda: len(value.encode()), 'range': lambda: value,
                'count': lambda: len(value)}[self.what]()
        unit = {'length': ' characters', 'bytes': ' bytes', 'count': ' items'}.get(self.what, '')
        return None if self.low <= size <= self.high else f'is not {self.low}-{self.high}{unit}'


def rule_of(kind, words):
    """The rule that a description names, or None."""
    numbers = re.search(r'\b(\d+)-(\d+)\b(?! alpha)', words)
    if kind.startswith('['):
        most = re.search(r'(?:list of up to|; up to|[Aa]t most) (\d+)', words)
        listed = re.search(r'[Ll]ist of (\d+)-(\d+)', words)
        if listed:
            return Rule('count', int(listed[1]), int(listed[2]))
        return Rule('count', 0, int(most[1])) if most else None
    if kind == 'String':
        if numbers and re.match(' (characters|bytes)', words[numbers.end():]):
            what = 'bytes' if words[numbers.end():].startswith(' bytes') else 'length'
            return Rule(what, int(numbers[1]), int(numbers[2]), parsed='after entities parsing' in words)
        if re.search(r'must be (one of|either) "|"[\w/]+"(, "[\w/]+")*,? or "[\w/]+"', words, re.I):
            return Rule('choice', choices=re.findall(r'"([\w/]+)"', re.sub(r'defaults? to.*', '', words)))
        return None
    if kind in ('Integer', 'Float'):
        return number_rule(words, numbers)
    return None


def number_rule(words, numbers):
    listed = re.search(r'must (?:be one of|always be) ([^.]*)', words)
    if listed:
        parts = re.split(r', or |, | or ', re.sub(r' ?\([^)]*\)?| if specified', '', listed[1]))
        return Rule('choice', choices=[math.prod(map(int, part.split('*'))) for part in parts])
    between = re.search(r'between (\d+) and (\d+)', words) or numbers
    return Rule('range', int(between[1]), int(between[2])) if between else None


def constant_of(name, words):
    found = re.search(r'(?:always|must be) "?(\w+)"?$', words) if name in CONSTANTS else None
    return Rule('choice', choices=[found[1]]) if found else None


def type_of(types):
    def one(words):
        return '[' + one(words[len('Array of '):]) + ']' if words.startswith('Array of ') else words
    return '|'.join(map(one, types))


def entry_of(name, told):
    entry = table.Entry(name + (' = ' + type_of(told['returns']) if 'returns' in told else ''))
    for one in told.get('fields', []):
        kind, words = type_of(one['types']), one['description']
        entry.fields[one['name']] = table.Field(one['required'], kind,
                                                constant_of(one['name'], words) or rule_of(kind, words))
    return entry


def read():
    """The contract, or None where it is not beside the checkout."""
    if not os.path.exists(PATH):
        return None
    with open(PATH) as text:
        return json.load(text)


def complete(contract):
    """Adds to the table what the contract has and it does not."""
    for name, told in contract['methods'].items():
        if name not in table.METHODS:
            table.METHODS[name] = entry_of(name, told)
            table.BY_LOWER[name.lower()] = name
            ADDED.add(name)
    for name, told in contract['types'].items():
        if 'subtypes' in told:
            table.UNIONS[name] = [type_of([one]) for one in told['subtypes']]
            continue
        known, full = table.TYPES.get(name), entry_of(name, told)
        if known is None or not known.whole:
            table.TYPES[name] = full
        for field in CONSTANTS:
            if field in full.fields and len(full.fields[field].rule.choices if full.fields[field].rule else ()) == 1:
                table.TYPES[name].fields[field].rule = full.fields[field].rule


def check(method, values):
    """What a method that is only in the contract is refused for, before anything is looked up."""
    for name, field in table.METHODS[method].fields.items():
        value, rule = values.get(name), field.rule
        may_be_empty = rule is not None and rule.low == 0 and rule.what != 'choice'
        if field.required and (value is None or (value == '' and not may_be_empty)):
            raise ApiError(400, 'Bad Request: ' + MISSING.get(name, f'parameter "{name}" is required'))
        if rule and not rule.parsed and value is not None and (wrong := rule.broken(value)):
            raise ApiError(400, f'Bad Request: invalid {name} specified: it {wrong}')


def make(type_, given=()):
    """A value of a type: of an object, those fields of `given` that it has, and the least for others that it needs."""
    kind = table.split_type(type_)[0]
    if kind.startswith('['):
        return []
    if kind in table.SCALARS:
        return {'Integer': 0, 'Float': 0.0, 'String': ''}.get(kind, False)
    if kind in table.UNIONS:
        return make(table.UNIONS[kind][0], given)
    given, made = dict(given), {}
    for name, field in table.TYPES[kind].fields.items():
        if given.get(name) is not None:
            made[name] = given[name]
        elif field.required:
            made[name] = least(field)
    return made


def most(method, name):
    return table.METHODS[method].fields[name].rule.high


def least(field):
    """The least value that a field may have."""
    rule = field.rule
    if rule and rule.what == 'choice':
        return rule.choices[0]
    if rule and rule.what == 'count':
        return [make(table.split_type(field.type)[0][1:-1]) for _ in range(rule.low)]
    if rule and rule.what in ('length', 'bytes'):
        return 'x' * rule.low
    return rule.low if rule else make(field.type)


if (found := read()) is not None:
    complete(found)
