#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""SIGHUP reads the configuration again, all or nothing, and disturbs nothing that is under way."""

import signal
import subprocess
import unittest

from palaverd import PROGRAM, Broker, BrokerTest, World, route
from wireclient import frame


class Reload(BrokerTest):
    def start(self, **conf):
        broker = self.broker(conf)
        return broker, broker.adapter(), broker.worker()

    def reload(self, broker, changes, expect='conf.reloaded'):
        mark = broker.mark()
        broker.write_conf(changes)
        broker.signal(signal.SIGHUP)
        return broker.wait_log(expect, after=mark)

    def test_a_new_value_is_in_force(self):
        broker, adapter, worker = self.start(**{'content.chars': 5})
        self.reload(broker, {'content.chars': 5000})
        self.round_trip(adapter, worker, 'longer than five')
        self.assertEqual(broker.metric('conf_reloads{result="ok"}'), 1)

    def test_all_or_nothing(self):
        broker, adapter, worker = self.start()
        why = self.reload(broker, {'content.chars': 5, 'agents.attempts': 0}, 'conf.refused')['why']
        for word in (broker.file, 'agents.attempts'):
            self.assertIn(word, why)
        self.round_trip(adapter, worker, 'longer than five')
        self.assertEqual(broker.metric('conf_reloads{result="refused"}'), 1)
        self.reload(broker, {'agents.attempts': 3})
        adapter.publish('longer than five')
        self.assertEqual(self.deliver(adapter)['metadata']['fallback'], 'rejected')

    def test_what_is_refused(self):
        broker, adapter, worker = self.start()
        for change, word in (({'agents.atempts': 3}, 'attempts'), ({'content.rules': ['(']}, 'content.rules'),
                             ({'routes': [route(pattern='[')]}, 'pattern'), ({'data.sync': False}, 'data.sync'),
                             ({'run.dir': '/elsewhere'}, 'run.dir'),
                             ({'listen.agents': 'tcp://127.0.0.1:1'}, 'restart')):
            before = dict(broker.conf)
            self.assertIn(word, self.reload(broker, change, 'conf.refused')['why'])
            broker.conf = before
        with open(broker.file, 'w', encoding='ascii') as conf:
            conf.write('agents = {')
        mark = broker.mark()
        broker.signal(signal.SIGHUP)
        self.assertIn(':1', broker.wait_log('conf.refused', after=mark)['why'])
        self.round_trip(adapter, worker, 'lives on')

    def test_without_a_file_there_is_nothing_to_read(self):
        folder = self.folder()
        command = [PROGRAM, '--data', f'{folder}/data', '--run', f'{folder}/run']
        broker = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={'HOME': folder})
        try:
            lines = iter(broker.stderr.readline, '')
            self.assertTrue(any('broker.ready' in line for line in lines))
            broker.send_signal(signal.SIGHUP)
            for line in lines:
                if 'conf.re' in line:
                    break
            if 'conf.reloaded' not in line:
                self.assertIn('without a configuration file', line)
        finally:
            broker.terminate()
            broker.stderr.read()
            self.assertEqual(broker.wait(30), 0)
            broker.stderr.close()

    def test_one_that_comes_while_the_configuration_is_first_read_is_taken_and_ends_nothing(self):
        world, folder = World(self.folder()), self.folder()
        broker = Broker(folder, env={**world.env(), 'PALAVER_WORLD_HUP': f'{folder}/palaver.conf'})
        self.addCleanup(broker.close)
        broker.start()
        broker.wait_log('conf.reloaded')
        self.round_trip(broker.adapter(), broker.worker(), 'hello')

    def test_a_job_under_way_is_not_disturbed(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        adapter.publish('second')
        job = worker.job()
        self.reload(broker, {'agents.attempts': 2, 'routes': [route('other', 'advisor')]})
        worker.quiet('CANCEL', 0.1)
        worker.reply(job['lease'], 'an answer')
        worker.expect('COMMITTED')
        self.assertEqual(self.deliver(adapter)['response_text'], 'an answer')
        self.assertEqual(worker.job()['body']['message_text'], 'second')

    def test_a_route_that_goes_leaves_its_events_to_another(self):
        broker, adapter, _ = self.start(routes=[route('old', 'gone')])
        for session in 'ab':
            adapter.publish('hello', session=session)
        adapter.stored(2)
        self.reload(broker, {'routes': [route('new', 'here')]})
        worker = broker.worker('here', services=['here'])
        self.assertEqual({worker.job()['envelope']['session_id'] for _ in range(2)}, {'web_a', 'web_b'})

    def test_a_dead_letter_parks_its_session_by_the_route_it_has_now(self):
        broker, adapter, worker = self.start(routes=[route(on_dead='park')])
        adapter.publish('bad')
        adapter.publish('later')
        job = worker.job()
        self.reload(broker, {'agents.attempts': 4})
        worker.nack(job['lease'], permanent=True)
        letter = broker.letter()
        worker.quiet('JOB')
        self.assertEqual(broker.session('web_1')['parked_by'], letter['number'])

    def test_attempts_of_the_route_count_for_what_is_under_way(self):
        broker, adapter, worker = self.start(**{'agents.attempts': 9}, routes=[route(attempts=1)])
        adapter.publish('bad')
        job = worker.job()
        self.reload(broker, {'content.chars': 100})
        worker.nack(job['lease'])
        self.assertEqual(broker.letter()['attempts'], 1)

    def test_a_batch_that_is_being_gathered_is_not_disturbed(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker(credit=64, batch={'size': 3, 'wait_ms': 60000})
        for session in 'ab':
            adapter.publish('hello', session=session)
        adapter.stored(2)
        self.reload(broker, {'content.chars': 100})
        adapter.publish('hello', session='c')
        jobs = [worker.job() for _ in range(3)]
        self.assertEqual({job['batch']['size'] for job in jobs}, {3})
        for job in jobs:
            worker.reply(job['lease'], 'done')
            self.deliver(adapter)

    def test_the_cache_begins_anew(self):
        broker, adapter, worker = self.start(routes=[route(cache=True)])
        self.round_trip(adapter, worker, 'hello', session='a')
        self.reload(broker, {'compliance.version': '2'})
        self.round_trip(adapter, worker, 'hello', session='b')

    def test_the_level_of_the_log(self):
        broker, adapter, worker = self.start()
        self.reload(broker, {'log.level': 'info'})
        mark = broker.mark()
        self.round_trip(adapter, worker, 'hello')
        self.assertEqual(broker.logged('event.accepted', after=mark), [])
        self.reload(broker, {'log.level': 'debug'})
        mark = broker.mark()
        self.round_trip(adapter, worker, 'hello', session='2')
        self.assertEqual(len(broker.logged('event.accepted', after=mark)), 1)

    def test_a_paused_route_stays_paused(self):
        broker, adapter, worker = self.start(**{'breaker.threshold': 2})
        for session in 'ab':
            adapter.publish('hello', session=session)
        # In one packet: the first is not tried again before the second is heard of.
        leases = [worker.job()['lease'] for _ in 'ab']
        worker.send(*(frame('NACK', lease, False, None, 'general_error', 'no') for lease in leases))
        broker.wait_log('route.paused')
        self.reload(broker, {'content.chars': 100})
        worker.quiet('JOB')
        self.assertEqual(broker.ask('routes.list')['items'][0]['breaker'], 'open')
        self.assertEqual(broker.metric('routes_paused'), 1)

    def test_a_route_that_goes_while_a_batch_of_it_is_gathered(self):
        gone, stays = route('gone', pattern='^one'), route('stays', pattern='^two')
        broker = self.broker({'routes': [gone, stays]})
        adapter, worker = broker.adapter(), broker.worker(batch={'size': 3, 'wait_ms': 60000})
        for text, session in (('one', 'x'), ('two', 'x'), ('two', 'y')):
            adapter.publish(text, session=session)
        adapter.stored(3)
        self.reload(broker, {'routes': [stays]})
        adapter.publish('two', session='z')  # fills the batch; what goes back of it brings the second of x
        jobs = [worker.job() for _ in range(3)]
        self.assertEqual({job['envelope']['session_id'] for job in jobs}, {'web_x', 'web_y', 'web_z'})
        self.assertEqual([job['body']['message_text'] for job in jobs], ['two'] * 3)
        self.assertEqual([letter['reason'] for letter in broker.dead()], ['no_route'])

    def test_many_reloads_under_traffic_lose_nothing(self):
        broker, adapter, worker = self.start()
        for number in range(20):
            adapter.publish(f'{number}', session=str(number % 3))
            broker.write_conf({'content.chars': 100 + number, 'routes': [route(f'r{number % 2}')]})
            broker.signal(signal.SIGHUP)
        adapter.stored(20)
        for _ in range(20):
            worker.reply(worker.job()['lease'], 'done')
            self.deliver(adapter)
        self.assertEqual((broker.dead(), broker.metric('pending_events')), ([], 0))


if __name__ == '__main__':
    unittest.main()
