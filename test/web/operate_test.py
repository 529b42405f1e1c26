#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""/operate through the whole chain: an operator behind the gateway, with the rights that the broker gives it."""

import os
import signal
import unittest
import urllib.parse

from gateway import WebTest, wait
from wireclient import frame

KEYS = 'alpha-1 chat ann\nbeta-2 operate ops\n'
OPS = {'X-Api-Key': 'beta-2'}
ANN = {'X-Api-Key': 'alpha-1'}
OPERATORS = {'plugins.operators': ['web'], 'agents.backoff_ms': 50, 'rate_limit.on': False, 'breaker.threshold': 1000}


class Operating(WebTest):
    def gateway(self, **conf):
        return self.web(api_keys=KEYS, conf={**OPERATORS, **conf})

    def get(self, web, path, status=200):
        answer = web.ask('GET', f'/operate/{path}', headers=OPS)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def post(self, web, path, status=200, **body):
        answer = web.ask('POST', f'/operate/{path}', body, OPS)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def state(self, web):
        """Of the host that the broker runs."""
        return next(item['state'] for item in web.broker.ask('adapters.hosts')['items'] if item['name'] == 'web')

    def kill(self, web, text='my password: hunter2', session='s1', why='no prices'):
        """A message that no agent can answer; its letter's number."""
        waiting = web.say(text, ANN, session=session)
        web.worker.nack(web.worker.job()['lease'], permanent=True, code='data_unavailable', reason=why)
        web.wait(waiting)
        return max(item['number'] for item in wait(lambda: self.get(web, 'dead')['items'], 'the letter'))

    def test_without_the_right_it_says_which_key_to_set(self):
        web = self.web(api_keys=KEYS)
        for path in ('status', 'dead', 'sessions', 'metrics'):
            told = self.get(web, path, 403)
            self.assertEqual(told['type'], '/problems/not-permitted')
            self.assertIn('plugins.operators', told['detail'])
        self.assertEqual(self.get(web, 'key'), {'name': 'ops'})
        old = web.pid()
        web.broker.write_conf({'plugins.operators': ['web']})
        web.broker.signal(signal.SIGHUP)
        wait(lambda: web.pid() not in (None, old), 'the adapter that has read it')
        web.up()
        self.get(web, 'status')

    def test_an_impostor_is_an_adapter_like_others(self):
        """Who reaches the adapters' socket may take a name that is free, and gets no right by it."""
        web = self.gateway(**{'plugins.operators': ['web', 'console']})
        self.get(web, 'status')
        web.broker.ask('adapters.stop', name='web')
        wait(lambda: self.state(web) == 'stopped', 'web has left')
        for name, more in (('console', {}), ('web', {}), ('web', {'proof': b''}), ('web', {'proof': os.urandom(32)}),
                           ('console', {'proof': 'x' * 32})):
            impostor = web.broker.adapter(name, platform='web', hello=False, incarnation=b'impostor' * 2)
            impostor.options.update(more)
            impostor.hello()
            for command in ('status', 'dead.list', 'tail'):
                impostor.send(frame('CONTROL', 1, command, {}))
                request, _, status, body = impostor.expect('RESULT')
                self.assertEqual((request, status), (1, 'AUTH'), (name, more, command))
                self.assertIn('that the broker itself has started', body['text'])
            impostor.send(frame('CONTROL', 2, 'kv.list', {}))
            self.assertEqual(impostor.expect('RESULT')[2], 'ok')
            impostor.bye()
        impostor = web.broker.adapter('web', incarnation=b'impostor' * 2)
        web.broker.ask('adapters.start', name='web')
        self.assertEqual(impostor.expect('ERROR')[0], 'NAME_IN_USE')
        wait(web.pid, 'web is back')
        web.up()
        self.get(web, 'status')

    def test_only_keys_for_operating(self):
        web = self.gateway()
        self.assertEqual(web.ask('GET', '/operate/status').status, 401)
        self.assertEqual(web.ask('GET', '/operate/status', headers=ANN).status, 403)
        self.assertEqual(web.ask('GET', '/operate/dead', headers={**OPS, 'Origin': 'https://evil.example'}).status, 403)

    def test_what_there_is_to_see(self):
        web = self.gateway()
        waiting = web.say('hello', ANN)
        web.answer('hi')
        web.wait(waiting)
        self.assertEqual(self.get(web, 'status')['counts']['sessions'], 1)
        self.assertIn('palaver_events_accepted_total', self.get(web, 'metrics')['text'])
        self.assertEqual([item['service'] for item in self.get(web, 'routes')['items']], ['advisor'])
        self.assertEqual(len(self.get(web, 'agents')['items']), 1)
        self.assertEqual([item['name'] for item in self.get(web, 'adapters')['items']], ['web'])
        self.assertEqual([item['name'] for item in self.get(web, 'hosts')['items']], ['web'])
        self.assertEqual([item['session_id'] for item in self.get(web, 'sessions?limit=5')['items']], ['web_s1'])
        self.assertEqual([turn['text'] for turn in self.get(web, 'session?session=web_s1')['history']], ['hello', 'hi'])
        self.assertEqual(self.get(web, 'session?session=web_s2', 404)['type'], '/problems/thing-unknown')
        self.assertEqual(self.post(web, 'session/end', session='web_s1'), {'status': 'success'})
        self.get(web, 'session?session=web_s1', 404)

    def test_a_letter_is_found_sent_again_and_signed(self):
        web = self.gateway()
        number = self.kill(web)
        group = self.get(web, 'dead/groups')['items'][0]
        self.assertEqual((group['count'], group['why']), (1, 'no prices'))
        self.assertEqual(self.get(web, f'dead?fingerprint={group["fingerprint"]}')['items'][0]['number'], number)
        self.assertEqual(self.get(web, 'dead?attempts=9')['items'], [])
        letter = self.get(web, f'dead/{number}')['items'][0]
        self.assertEqual(letter['body']['message_text'], 'my password: ********')
        stale = self.post(web, 'dead/replay', numbers=[number], expect=[[letter['attempts'], letter['dead_us'] + 1]])
        self.assertEqual((stale['done'], stale['skips']), (0, [{'number': number, 'why': 'changed'}]))
        sent = self.post(web, 'dead/replay', numbers=[number], expect=[[letter['attempts'], letter['dead_us']]],
                         plan='1234567890abcdef')
        self.assertEqual((sent['done'], sent['done_numbers']), (1, [number]))
        self.assertEqual(self.post(web, 'dead/replay', numbers=[number])['missing'], 1)
        web.worker.nack(web.worker.job()['lease'], permanent=True, reason='no prices')
        again = wait(lambda: web.broker.ask('dead.list')['items'], 'it died again')[0]
        ledger = self.get(web, f'dead/{again["number"]}')['items'][0]['ledger']
        self.assertIn(('ops', 'replayed', '1234567890abcdef'),
                      [(entry['who'], entry['how'], entry['code']) for entry in ledger])
        self.assertEqual(self.post(web, 'dead/discard', numbers=[again['number']], reason='a test')['done'], 1)
        self.assertEqual(self.get(web, 'dead')['items'], [])

    def test_what_happens_is_streamed(self):
        web = self.gateway()
        stream = web.stream('/operate/tail?texts=true&session=web_s1', OPS)
        self.assertEqual((stream.status, stream.next()[2]), (200, {'items': [], 'lost': 0}))
        number = self.kill(web)
        self.kill(web, session='s2')
        seen = []
        while 'dead' not in [line['what'] for line in seen]:
            seen += stream.next()[2]['items']
        dead = next(line for line in seen if line['what'] == 'dead')
        self.assertEqual([line['what'] for line in seen][:2], ['accepted', 'dispatched'])
        self.assertEqual({line['session_id'] for line in seen}, {'web_s1'})
        self.assertEqual((seen[0]['text'], dead['number']), ('my password: ********', number))
        stream.close()
        for _ in range(20):  # each that leaves makes room for another one: there is room for 16
            once = web.stream('/operate/tail', OPS)
            self.assertEqual(once.next()[2]['items'], [])
            once.close()

    def test_a_stream_ends_when_the_broker_does(self):
        web = self.gateway()
        stream = web.stream('/operate/tail', OPS)
        self.assertEqual(stream.next()[2]['items'], [])
        web.broker.restart(crash=True)
        while stream.next() is not None:
            pass
        web.up()
        again = web.stream('/operate/tail', OPS)
        self.assertEqual(again.next()[2]['items'], [])

    def test_an_event_and_past_traffic(self):
        web = self.gateway()
        number = self.kill(web)
        waiting = web.say('hello', ANN, session='s2')
        web.answer('hi')
        web.wait(waiting)
        listed = wait(lambda: len(items := self.get(web, 'events')['items']) == 2 and items, 'both are in the journal')
        self.assertEqual([(item['session_id'], item['outcome']) for item in listed],
                         [('web_s1', 'dead'), ('web_s2', 'delivered')])
        self.assertEqual([item['number'] for item in self.get(web, 'events?outcome=dead')['items']], [number])
        event = self.get(web, f'event?id={listed[0]["id"]}')['items'][0]
        self.assertEqual(event['body']['message_text'], 'my password: ********')
        self.assertEqual([hop['hop'] for hop in event['hops'] if hop['hop'] in ('accepted', 'dispatched', 'dead')],
                         ['accepted', 'dispatched', 'dead'])
        other = self.get(web, f'event?number={listed[1]["number"]}')['items'][0]
        self.assertEqual(other['answer']['response_text'], 'hi')
        self.get(web, 'event?id=00000000-0000-7000-8000-000000000000', 404)
        self.get(web, 'event', 422)

    def test_a_trial_sends_nothing_to_anyone(self):
        web = self.gateway()
        number = self.kill(web, text='Which fund?')
        waiting = web.later('POST', '/operate/dead/shadow', {'numbers': [number]}, OPS)
        job = web.worker.job()
        self.assertEqual((job['body']['message_text'], job['options']['trial']), ('Which fund?', True))
        web.worker.reply(job['lease'], 'This one.')
        told = web.wait(waiting)
        self.assertEqual(told.status, 200)
        one = told.json['items'][0]
        self.assertEqual((one['outcome'], one['answer'], one['number']), ('answer', 'This one.', number))
        self.assertIn('not available', one['old'])
        self.assertEqual((told.json['end']['answered'], told.json['end']['failed']), (1, 0))
        self.assertEqual([item['number'] for item in self.get(web, 'dead')['items']], [number])
        self.assertEqual(self.post(web, 'dead/shadow', numbers=[999])['end']['missing'], 1)

    def test_a_route_is_paused_and_goes_on(self):
        web = self.gateway()
        self.assertEqual(self.post(web, 'routes/pause', route='default', reason='prices are down'), {'changed': True})
        waiting = web.say('hello', ANN)
        route = wait(lambda: (one := self.get(web, 'routes')['items'][0])['waiting'] and one, 'an event waits')
        self.assertEqual((route['paused_by'], route['why']), ('ops', 'prices are down'))
        self.assertEqual(self.post(web, 'routes/resume', route='default', reason='up again'), {'changed': True})
        web.answer('hi')
        self.assertEqual(web.wait(waiting).status, 200)
        self.post(web, 'routes/pause', 404, route='nowhere', reason='none')

    def test_sessions_of_any_name_are_found(self):
        """By a part of a query: in a path some names would be another path."""
        web = self.gateway()
        adapter = web.broker.adapter('other', platform='other')
        for name in ('..', '/../b', '%2e%2f', 'a?b=c&d#e', 'ä+ö', ' '):
            adapter.publish('hello', session=name)
            adapter.stored()
            session = f'other_{name}'
            query = urllib.parse.urlencode({'session': session})
            self.assertEqual(self.get(web, f'session?{query}')['session_id'], session)
            wait(lambda query=query: self.get(web, f'events?{query}')['items'], 'it is past traffic')
            web.worker.nack(web.worker.job()['lease'], permanent=True)
            letter, = wait(lambda query=query: self.get(web, f'dead?{query}')['items'], 'its letter')
            self.assertEqual(self.get(web, f'dead/{letter["number"]}')['items'][0]['session_id'], session)
            adapter.delivered(adapter.delivery()['delivery'])
            end = {'session': session}
            wait(lambda end=end: web.ask('POST', '/operate/session/end', end, OPS).status == 200, 'it ends')
            self.get(web, f'session?{query}', 404)

    def test_what_waits_is_set_aside(self):
        web = self.gateway()
        self.post(web, 'routes/pause', route='default')
        waiting = web.say('hello', ANN)
        wait(lambda: self.get(web, 'routes')['items'][0]['waiting'], 'an event waits')
        self.post(web, 'events/discard', 422, reason='whose?')
        self.assertEqual(self.post(web, 'events/discard', session='web_s1', dry_run=True),
                         {'done': 1, 'left': 0, 'in_hand': 0})
        self.assertEqual(self.post(web, 'events/discard', session='web_s1', reason='flood')['done'], 1)
        self.assertEqual(web.wait(waiting).json['type'], '/problems/set-aside')
        self.assertEqual([one['why'] for one in self.get(web, 'dead')['items']], ['by ops: flood'])

    def test_bad_orders_change_nothing(self):
        web = self.gateway()
        number = self.kill(web)
        self.assertEqual(self.post(web, 'dead/replay', 422)['type'], '/problems/order-refused')
        self.assertEqual(self.post(web, 'dead/replay', 422, numbers=[number], too='slow')['type'],
                         '/problems/order-refused')
        self.post(web, 'dead/replay', 422, numbers=[number], to='nowhere')
        self.post(web, 'dead/replay', 422, numbers=[number], expect=[1, 2])
        self.get(web, 'dead?fingerprint=xyz', 422)
        self.get(web, 'dead?since_us=yesterday', 400)
        self.assertIn('session: is given more than once', self.get(web, 'dead?session=a&session=b', 400)['detail'])
        self.get(web, 'dead/999', 404)
        self.assertEqual(len(self.get(web, 'dead')['items']), 1)


if __name__ == '__main__':
    unittest.main()
