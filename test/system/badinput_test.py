#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""Bad input on the wire gets a clear error, nothing is lost, and the broker lives on."""

import os
import struct
import unittest

from palaverd import BrokerTest, wait
from wireclient import HEAD, VERBS, event_id, frame, pack, text_id


def raw_frame(verb, body):
    return HEAD + struct.pack('>BI', VERBS[verb], len(body)) + body


class BadInput(BrokerTest):
    def setUp(self):
        self.it = self.broker({'content.chars': 1000000})
        self.good, self.worker = self.it.adapter('good'), self.it.worker()

    def lives_on(self):
        """Others do not notice."""
        self.round_trip(self.good, self.worker, 'hello')
        self.assertTrue(self.it.running())

    def closed(self, peer, code, *words, verb=None):
        """The peer got an ERROR with this code and these words, and is not known any more."""
        got, text, about = peer.expect('ERROR')
        self.assertEqual(got, code, text)
        for word in words:
            self.assertIn(word, text)
        if verb:
            self.assertEqual(about, verb)
        self.assertTrue(self.it.wait_log('peer.refused', code=code))
        peer.ready = False
        peer.send(frame('PING'))
        self.assertEqual(peer.next(), ('WHO', []))
        self.lives_on()


class Frames(BadInput):
    def test_a_frame_above_the_maximum_of_its_verb(self):
        peer = self.it.adapter('bad')
        peer.send_raw(raw_frame('PUBLISH', b'x' * 2097153))
        self.closed(peer, 'PROTOCOL', 'PUBLISH of 2097153 bytes', '2097152')

    def test_a_frame_longer_than_its_packet(self):
        peer = self.it.adapter('bad')
        peer.send_raw(HEAD + struct.pack('>BI', VERBS['PING'], 9) + b'\x90')
        self.closed(peer, 'PROTOCOL', 'PING of 9 bytes', '1 left')

    def test_a_packet_above_the_maximum(self):
        peer = self.it.adapter('bad')
        peer.send_raw(HEAD + b'\0' * 8388608)
        self.closed(peer, 'PROTOCOL', 'a packet of 8388612 bytes', '8388608')

    def test_a_packet_far_above_the_maximum_ends_the_connection(self):
        peer = self.it.adapter('bad')
        peer.publish('before', session='9', platform_id='m1')
        peer.expect('STORED')
        peer.send_raw(HEAD + b'\0' * (32 * 1024 * 1024))
        self.worker.reply(self.worker.job()['lease'], 'x')
        self.lives_on()
        again = self.it.adapter('other')
        again.publish('after', session='8')
        again.expect('STORED')
        self.assertLess(self.it.rss_mb(), 900)

    def test_a_body_above_the_limit_is_rejected(self):
        peer = self.it.adapter('bad')
        seq, _ = peer.publish('x' * 1048576)
        got, code, text = peer.expect('REJECTED')
        self.assertEqual((got, code), (seq, 'RANGE'))
        self.assertIn('limits.body_kb', text)
        self.assertEqual(self.it.metric('events_rejected'), 1)
        peer.publish('the connection is good', session='2')
        peer.expect('STORED')
        self.assertEqual(self.worker.job()['body']['message_text'], 'the connection is good')
        self.lives_on()

    def test_garbage(self):
        for packet in (b'', b'x', b'GET / HTTP/1.1\r\n\r\n', b'PV', b'\xff' * 1000):
            peer = self.it.peer('adapters')
            peer.send_raw(packet)
            code, text, _ = peer.expect('ERROR')
            self.assertEqual(code, 'PROTOCOL')
            self.assertIn('not a packet', text)
        self.lives_on()

    def test_a_message_of_several_parts_is_refused(self):
        peer = self.it.adapter('bad')
        peer.socket.send_multipart([b'', HEAD + frame('PING')])
        self.closed(peer, 'PROTOCOL', 'one part')

    def test_arguments_that_are_no_msgpack(self):
        for body, words in ((b'\xc1', 'array'), (b'\x93\x01\x80', 'body'), (b'\xdd\xff\xff\xff\xff', 'argument'),
                            (b'\x92\x01\x80', 'array of 3'), (b'\x93\x01\xa1x\xc4\x00', 'envelope'),
                            (b'\x93\xff\x80\xc4\x00', 'seq'), (b'\x93\x01\x80\xc4\x00\x00', 'too many')):
            peer = self.it.adapter('bad')
            peer.send_raw(raw_frame('PUBLISH', body))
            code, text, _ = peer.expect('ERROR')
            self.assertEqual(code, 'PROTOCOL')
            self.assertIn(words, text, body)
            peer.close()
        self.lives_on()

    def test_a_verb_that_does_not_exist(self):
        peer = self.it.adapter('bad')
        peer.send_raw(HEAD + struct.pack('>BI', 99, 1) + b'\x90')
        self.closed(peer, 'PROTOCOL', 'no verb 99')

    def test_frames_before_the_bad_one_count(self):
        peer = self.it.adapter('bad')
        envelope, body = peer.event('good', session='2')
        peer.send(frame('PUBLISH', 1, envelope, pack(body)), b'\x63\x00\x00\x00\x01\x90')
        peer.expect('ERROR')
        self.assertEqual(self.worker.job()['body']['message_text'], 'good')

    def test_nesting_is_bounded(self):
        peer = self.it.adapter('bad')
        deep = b'\x81\xa1a' * 100 + b'\x80'
        envelope, _ = peer.event('')
        body = b'\x82\xacmessage_text\xa1x\xa8metadata' + deep
        peer.post(envelope, body)
        self.assertEqual(peer.expect('REJECTED')[1], 'MSGPACK')
        peer.send_raw(raw_frame('PUBLISH', b'\x93\x01' + deep + b'\xc4\x00'))
        self.closed(peer, 'PROTOCOL')


