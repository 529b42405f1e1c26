#!/usr/bin/python3
# RUN: timeout=120 variants=debug,release
"""The fake Messages API is strict: what the real one refuses it refuses, and what it streams is what it said."""

import http.client
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'messages'))
import fake_messages  # noqa: E402

HEADERS = {'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': fake_messages.KEY}
HELLO = {'model': 'claude-sonnet-5-5', 'max_tokens': 100, 'messages': [{'role': 'user', 'content': 'hello'}]}
TOOL = {'name': 'look', 'description': 'looks', 'input_schema': {
    'type': 'object', 'properties': {'what': {'type': 'string'}}, 'required': ['what']}}
SCHEMA = {'type': 'object', 'additionalProperties': False, 'required': ['words'], 'properties': {
    'words': {'type': 'array', 'minItems': 1, 'items': {'$ref': '#/$defs/word'}}},
    '$defs': {'word': {'anyOf': [{'enum': ['a', 'b']}, {'type': 'integer'}]}}}


def with_format(schema):
    return {'output_config': {'format': {'type': 'json_schema', 'schema': schema}}}


def cached(count, ttls=()):
    ttls = list(ttls) or ['5m'] * count
    return {'messages': [{'role': 'user', 'content': [
        {'type': 'text', 'text': 'x', 'cache_control': {'type': 'ephemeral', 'ttl': ttl}} for ttl in ttls]}]}


USE = {'type': 'tool_use', 'id': 'toolu_1', 'name': 'look', 'input': {'what': 'x'}}
RESULT = {'type': 'tool_result', 'tool_use_id': 'toolu_1', 'content': 'found'}
TEXT = {'type': 'text', 'text': 'and?'}


def talk(*contents):
    return {'messages': [{'role': 'assistant' if number % 2 else 'user', 'content': content}
                         for number, content in enumerate(contents)], 'tools': [TOOL]}


BAD = {
    'an unknown key': {'colour': 'blue'},
    'no max_tokens': {'max_tokens': None},
    'the assistant first': {'messages': [{'role': 'assistant', 'content': 'x'}]},
    'words put into its mouth': talk('a', 'b'),
    'an empty text': {'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': ' '}]}]},
    'a result of nothing': talk([RESULT]),
    'a use without its result': talk('a', [USE], 'b'),
    'a text before the result': talk('a', [USE], [TEXT, RESULT]),
    'two results': talk('a', [USE], [RESULT, RESULT]),
    'a thought of its own': talk('a', [{'type': 'thinking', 'thinking': 'x', 'signature': 'y'}, USE], [RESULT]),
    'five cache marks': cached(5),
    'an hour behind five minutes': cached(2, ('5m', '1h')),
    'a tool with a bad name': {'tools': [{**TOOL, 'name': 'look up'}]},
    'two tools of one name': {'tools': [TOOL, TOOL]},
    'a tool without an object': {'tools': [{**TOOL, 'input_schema': {'type': 'string'}}]},
    'a choice without tools': {'tool_choice': {'type': 'auto'}},
    'a person as user_id': {'metadata': {'user_id': 'ann@example.org'}},
    'an open object': with_format({'type': 'object', 'properties': {}}),
    'a range': with_format({**SCHEMA, 'properties': {'words': {'type': 'integer', 'minimum': 1}}}),
    'two items at least': with_format({**SCHEMA, 'properties': {'words': {
        'type': 'array', 'minItems': 2, 'items': {'type': 'string'}}}}),
    'a reference to nowhere': with_format({**SCHEMA, '$defs': {}}),
    'an effort that is none': {'output_config': {'effort': 'heroic'}},
    'little thought': {'thinking': {'type': 'enabled', 'budget_tokens': 10}},
}


