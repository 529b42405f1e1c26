"""Holds responses and messages against the gateway's own /openapi.json."""

import json
import re

import jsonschema

# What of the headers tells a client how to go on.
TOLD_HEADERS = ('ETag', 'Location', 'Preference-Applied', 'Retry-After', 'WWW-Authenticate')


class Contract:
    def __init__(self, document):
        self.document = document
        jsonschema.Draft202012Validator.check_schema({'$defs': document['components']['schemas']})
        self.paths = [(re.compile(re.sub(r'\{[^}]+\}', '[^/]+', path) + '$'), path) for path in document['paths']]
        # A path without parameters is meant before one with them.
        self.paths.sort(key=lambda pair: pair[1].count('{'))

    def resolve(self, node):
        while '$ref' in node:
            found = self.document
            for part in node['$ref'].removeprefix('#/').split('/'):
                found = found[part]
            node = found
        return node

    def fits(self, value, schema):
        self.validator(schema).validate(value)
        self.check_described(value, schema, schema.get('$ref', '').rpartition('/')[2])

    def validator(self, schema):
        return jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver('', self.document))

    def said_of(self, value, schema):
        """The schemas that say what the value holds: all that are joined, and of a choice what fits."""
        schema = self.resolve(schema)
        yield schema
        for part in schema.get('allOf', ()):
            yield from self.said_of(value, part)
        for part in schema.get('oneOf', ()):
            if self.validator(part).is_valid(value):
                yield from self.said_of(value, part)

    def check_described(self, value, schema, where):
        """Raises when a field came that the document does not know. What has no fields there may have any."""
        said = list(self.said_of(value, schema))
        if isinstance(value, list):
            for items in (one['items'] for one in said if 'items' in one):
                for one in value:
                    self.check_described(one, items, f'{where}[]')
        elif isinstance(value, dict):
            fields = {name: field for one in said for name, field in one.get('properties', {}).items()}
            unknown = set(value) - set(fields) if not any(one.get('additionalProperties') for one in said) else ()
            assert not fields or not unknown, f'{where}: {sorted(unknown)} not in openapi.json'
            for name in set(value).intersection(fields):
                self.check_described(value[name], fields[name], f'{where}.{name}')

    def message(self, name, value):
        """A message of a WebSocket or a stream."""
        self.fits(value, {'$ref': f'#/components/schemas/{name}'})

    def operation(self, method, path):
        for pattern, name in self.paths:
            if pattern.match(path):
                found = self.document['paths'][name].get('get' if method == 'HEAD' else method.lower())
                if found:
                    return found
        return None

    def response(self, method, path, status, headers, body):
        """Raises when the response is not one that the document knows."""
        assert headers.get('X-Request-Id') and re.fullmatch(r'00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}',
                                                           headers.get('Traceparent', '')), headers
        operation = self.operation(method, path.partition('?')[0])
        kind = (headers.get('Content-Type') or '').partition(';')[0]
        if operation is None:  # an unknown path or method: a problem all the same
            if method != 'OPTIONS':
                assert status in (404, 405), (method, path, status)
                self.error(path, kind, status, body)
            return
        assert str(status) in operation['responses'], (method, path, status, body)
        found = self.resolve(operation['responses'][str(status)])
        for name in set(TOLD_HEADERS) - set(found.get('headers', ())):
            assert name not in headers, (method, path, status, name)
        if 'content' not in found:
            assert not body, (method, path, status, body)
            return
        assert kind in found['content'], (method, path, status, kind)
        if status >= 400:
            self.error(path, kind, status, body)
        if method != 'HEAD' and 'json' in kind:
            self.fits(json.loads(body), found['content'][kind]['schema'])

    def error(self, path, kind, status, body):
        openai = path.startswith('/v1/')
        assert kind == ('application/json' if openai else 'application/problem+json'), (path, kind)
        if not body:
            return
        told = json.loads(body)
        self.message('OpenAIError' if openai else 'Problem', told)
        assert openai or told['status'] == status, told