class Events(BadInput):
    def rejected(self, envelope, body, code, *words):
        seq = self.good.post(envelope, body)
        got, name, text = self.good.expect('REJECTED')
        self.assertEqual((got, name), (seq, code), text)
        for word in words:
            self.assertIn(word, text)

    def test_invalid_utf_8(self):
        envelope, _ = self.good.event('')
        for text in (b'\xff\xfe', b'\xc0\x80', b'\xed\xa0\x80', b'caf\xe9', b'\xf4\x90\x80\x80'):
            body = b'\x81\xacmessage_text' + bytes([0xa0 + len(text)]) + text
            self.rejected(envelope, body, 'MSGPACK', 'UTF-8')
        body = b'\x82\xacmessage_text\xa1x\xa8metadata\x81\xa1k\xa1\xff'
        self.rejected(envelope, body, 'MSGPACK', 'UTF-8')
        self.lives_on()

    def test_invalid_utf_8_in_the_envelope(self):
        envelope, body = self.good.event('hello')
        encoded = pack(envelope).replace(b'\xa2u1', b'\xa2\xffx')
        self.good.send(struct.pack('>BI', 10, len(encoded) + 2 + 5) + b'\x93\x01' + encoded + b'\xc4\x03\x81\xa0\xc0')
        verb, args = self.good.next()
        self.assertEqual((verb, args[1]), ('REJECTED', 'UTF8'))
        self.lives_on()

    def test_a_body_that_is_no_msgpack(self):
        envelope, _ = self.good.event('')
        for body in (b'', b'\xc1', b'\x81', b'hello', b'\x90', b'\x81\xacmessage_text\xa5x', pack({}) + b'\0'):
            self.rejected(envelope, body, 'MSGPACK')
        self.rejected(envelope, pack({'text': 'x'}), 'MSGPACK', 'message_text')
        self.rejected(envelope, pack({'message_text': 7}), 'MSGPACK', 'message_text')
        self.lives_on()

    def test_an_envelope_with_something_missing_or_wrong(self):
        envelope, body = self.good.event('hello')
        for key in ('id', 'type', 'platform', 'session_id', 'user_id', 'timestamp'):
            wrong = {name: value for name, value in envelope.items() if name != key}
            seq = self.good.post(wrong, body)
            got, _, text = self.good.expect('REJECTED')
            self.assertEqual(got, seq)
            self.assertIn(key, text)
        for key, value in (('id', b'short'), ('id', 'x' * 16), ('session_id', 'x' * 256), ('session_id', ''),
                           ('timestamp', 'now'), ('platform', 'p' * 65), ('traceparent', 't' * 65)):
            self.good.post({**envelope, key: value}, body)
            self.assertIn(key, self.good.expect('REJECTED')[2])
        self.lives_on()

    def test_an_envelope_whose_names_are_not_those_of_the_protocol(self):
        envelope, body = self.good.event('hello')
        number = bytearray(envelope['id'])
        for at, mask, value in ((6, 0x0f, 0x40), (8, 0x3f, 0xc0)):  # version 4; another variant
            wrong = bytearray(number)
            wrong[at] = wrong[at] & mask | value
            self.rejected({**envelope, 'id': bytes(wrong)}, body, 'ARG', f'envelope.id is {text_id(bytes(wrong))}')
        for session in ('telegram_1', 'good', 'goodies_1', '_1', 'GOOD_1'):
            self.rejected({**envelope, 'session_id': session}, body, 'ARG',
                          f'envelope.session_id does not begin with "good_", its platform: it is "{session}"')
        self.assertEqual(self.it.metric('events_accepted'), 0)
        self.lives_on()

    def test_an_envelope_above_the_limit(self):
        envelope, body = self.good.event('hello')
        self.rejected({**envelope, 'more': 'x' * 5000}, body, 'RANGE', '4096')
        self.lives_on()

    def test_an_envelope_that_names_another_adapter(self):
        envelope, body = self.good.event('hello')
        self.rejected({**envelope, 'adapter': 'web'}, body, 'ARG', 'envelope.adapter', 'good')
        self.lives_on()

    def test_types_that_an_adapter_does_not_publish(self):
        envelope, body = self.good.event('hello')
        for kind in ('chat.response', 'chat.delta', 'chat.typing', 'session.created', 'session.ended', 'chat.nonsense'):
            self.rejected({**envelope, 'type': kind}, body, 'ARG', kind)
        self.lives_on()

    def test_nothing_of_what_was_rejected_is_kept(self):
        envelope, _ = self.good.event('', platform_id='m1')
        self.rejected(envelope, b'\xc1', 'MSGPACK')
        self.good.publish('hello', platform_id='m1')
        self.good.expect('STORED')
        self.assertEqual(self.worker.job()['body']['message_text'], 'hello')
        self.assertEqual((self.it.metric('events_duplicate'), self.it.metric('events_accepted')), (0, 1))


