"""The part of JSON Schema that structured output takes, and a check of values against it.

Every object says additionalProperties: false; enum, const, anyOf, allOf, $ref and $defs are taken; minItems is 0 or 1.
Lengths, ranges, patterns and other limits are refused: they belong into descriptions.
"""

TYPES = {'object': dict, 'array': list, 'string': str, 'number': (int, float), 'integer': int, 'boolean': bool,
         'null': type(None)}
COMMON = {'type', 'title', 'description', 'default', 'enum', 'const', 'anyOf', 'allOf', '$ref', '$defs', 'definitions'}
ALLOWED = {'object': {'properties', 'required', 'additionalProperties'}, 'array': {'items', 'minItems'},
           'string': {'format'}}
FORMATS = {'date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'}
DEPTH_MAX = 32


class SchemaError(ValueError):
    pass


def resolve(root, ref):
    if not isinstance(ref, str) or not ref.startswith('#/'):
        raise SchemaError(f'$ref {ref!r}: only references within the schema are supported')
    found = root
    for part in ref[2:].split('/'):
        if not isinstance(found, dict) or part not in found:
            raise SchemaError(f'$ref {ref!r} leads nowhere')
        found = found[part]
    return found


def check(schema, root=None, path='schema', refs=()):
    """Raises SchemaError when `schema` is not in the subset."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        raise SchemaError(f'{path}: a schema is an object')
    if path.count('.') > DEPTH_MAX:
        raise SchemaError(f'{path}: nested too deeply')
    kinds = schema.get('type')
    kinds = kinds if isinstance(kinds, list) else [kinds] if kinds is not None else []
    for kind in kinds:
        if kind not in TYPES:
            raise SchemaError(f'{path}: type {kind!r} is not supported')
    extra = set(schema) - COMMON - set().union(*(ALLOWED.get(kind, set()) for kind in kinds))
    if extra:
        raise SchemaError(f'{path}: {", ".join(sorted(extra))} is not supported here')
    if not kinds and not set(schema) & {'enum', 'const', 'anyOf', 'allOf', '$ref'}:
        raise SchemaError(f'{path}: says no type')
    if 'object' in kinds:
        check_object(schema, root, path, refs)
    if 'array' in kinds:
        check_array(schema, root, path, refs)
    if 'enum' in schema and (not isinstance(schema['enum'], list) or not schema['enum']
                             or any(isinstance(one, (dict, list)) for one in schema['enum'])):
        raise SchemaError(f'{path}: enum takes a list of simple values')
    if schema.get('format') is not None and schema['format'] not in FORMATS:
        raise SchemaError(f'{path}: format {schema["format"]!r} is not supported')
    for word in ('anyOf', 'allOf'):
        for number, one in enumerate(check_list(schema.get(word, []), path, word)):
            check(one, root, f'{path}.{word}.{number}', refs)
    for word in ('$defs', 'definitions'):
        for name, one in schema.get(word, {}).items():
            check(one, root, f'{path}.{word}.{name}', refs)
    if '$ref' in schema:
        if schema['$ref'] in refs:
            raise SchemaError(f'{path}: recursive schemas are not supported')
        check(resolve(root, schema['$ref']), root, f'{path}.$ref', (*refs, schema['$ref']))


def check_list(value, path, word):
    if not isinstance(value, list):
        raise SchemaError(f'{path}: {word} takes a list')
    return value


def check_object(schema, root, path, refs):
    if schema.get('additionalProperties') is not False:
        raise SchemaError(f'{path}: for "object" type, "additionalProperties" must be explicitly set to false')
    properties = schema.get('properties', {})
    if not isinstance(properties, dict):
        raise SchemaError(f'{path}: properties takes an object')
    for name in check_list(schema.get('required', []), path, 'required'):
        if name not in properties:
            raise SchemaError(f'{path}: required names {name!r}, which is no property')
    for name, one in properties.items():
        check(one, root, f'{path}.{name}', refs)


def check_array(schema, root, path, refs):
    if schema.get('minItems', 0) not in (0, 1):
        raise SchemaError(f'{path}: minItems must be 0 or 1')
    if 'items' in schema:
        check(schema['items'], root, f'{path}.items', refs)


def check_tool(schema, path):
    """A tool's input that is not strict: any JSON Schema of an object, but one that makes sense."""
    if not isinstance(schema, dict) or schema.get('type') != 'object':
        raise SchemaError(f'{path}.type: must be "object"')
    properties = schema.get('properties', {})
    if not isinstance(properties, dict):
        raise SchemaError(f'{path}.properties: must be an object')
    for name in check_list(schema.get('required', []), path, 'required'):
        if name not in properties:
            raise SchemaError(f'{path}: required names {name!r}, which is no property')
    for name, one in properties.items():
        kind = one.get('type') if isinstance(one, dict) else None
        if not isinstance(one, dict) or (isinstance(kind, str) and kind not in TYPES):
            raise SchemaError(f'{path}.properties.{name}: is no schema')


def is_type(value, kind):
    if isinstance(value, bool) and kind in ('number', 'integer'):
        return False
    return isinstance(value, TYPES[kind]) or (kind == 'integer' and isinstance(value, float) and value.is_integer())


def fits(value, schema, root=None):
    """Does the value follow the schema?"""
    root = schema if root is None else root
    if '$ref' in schema and not fits(value, resolve(root, schema['$ref']), root):
        return False
    if 'const' in schema and value != schema['const'] or 'enum' in schema and value not in schema['enum']:
        return False
    if 'anyOf' in schema and not any(fits(value, one, root) for one in schema['anyOf']):
        return False
    if not all(fits(value, one, root) for one in schema.get('allOf', [])):
        return False
    kinds = schema.get('type', [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(is_type(value, kind) for kind in kinds):
        return False
    if isinstance(value, dict) and 'properties' in schema:
        properties = schema['properties']
        return (set(value) <= set(properties) and set(schema.get('required', [])) <= set(value)
                and all(fits(one, properties[name], root) for name, one in value.items()))
    if isinstance(value, list):
        return (len(value) >= schema.get('minItems', 0)
                and all(fits(one, schema.get('items', {}), root) for one in value))
    return True


def sample(schema, root=None):
    """A small value that follows the schema."""
    root = schema if root is None else root
    if '$ref' in schema:
        return sample(resolve(root, schema['$ref']), root)
    if 'const' in schema:
        return schema['const']
    if 'enum' in schema:
        return schema['enum'][0]
    for word in ('anyOf', 'allOf'):
        if word in schema:
            return sample(schema[word][0], root)
    kind = schema.get('type')
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == 'object':
        return {name: sample(schema['properties'][name], root) for name in schema.get('required', [])}
    if kind == 'array':
        return [sample(schema['items'], root)] if schema.get('minItems') else []
    return {'string': 'a text', 'number': 1.5, 'integer': 1, 'boolean': True}.get(kind)
