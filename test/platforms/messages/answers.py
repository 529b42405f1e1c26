"""From a scenario to a message of the model, and to the events of a stream.

A scenario is a JSON object; every key is optional:

    when          which requests it is for: {"text": part of the last user text, "results": number of tool results so
                  far, "min_results": at least so many, "model": name}; without it: any
    times         for how many requests (1; 0: for ever)
    status, error, headers, body
                  an HTTP error: `error` is {"type", "message", "details"}; `body` replaces the whole body
    headers       are also added to a good answer
    content       blocks: {"text": ...}, {"json": value that must fit the request's schema}, {"tool": name,
                  "input": {...}}, {"thinking": ...}, {"raw": any block}. Without it: a sample of the request's
                  schema, or "ok"
    malformed     true: texts and tools are not checked against the request's schema
    stop_reason, stop_details, usage
    delay_s       before the head of the answer
    first_token_s after the head, before the first block; pings go on
    token_s       between two pieces of text
    piece         characters in a piece of text (12)
    split         bytes in one write (0: an event at a time; 1: byte by byte)
    crlf, comments, pings, unknown
                  how the stream looks: line ends, comment lines, pings, unknown events and deltas and empty data
    error_after   after so many events, an event `error` ends the stream (`error`: its type and message)
    cut_after     after so many events the connection is cut
"""

import json
import os

import rules
import schema

PIECE = 12


def new_id(prefix):
    return f'{prefix}_{os.urandom(12).hex()}'


class Issued:
    """What this server has said, as far as later requests must fit to it."""

    def __init__(self):
        self.thoughts, self.paused, self.cached = {}, set(), set()


class Script:
    """Scenarios in order: the first that fits and is not used up."""

    def __init__(self):
        self.scenarios, self.default = [], {}

    def add(self, scenarios):
        for scenario in scenarios:
            self.scenarios.append({**scenario, 'left': scenario.get('times', 1) or None})

    def choose(self, request):
        for scenario in self.scenarios:
            if scenario['left'] != 0 and self.fits(scenario.get('when') or {}, request):
                if scenario['left']:
                    scenario['left'] -= 1
                return scenario
        return self.default

    def fits(self, when, request):
        results = request.results()
        return (when.get('text', '') in request.last_text() and when.get('results', results) == results
                and when.get('min_results', 0) <= results and when.get('model', '') in request.body['model'])


def block_of(part, request, issued, checked):
    body = request.body
    if 'thinking' in part:
        signature = new_id('sig')
        issued.thoughts[signature] = (part['thinking'], rules.prefix(body, len(body['messages'])))
        return {'type': 'thinking', 'thinking': part['thinking'], 'signature': signature}
    if 'tool' in part:
        tool = next((one for one in body.get('tools', []) if one['name'] == part['tool']), None)
        if checked:
            assert tool, f'the script calls the tool {part["tool"]}, which the request does not offer'
            assert schema.fits(part['input'], tool['input_schema']), f'input that does not fit: {part["input"]}'
        return {'type': 'tool_use', 'id': part.get('id') or new_id('toolu'), 'name': part['tool'],
                'input': part['input']}
    if 'json' in part:
        if checked and request.format:
            assert schema.fits(part['json'], request.format), f'JSON that does not fit the schema: {part["json"]}'
        return {'type': 'text', 'text': json.dumps(part['json'], ensure_ascii=part.get('ascii', False))}
    if 'raw' in part:
        return part['raw']
    return {'type': 'text', 'text': part['text']}


def usage_of(request, issued, blocks, scenario):
    """Input tokens are divided into those that the cache had, those that went into it, and the rest."""
    total = rules.tokens_of(rules.plain(request.body))
    read = written = 0
    for digest, tokens in request.cached_prefixes():
        if digest in issued.cached:
            read, written = tokens, 0
        else:
            written = tokens - read
        issued.cached.add(digest)
    usage = {'input_tokens': max(0, total - read - written), 'cache_creation_input_tokens': written,
             'cache_read_input_tokens': read, 'output_tokens': sum(rules.tokens_of(block) for block in blocks)}
    return {**usage, **scenario.get('usage', {})}