class Protocol(BadInput):
    def test_a_peer_of_a_newer_major_version(self):
        peer = self.it.peer('adapters')
        peer.send_raw(b'PV\x02\x07' + frame('HELLO', 'adapter', 'new', 'b', 1, {}))
        code, text, _ = peer.expect('ERROR')
        self.assertEqual(code, 'VERSION')
        self.assertIn('2.7', text)
        self.assertRegex(text, r'wire version 1\.\d+ ')
        self.assertIn('upgrade the broker', text)
        self.lives_on()

    def test_a_peer_of_an_older_major_version(self):
        peer = self.it.peer('agents')
        peer.send_raw(b'PV\x00\x09' + frame('HELLO', 'agent', 'old', 'b', 1, {'services': ['x']}))
        code, text, _ = peer.expect('ERROR')
        self.assertEqual(code, 'VERSION')
        self.assertIn('upgrade this peer', text)
        self.lives_on()

    def test_a_peer_of_a_later_minor_version_is_welcome(self):
        peer = self.it.peer('agents')
        options = {'services': ['x'], 'credit': 1, 'news': [1, 2]}
        peer.send_raw(b'PV\x01\x09' + frame('HELLO', 'agent', 'later', 'b', 1, options, 'more', {'and': 'more'}))
        peer.expect('WELCOME')

    def test_an_illegal_verb_in_a_state(self):
        for make, verb, args in ((self.it.adapter, 'REPLY', (1, b'\x80', None)), (self.it.adapter, 'STORED', ([1],)),
                                 (self.it.worker, 'PUBLISH', (1, {}, b'')), (self.it.worker, 'JOB', (
                                     1, 1, 1, {}, b'', [], b'', {}, None)), (self.it.tool, 'CREDIT', None),
                                 (self.it.worker, 'CONTROL', (1, 'status', {})), (self.it.adapter, 'WHO', ()),
                                 (self.it.adapter, 'WELCOME', ('x', 1, {}))):
            if args is None:
                continue
            peer = make('bad')
            peer.send(frame(verb, *args))
            code, text, about = peer.expect('ERROR')
            self.assertEqual((code, about), ('PROTOCOL', verb), text)
            peer.close()
        self.assertEqual(self.it.metric('illegal_frames'), 7)
        self.lives_on()

    def test_hello_twice(self):
        peer = self.it.adapter('bad')
        peer.send(frame('HELLO', 'adapter', 'bad', 'b', 1, {}))
        self.closed(peer, 'PROTOCOL', 'HELLO', verb='HELLO')

    def test_a_verb_before_hello_is_asked_who_it_is(self):
        peer = self.it.peer('agents')
        peer.send(frame('REPLY', 65537, pack({'response_text': 'x'}), None))
        self.assertEqual(peer.next(), ('WHO', []))
        self.lives_on()

    def test_a_role_that_does_not_belong_on_the_socket(self):
        for socket, role in (('adapters', 'agent'), ('agents', 'adapter'), ('agents', 'tool'), ('control', 'agent'),
                             ('control', 'god')):
            peer = self.it.peer(socket)
            peer.send(frame('HELLO', role, 'bad', 'b', 1, {'services': ['advisor']}))
            code, text, _ = peer.expect('ERROR')
            self.assertEqual(code, 'AUTH')
            self.assertIn(role, text)
        self.lives_on()

    def test_a_hello_that_makes_no_sense(self):
        for name, options, words in (('', {'services': ['x']}, 'name'), ('a b', {'services': ['x']}, 'name'),
                                     ('n' * 65, {'services': ['x']}, 'name'), ('w', {'services': 'x'}, 'services'),
                                     ('w', {}, 'services'),
                                     ('w', {'services': ['a'] * 33}, 'services'), ('w', {'services': ['']}, 'services'),
                                     ('w', {'services': [7]}, 'services')):
            peer = self.it.peer('agents')
            peer.send(frame('HELLO', 'agent', name, 'b', 1, options))
            code, text, _ = peer.expect('ERROR')
            self.assertEqual(code, 'ARG')
            self.assertIn(words, text)
        self.assertEqual(len(self.it.ask('agents.list')['items']), 1)
        self.lives_on()

    def test_two_adapters_of_one_name(self):
        other = self.it.peer('adapters')
        other.send(frame('HELLO', 'adapter', 'good', 'b', 1, {'credit': 1, 'incarnation': os.urandom(16)}))
        code, text, about = other.expect('ERROR')
        self.assertEqual((code, about), ('NAME_IN_USE', 'HELLO'))
        self.assertIn('"good" is connected already', text)
        self.assertIn(str(os.getpid()), text)
        self.lives_on()

    def test_the_same_adapter_on_a_new_connection_takes_its_own_place(self):
        self.good.publish('hello')
        self.worker.reply(self.worker.job()['lease'], 'answer')
        delivery = self.good.delivery()
        again = self.it.adapter('good', incarnation=self.good.incarnation, holding=[delivery['delivery']])
        again.delivered(delivery['delivery'])
        again.expect('SETTLED')
        self.assertEqual(self.it.metric('outbox'), 0)
        self.good.ready = False
        self.good = again
        self.lives_on()

    def test_two_workers_of_one_name_are_fine(self):
        self.it.worker()
        self.assertEqual(len(self.it.ask('agents.list')['items']), 2)
        self.lives_on()

    def leased(self):
        self.good.publish('hello', session='7')
        self.good.expect('STORED')
        return self.worker.job()

    def test_a_reply_to_a_job_that_is_no_longer_leased(self):
        job = self.leased()
        self.worker.nack(job['lease'])
        again = self.worker.job()
        self.worker.reply(job['lease'], 'the old attempt')
        self.assertEqual(self.worker.expect('CANCEL')[:2], [job['lease'], 'not_leased'])
        self.worker.reply(again['lease'], 'the new attempt')
        self.assertEqual(self.deliver(self.good)['response_text'], 'the new attempt')
        self.good.quiet('DELIVER', 0.1)
        self.assertEqual(self.it.metric('replies_stale'), 1)

    def test_a_reply_to_the_job_of_another_worker(self):
        job = self.leased()
        other = self.it.worker('thief')
        other.reply(job['lease'], 'stolen')
        self.assertEqual(other.expect('CANCEL')[:2], [job['lease'], 'not_leased'])
        self.worker.reply(job['lease'], 'mine')
        self.assertEqual(self.deliver(self.good)['response_text'], 'mine')

    def test_the_same_reply_twice(self):
        job = self.leased()
        for _ in range(2):
            self.worker.reply(job['lease'], 'an answer')
        self.assertEqual(self.worker.expect('COMMITTED'), [[job['lease']]])
        self.assertEqual(self.worker.expect('CANCEL')[:2], [job['lease'], 'finished'])
        self.assertEqual(self.deliver(self.good)['response_text'], 'an answer')
        self.good.quiet('DELIVER', 0.1)
        self.assertEqual(self.it.metric('replies_stale'), 1)

    def test_a_reply_to_a_lease_that_never_was(self):
        for verb, args in (('REPLY', (2 ** 64 - 1, b'\x80', None)), ('NACK', (0, True, None, 'x', 'y')),
                           ('STEP', (4711, 'a', b''))):
            self.worker.send(frame(verb, *args))
            self.assertEqual(self.worker.expect('CANCEL')[0], args[0])
        self.lives_on()

    def test_a_command_that_does_not_exist(self):
        status, body = self.it.try_ask('make.coffee')
        self.assertEqual(status, 'NOENT')
        self.assertIn('make.coffee', body['text'])

    def test_arguments_of_commands_that_make_no_sense(self):
        for command, arguments in (('sessions.show', {}), ('sessions.show', {'session': 7}),
                                   ('dead.show', {'number': 'x'}),
                                   ('dead.replay', {'numbers': 'all'}), ('backup', {}), ('backup', {'dir': 'relative'}),
                                   ('backup', {'dir': '/x\0y'}), ('sessions.reset', {'session': 'x' * 300}),
                                   ('dead.replay', {'numbers': list(range(1001))})):
            status, body = self.it.try_ask(command, **arguments)
            self.assertIn(status, ('NOENT', 'ARG'), (command, arguments))
            self.assertTrue(body['text'])
        self.it.ask('dead.list', limit=0, after=2 ** 63)
        self.it.ask('sessions.list', limit=2 ** 40, after='x' * 1000)
        self.lives_on()