class Fake(unittest.TestCase):
    def setUp(self):
        self.fake = fake_messages.start(self)

    def ask(self, changes=None, headers=None):
        """(status, headers, body as JSON)"""
        body = {key: value for key, value in {**HELLO, **(changes or {})}.items() if value is not None}
        given = {key: value for key, value in {**HEADERS, **(headers or {})}.items() if value is not None}
        status, answer, data = self.fake.post('/v1/messages', body, given)
        return status, {key.lower(): value for key, value in answer.items()}, json.loads(data)

    def refused(self, status, kind, changes=None, headers=None):
        found, _, body = self.ask(changes, headers)
        self.assertEqual((found, body['type'], body['error']['type']), (status, 'error', kind), body)
        return body['error']['message']

    def events(self, *scenario, **changes):
        """The events of a stream, and the bytes that it was made of."""
        self.fake.script(*scenario)
        _, headers, data = self.fake.post('/v1/messages', {**HELLO, 'stream': True, **changes}, HEADERS)
        self.assertIn('text/event-stream', headers['content-type'])
        found = []
        for block in data.decode().replace('\r\n', '\n').split('\n\n'):
            fields = dict(line.split(': ', 1) for line in block.split('\n') if ': ' in line and line[0] != ':')
            if fields.get('data'):
                found.append((fields['event'], json.loads(fields['data'])))
        return found, data

    def test_a_good_request_is_answered_and_counted(self):
        status, headers, body = self.ask()
        self.assertEqual((status, body['content'], body['stop_reason']), (200, [{'type': 'text', 'text': 'ok'}],
                                                                          'end_turn'))
        self.assertTrue(headers['request-id'].startswith('req_'))
        self.assertEqual(headers['anthropic-ratelimit-requests-remaining'], '3999')
        state = self.fake.state()
        self.assertEqual((state['calls'], state['refused'], state['problems']), (1, 0, []))
        self.assertGreater(state['tokens']['output_tokens'], 0)

    def test_what_is_wrong_is_refused(self):
        for name, changes in BAD.items():
            with self.subTest(name):
                self.assertTrue(self.refused(400, 'invalid_request_error', changes))
        self.assertEqual(self.fake.state()['calls'], 0)

    def test_messages_of_one_role_are_one_turn(self):
        self.assertEqual(self.ask({'messages': HELLO['messages'] * 2})[0], 200)
        apart = talk('a', [USE], [RESULT])
        apart['messages'].append({'role': 'user', 'content': [TEXT]})
        self.assertEqual(self.ask(apart)[0], 200)
        apart['messages'][2:] = reversed(apart['messages'][2:])
        status, _, body = self.ask(apart)
        self.assertEqual((status, body['error']['type']), (400, 'invalid_request_error'))

    def test_a_conversation_kept_by_the_server_is_declined_as_the_vendors_sdk_understands(self):
        status, _, body = self.ask({'thread': {'type': 'create'}})
        self.assertEqual(status, 400)
        self.assertEqual(body['error']['details']['error_code'], 'thread_unsupported_request')

    def test_headers_are_checked(self):
        self.refused(401, 'authentication_error', headers={'x-api-key': 'wrong'})
        self.refused(401, 'authentication_error', headers={'x-api-key': None})
        self.refused(400, 'invalid_request_error', headers={'anthropic-version': None})
        self.refused(400, 'invalid_request_error', headers={'anthropic-version': '2020-01-01'})
        self.refused(400, 'invalid_request_error', headers={'content-type': 'text/plain'})
        self.refused(404, 'not_found_error', {'model': 'some-model'})
        bearer = {'x-api-key': None, 'authorization': f'Bearer {fake_messages.KEY}'}
        self.assertEqual(self.ask(headers=bearer)[0], 200)

    def test_temperature_and_forced_tools_are_refused_where_they_are(self):
        newer = {'anthropic-version': '2026-10-21'}
        for key, value in {'temperature': 0.5, 'top_p': 0.9, 'top_k': 5}.items():
            self.assertEqual(self.ask({key: value})[0], 200)
            self.assertIn(key, self.refused(400, 'invalid_request_error', {key: value}, newer))
        for choice in ({'type': 'any'}, {'type': 'tool', 'name': 'look'}):
            changes = {'tools': [TOOL], 'tool_choice': choice}
            self.assertEqual(self.ask({**changes, 'model': 'claude-haiku-4-5'})[0], 200)
            self.refused(400, 'invalid_request_error', {**changes, 'model': 'claude-opus-5-5'})

    def test_structured_output_follows_the_schema(self):
        status, _, body = self.ask(with_format(SCHEMA))
        self.assertEqual((status, json.loads(body['content'][0]['text'])), (200, {'words': ['a']}))
        self.fake.script({'content': [{'json': {'words': ['c']}}]})
        self.assertEqual(self.ask(with_format(SCHEMA))[0], 500)
        self.assertEqual(len(self.fake.state()['problems']), 1)

    def test_a_stream_holds_what_was_said_however_it_is_cut(self):
        content = [{'thinking': 'hm'}, {'text': 'größer, \U0001f600 and longer'},
                   {'tool': 'look', 'input': {'what': 'ä'}}]
        for more in ({}, {'split': 1}, {'split': 7, 'crlf': True}, {'comments': True, 'pings': True, 'unknown': True}):
            with self.subTest(more):
                events, _ = self.events({'content': content, **more}, tools=[TOOL])
                kinds = [event for event, _ in events]
                self.assertEqual((kinds[0], kinds[-2:]), ('message_start', ['message_delta', 'message_stop']))
                deltas = [data['delta'] for event, data in events if event == 'content_block_delta']
                self.assertEqual(''.join(one.get('text', '') for one in deltas), content[1]['text'])
                self.assertEqual(json.loads(''.join(one.get('partial_json', '') for one in deltas)), {'what': 'ä'})
                self.assertEqual(events[-2][1]['delta']['stop_reason'], 'tool_use')
                self.assertEqual('weather_report' in kinds, 'unknown' in more)

    def test_a_stream_may_end_badly(self):
        events, _ = self.events({'error_after': 4})
        self.assertEqual((events[-1][0], events[-1][1]['error']['type']), ('error', 'overloaded_error'))
        self.fake.script({'cut_after': 4})
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            self.fake.post('/v1/messages', {**HELLO, 'stream': True}, HEADERS)
        self.assertEqual(self.fake.state()['cut'], 1)

    def test_thoughts_come_back_as_they_were(self):
        self.fake.script({'content': [{'thinking': 'hm'}, {'tool': 'look', 'input': {'what': 'x'}}]})
        said = self.ask({'tools': [TOOL]})[2]['content']
        result = [{**RESULT, 'tool_use_id': said[1]['id']}]
        self.assertEqual(self.ask(talk('hello', said, result))[0], 200)
        self.refused(400, 'invalid_request_error', talk('another question', said, result))
        self.refused(400, 'invalid_request_error', talk('hello', [{**said[0], 'thinking': 'no'}, said[1]], result))

    def test_a_paused_turn_goes_on(self):
        self.fake.script({'content': [{'text': 'half'}], 'stop_reason': 'pause_turn'})
        said = self.ask()[2]
        self.assertEqual(said['stop_reason'], 'pause_turn')
        self.assertEqual(self.ask(talk('hello', said['content']))[0], 200)

    def test_what_was_cached_is_read_from_the_cache(self):
        system = {'system': [{'type': 'text', 'text': 'x' * 4000, 'cache_control': {'type': 'ephemeral'}}]}
        first, second = (self.ask(system)[2]['usage'] for _ in range(2))
        self.assertGreater(first['cache_creation_input_tokens'], 900)
        self.assertEqual((second['cache_creation_input_tokens'], second['cache_read_input_tokens']),
                         (0, first['cache_creation_input_tokens']))

    def test_errors_by_script_and_a_real_limit(self):
        self.fake.script({'status': 529}, {'status': 429, 'headers': {'retry-after': 7}},
                         {'status': 429, 'error': {'details': {'error_code': 'enforced_spend_limit_reached'}}},
                         {'status': 500, 'body': 'no JSON'})
        self.refused(529, 'overloaded_error')
        status, headers, _ = self.ask()
        self.assertEqual((status, headers['retry-after']), (429, '7'))
        self.assertEqual(self.ask()[2]['error']['details'], {'error_code': 'enforced_spend_limit_reached'})
        self.assertEqual(self.fake.post('/v1/messages', HELLO, HEADERS)[2], b'no JSON')
        self.fake.limits(1, 60)
        self.assertEqual(self.ask()[0], 200)
        status, headers, _ = self.ask()
        self.assertEqual((status, headers['anthropic-ratelimit-requests-remaining']), (429, '0'))
        self.assertGreater(int(headers['retry-after']), 50)

    def look(self, query='', status=200, kind=None, headers=None):
        """What GET /v1/models with this behind it gets."""
        given = {name: value for name, value in HEADERS.items() if name != 'content-type'}
        given.update(headers or {})
        found, answer, data = self.fake.post(f'/v1/models{query}', None, given)
        told = json.loads(data)
        self.assertEqual((found, told['error']['type'] if kind else None), (status, kind), told)
        self.assertTrue(answer['request-id'].startswith('req_'))
        return told

    def ids(self, query=''):
        told = self.look(query)
        found = [model['id'] for model in told['data']]
        self.assertEqual((told['first_id'], told['last_id']), (found[0], found[-1]) if found else (None, None))
        return found, told['has_more']

    def test_models_are_listed_page_by_page_in_both_directions(self):
        every, more = self.ids()
        self.assertFalse(more)
        self.assertIn(HELLO['model'], every)
        forward, cursor, more = [], '', True
        while more:
            found, more = self.ids(f'?limit=3{cursor}')
            forward += found
            cursor = f'&after_id={found[-1]}'
        self.assertEqual(forward, every)
        backward, cursor, more = [], every[-1], True
        while more:
            found, more = self.ids(f'?limit=3&before_id={cursor}')
            backward = found + backward
            cursor = found[0]
        self.assertEqual(backward, every[:-1])
        self.assertEqual(self.ids(f'?after_id={every[-1]}'), ([], False))
        self.assertEqual(self.ids(f'?before_id={every[0]}'), ([], False))
        self.assertEqual(self.ids('?beta=true&limit=1000')[0], every)

    def test_a_model_is_found_by_its_id_or_is_not(self):
        told = self.look(f'/{HELLO["model"]}?beta=true')
        self.assertEqual((told['type'], told['id'], told['display_name']),
                         ('model', HELLO['model'], 'Claude Sonnet 5.5'))
        self.assertEqual(self.look('/claude-haiku-4-5-20251001')['id'], 'claude-haiku-4-5-20251001')
        for name in ('gpt', 'claude-haiku-4-5-2', 'claude-haiku-4-5x', '20251001', ''):
            self.look(f'/{name}', 404, 'not_found_error')
        status, _, body = self.ask({'model': 'claude-sonnet-5-5x'})
        self.assertEqual((status, body['error']['type']), (404, 'not_found_error'))

    def test_a_bad_question_for_models_is_refused(self):
        for query in ('?limit=0', '?limit=1001', '?limit=ten', '?limit=', '?limit=2&limit=3', '?after_id=gpt',
                      '?before_id=', '?after_id=claude-opus-5-5&before_id=claude-opus-4-8', '?page=2',
                      '/claude-opus-5-5?limit=1'):
            with self.subTest(query):
                self.look(query, 400, 'invalid_request_error')
        self.look('', 401, 'authentication_error', {'x-api-key': 'wrong'})
        self.look('', 400, 'invalid_request_error', {'anthropic-version': '2020-01-01'})
        self.assertEqual(self.fake.post('/v1/models', {}, HEADERS)[0], 405)
        self.assertEqual(self.fake.post('/v1/modelsx', None, HEADERS)[0], 404)

    def count(self, status=200, **changes):
        body = {'model': HELLO['model'], 'messages': HELLO['messages'], **changes}
        found, _, data = self.fake.post('/v1/messages/count_tokens', body, HEADERS)
        self.assertEqual(found, status, data)
        return json.loads(data)

    def test_tokens_are_counted_as_a_call_is_billed_and_nothing_is_called(self):
        more = {'system': 'x' * 400, 'tools': [TOOL], 'thinking': {'type': 'enabled', 'budget_tokens': 2000}}
        self.assertGreater(self.count(**more)['input_tokens'], self.count()['input_tokens'] + 100)
        marked = [{'type': 'text', 'text': 'hello', 'cache_control': {'type': 'ephemeral'}}]
        plain = [{'type': 'text', 'text': 'hello'}]
        self.assertEqual(*(self.count(messages=[{'role': 'user', 'content': content}]) for content in (marked, plain)))
        for key, value in {'max_tokens': 5, 'stream': True, 'temperature': 1, 'metadata': {}}.items():
            self.assertIn(key, self.count(400, **{key: value})['error']['message'])
        self.count(404, model='gpt')
        self.count(400, messages=[])
        self.assertEqual(self.fake.state()['calls'], 0)

    def test_scenarios_are_chosen_by_what_is_asked(self):
        self.fake.script({'when': {'text': 'second'}, 'content': [{'text': '2'}]},
                         {'when': {'text': 'first'}, 'times': 2, 'content': [{'text': '1'}]})
        said = [self.ask({'messages': [{'role': 'user', 'content': f'the {which} one'}]})[2]['content'][0]['text']
                for which in ('first', 'second', 'first', 'first')]
        self.assertEqual(said, ['1', '2', '1', 'ok'])


if __name__ == '__main__':
    unittest.main()
