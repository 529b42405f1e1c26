#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""Workers that die between two calls of the model, and fifty conversations at once on one worker."""

import threading
import time
import unittest

import wireclient
import zmq
from advisor import PATIENCE, PROFILE, Advisor, AdvisorTest, answer, at_once, tool
from palaverd import SECONDS, VARIANT, wait
from patience import at_best


class Middle(threading.Thread):
    """Between the workers and the broker. It kills a worker when the broker says that a step is saved, and keeps that
    word from it: the worker dies after just that step."""

    def __init__(self, front, back):
        super().__init__(daemon=True)
        self.back, self.workers, self.deadly, self.killed, self.victim = back, {}, [], [], None
        self.context = zmq.Context()
        self.front = self.context.socket(zmq.ROUTER)
        self.front.bind(front)
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            sockets = [self.front, *self.workers.values()]
            for socket in zmq.select(sockets, [], [], 0.05)[0]:
                if socket is self.front:
                    identity, packet = socket.recv_multipart()
                    self.worker(identity).send(packet)
                else:
                    self.pass_on(next(name for name, one in self.workers.items() if one is socket), socket.recv())
        self.context.destroy(linger=0)

    def worker(self, identity):
        if identity not in self.workers:
            self.workers[identity] = self.context.socket(zmq.DEALER)
            self.workers[identity].connect(self.back)
        return self.workers[identity]

    def pass_on(self, identity, packet):
        for verb, args in wireclient.frames(packet):
            if verb == 'STEP_SAVED' and self.deadly and args[1] == self.deadly[0]:
                self.killed.append(self.deadly.pop(0))
                self.victim.process.kill()
                self.workers.pop(identity).close(linger=0)
                return
        self.front.send_multipart([identity, packet])

    def stop(self):
        self.over.set()
        self.join()


class Crashes(AdvisorTest):
    def begin_between(self, **settings):
        self.begin({'agents.attempts': 9}, workers=0)
        self.middle = Middle(f'ipc://{self.palaver.folder}/middle.ipc', f'ipc://{self.palaver.run}/agents.ipc')
        self.addCleanup(self.middle.stop)
        self.settings = settings
        self.next_worker()

    def next_worker(self):
        worker = Advisor(f'ipc://{self.palaver.folder}/middle.ipc', self.fake.url, self.budgets, **self.settings)
        self.addCleanup(worker.close)
        self.middle.victim = worker
        return worker

    def test_no_call_is_paid_twice_whichever_step_a_worker_dies_after(self):
        self.begin_between()
        self.fake.script({'when': {'results': 0}, 'content': [{'thinking': 'hm'}, {
            'tool': 'search', 'input': {'query': 'world stocks'}}]}, {'when': {'results': 1}, 'content': [
                {'tool': 'detail', 'input': {'symbols': ['BND']}}, {'tool': 'detail', 'input': {'symbols': ['VT']}}]},
            answer('Both of these fit.', VT='It is wide.', BND='It is calm.'))
        steps = ['model_1', 'model_2', 'model_3']
        self.middle.deadly = list(steps)
        self.web.publish(PROFILE)
        for number in range(len(steps)):
            wait(lambda count=number + 1: len(self.middle.killed) == count, 'a worker dies')
            self.next_worker()
        delivery = self.web.delivery()
        body = self.by_claude(delivery['body'])
        self.assertEqual(self.middle.killed, steps)
        self.assertEqual(self.fake.state()['calls'], 3)
        self.assertEqual(self.problems(), [])
        self.assertEqual([one['symbol'] for one in body['recommendations']], ['VT', 'BND'])
        self.assertEqual(body['metadata']['request_ids'], [one['request_id'] for one in self.fake.requests()])
        with open(f'{self.budgets}/budget', encoding='ascii') as file:
            self.assertEqual(int(file.read().split()[3]), round(body['metadata']['cost_usd'] * 1e6))

    def test_after_a_crash_the_offline_answer_is_the_same(self):
        self.begin_between(retries=0)
        self.fake.script({'status': 500, 'times': 0})
        self.middle.deadly = ['research']
        self.web.publish(PROFILE)
        wait(lambda: self.middle.killed, 'the worker dies')
        self.next_worker()
        self.offline(self.web.delivery()['body'], 'down')

    def test_a_worker_that_is_told_to_stop_finishes_its_conversation(self):
        self.begin()
        self.fake.script({**at_once('The end.'), 'first_token_s': 0.7})
        self.web.publish('Hello?')
        wait(lambda: self.fake.state()['in_flight'] == 1, 'the request')
        self.workers[0].process.terminate()
        self.assertIn('The end.', self.web.delivery()['body']['response_text'])
        self.assertEqual(self.workers[0].process.wait(SECONDS), 0)


class Many(AdvisorTest):
    def all_of(self, count, first, seconds):
        """Publishes so many questions and takes their answers; how long it took."""
        began = time.monotonic()
        for number in range(count):
            self.web.publish('Hello?', session=str(first + number))
        for _ in range(count):
            delivery = self.web.delivery(seconds)
            self.by_claude(delivery['body'])
            self.web.delivered(delivery['delivery'])
        return time.monotonic() - began

    def test_fifty_at_once_take_as_long_as_one(self):
        self.begin()
        self.fake.script(default={'first_token_s': 2})
        took, memory = [], []
        for turn in range(3):
            took.append(self.all_of(50, 50 * turn, SECONDS))
            memory.append(self.workers[0].rss_mb())
        self.assertLess(min(took), 2 + 1.0 * PATIENCE, took)  # a busy machine delays one turn or another
        self.assertEqual(self.fake.state()['in_flight_max'], 50)
        self.assertEqual(self.fake.state()['calls'], 150)
        if not VARIANT.endswith('san'):
            self.assertLess(memory[-1] - memory[0], 4, memory)
        print(f'50 at once with 2 s each: {", ".join(f"{one:.2f} s" for one in took)}; '
              f'{", ".join(f"{one:.1f} MB" for one in memory)}')

    def test_a_quick_one_does_not_wait_for_slow_ones(self):
        self.begin()
        self.fake.script({'when': {'text': 'slow'}, 'times': 40, 'first_token_s': 10})
        for number in range(40):
            self.web.publish('a slow one', session=f's{number}')
        wait(lambda: self.fake.state()['in_flight'] == 40, 'forty requests')

        def quick():
            began = time.monotonic()
            self.web.publish('a quick one', session='quick')
            delivery = self.web.delivery()
            self.assertEqual(delivery['envelope']['session_id'], 'web_quick')
            self.web.delivered(delivery['delivery'])
            return time.monotonic() - began
        at_best(quick, 0.5 * PATIENCE)


if __name__ == '__main__':
    unittest.main()