class Crowds(BrokerTest):
    def test_an_adapter_that_floods_does_not_starve_others(self):
        broker = self.broker({'limits.pending': 3000})
        good, worker, flood = broker.adapter('good'), broker.worker(credit=4), broker.adapter('flood', credit=0)
        for number in range(5000):
            flood.publish('x', session=str(number % 50))
        for _ in range(3):
            broker.ask('status')
        answers = {'STORED': 0, 'BUSY': 0}
        while sum(answers.values()) < 5000:
            verb, args = flood.next()
            answers[verb] += len(args[0]) if verb == 'STORED' else 1
        self.assertEqual(answers, {'STORED': 3000, 'BUSY': 2000})
        self.assertLess(broker.rss_mb(), 1500)
        good.publish('hello')
        self.assertEqual(good.next()[0], 'BUSY')
        for _ in range(5):
            worker.nack(worker.job()['lease'], permanent=True)
            worker.expect('COMMITTED')
        self.assertEqual(broker.metric('events_accepted'), 3000)

    def test_a_flood_of_garbage(self):
        broker = self.broker()
        good, worker, flood = broker.adapter('good'), broker.worker(), broker.peer('adapters')
        for number in range(3000):
            flood.send_raw(b'PV\x01\x00' + event_id() * (number % 5))
        self.round_trip(good, worker, 'hello')
        wait(lambda: broker.metric('peers_refused') >= 2000, 'refusals')
        self.assertEqual(broker.metric('peers{role="adapter"}'), 1)

    def test_a_peer_that_never_reads_is_given_up(self):
        broker = self.broker()
        good, worker = broker.adapter('good'), broker.worker()
        deaf = broker.peer('control', rcvhwm=1)
        deaf.introduce('tool', 'deaf', 'b', 1, {})
        deaf.ready = False
        for number in range(500):
            good.publish('x', session=str(number))
        good.stored(500)
        for number in range(5000):
            deaf.send(frame('CONTROL', number, 'sessions.list', {'limit': 1000}))
            if number % 2 == 0:
                broker.ask('status')
            if broker.logged('peer.stuck'):
                break
        broker.wait_log('peer.stuck')
        self.assertLess(broker.rss_mb(), 700)
        worker.reply(worker.job()['lease'], 'others go on')
        self.deliver(good)

    def test_a_worker_that_never_reads_loses_its_jobs(self):
        broker = self.broker({'agents.deadline_ms': 500, 'breaker.threshold': 1000})
        good = broker.adapter('good')
        deaf = broker.worker('deaf', credit=64)
        for number in range(20):
            good.publish('x', session=str(number))
        good.stored(20)
        broker.wait_metric('leases', 20)
        deaf.send_credit(0)
        worker = broker.worker('worker', credit=64)
        self.assertEqual({worker.job()['attempt'] for _ in range(20)}, {2})

    def test_a_worker_that_hangs_while_its_heartbeat_goes_on_meets_the_deadline(self):
        broker = self.broker({'agents.deadline_ms': 500, 'agents.attempts': 2, 'agents.timeout_ms': 60000})
        good, worker = broker.adapter('good'), broker.worker()
        good.publish('hello')
        for _ in range(2):
            job = worker.job()
            self.assertEqual(worker.expect('CANCEL')[:2], [job['lease'], 'deadline'])
        self.assertEqual([row['how'] for row in broker.letter()['ledger']], ['deadline', 'deadline'])
        self.assertEqual(self.deliver(good)['metadata']['fallback'], 'timeout')

    def test_many_peers_come_and_go(self):
        broker = self.broker()
        good, worker = broker.adapter('good'), broker.worker()
        for _ in range(5):
            crowd = [broker.worker(f'w{number}', services=['elsewhere']) for number in range(40)]
            for number, peer in enumerate(crowd):
                peer.bye() if number % 2 else peer.close()
        self.round_trip(good, worker, 'hello')
        self.assertEqual(broker.metric('peers_welcomed'), 203)


if __name__ == '__main__':
    unittest.main()