def message_of(scenario, request, issued):
    """The whole message, as an answer without a stream has it."""
    checked = not scenario.get('malformed')
    parts = scenario.get('content')
    if parts is None:
        parts = [{'json': schema.sample(request.format)}] if request.format else [{'text': 'ok'}]
    blocks = [block_of(part, request, issued, checked) for part in parts]
    uses = any(block['type'] == 'tool_use' for block in blocks)
    stop = scenario.get('stop_reason') or ('tool_use' if uses else 'end_turn')
    if stop == 'pause_turn':
        issued.paused.add(rules.digest(blocks))
    return {'id': new_id('msg'), 'type': 'message', 'role': 'assistant', 'model': request.body['model'],
            'content': blocks, 'stop_reason': stop, 'stop_sequence': None,
            'stop_details': scenario.get('stop_details'), 'usage': usage_of(request, issued, blocks, scenario)}


def pieces(text, size):
    return [text[at:at + size] for at in range(0, len(text), size)] or ['']


def block_events(number, block, scenario):
    """(event, data, is it a token?) of one block."""
    size, unknown = scenario.get('piece', PIECE), scenario.get('unknown')
    start, deltas = dict(block), []
    if block['type'] == 'text':
        start['text'] = ''
        deltas = [{'type': 'text_delta', 'text': piece} for piece in pieces(block['text'], size)]
    elif block['type'] in ('tool_use', 'server_tool_use'):
        start['input'] = {}
        text = json.dumps(block['input'])
        deltas = [{'type': 'input_json_delta', 'partial_json': ''}]
        deltas += [{'type': 'input_json_delta', 'partial_json': piece} for piece in pieces(text, size)]
    elif block['type'] == 'thinking':
        start.update(thinking='', signature='')
        deltas = [{'type': 'thinking_delta', 'thinking': piece} for piece in pieces(block['thinking'], size)]
        deltas.append({'type': 'signature_delta', 'signature': block['signature']})
    if unknown:
        deltas.insert(len(deltas) // 2, {'type': 'mood_delta', 'mood': 'fine'})
    yield 'content_block_start', {'type': 'content_block_start', 'index': number, 'content_block': start}, False
    for delta in deltas:
        yield 'content_block_delta', {'type': 'content_block_delta', 'index': number, 'delta': delta}, True
    yield 'content_block_stop', {'type': 'content_block_stop', 'index': number}, False


def events_of(message, scenario):
    """All events of a stream: (event, data, is it a token?)."""
    usage = message['usage']
    first = {**message, 'content': [], 'stop_reason': None, 'stop_details': None,
             'usage': {**usage, 'output_tokens': min(1, usage['output_tokens'])}}
    yield 'message_start', {'type': 'message_start', 'message': first}, False
    yield 'ping', {'type': 'ping'}, False
    for number, block in enumerate(message['content']):
        yield from block_events(number, block, scenario)
        if scenario.get('pings'):
            yield 'ping', {'type': 'ping'}, False
        if scenario.get('unknown'):
            yield 'weather_report', {'type': 'weather_report', 'sky': 'blue'}, False
            yield 'ping', None, False
    yield 'message_delta', {'type': 'message_delta', 'usage': usage, 'delta': {
        'stop_reason': message['stop_reason'], 'stop_sequence': None,
        'stop_details': message['stop_details']}}, False
    yield 'message_stop', {'type': 'message_stop'}, False


def encode(event, data, scenario):
    """One event as bytes."""
    end = '\r\n' if scenario.get('crlf') else '\n'
    comment = f': a comment{end}' if scenario.get('comments') else ''
    text = '' if data is None else json.dumps(data, ensure_ascii=False)
    return f'{comment}event: {event}{end}data: {text}{end}{end}'.encode()
