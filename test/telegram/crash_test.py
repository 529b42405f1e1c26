#!/usr/bin/python3
# RUN: timeout=1800 variants=release,debug label=release
"""kill -9 of Telegram's host at the two moments that matter: when updates are read and not confirmed, and when a
message is on its way and not answered.

Nothing may be lost. What was sent is not sent again; Telegram has no way to recognise a second copy, so what it did
not answer is recorded as unknown. $CHECK_ROUNDS says how many rounds there are of each, at most 100.
"""

import os
import random
import signal
import unittest

from chain import ChainTest, free_port, wait

ROUNDS = min(100, int(os.environ.get('CHECK_ROUNDS') or 5))
MESSAGES = 4
PATIENCE_S = 30


class Crash(ChainTest):
    def kill(self, chain):
        """kill -9 of the host that runs now, and the pid of it."""
        host = chain.host()['pid']
        os.kill(host, signal.SIGKILL)
        return host

    def unknown(self, chain):
        return [item for item in chain.broker.dead() if 'unknown' in str(item)]

    def check(self, chain, expected):
        """Each answer was shown once, or it is recorded that this is unknown; in order."""
        def done():
            seen = chain.seen()
            return len(seen) + len([text for text in expected if text not in seen]) >= len(expected) \
                and len([text for text in expected if text not in seen]) <= len(self.unknown(chain)) \
                and chain.broker.metric('outbox') == 0
        chain.wait(done, 'every answer is shown, or recorded as unknown', PATIENCE_S)
        seen = chain.seen()
        self.assertEqual(seen, [text for text in expected if text in seen])

    def hooked(self):
        port = free_port()
        chain = self.chain(mode='webhook', webhook_port=port, webhook_url=f'http://127.0.0.1:{port}/hook')
        chain.asked('setWebhook')
        chain.tg.webhook_pace(0.02)
        return chain

    def test_between_the_delivery_and_its_confirmation(self):
        for number in range(ROUNDS):
            chance = random.Random(number)
            with self.subTest(round=number):
                hook = number % 4 > 1
                chain = self.hooked() if hook else self.chain()
                chain.works() if hook else chain.asked('getUpdates')
                host = chain.host()['pid']
                if number % 2:
                    chain.broker.signal(signal.SIGSTOP)   # nothing is stored
                for one in range(MESSAGES):
                    chain.say(f'message {one}')
                if not hook:
                    wait(lambda chain=chain: chain.tg.requests('getUpdates')[0]['status'] == 200, 'they are read')
                chain.rest(chance.random() * 0.02)
                os.kill(host, signal.SIGKILL)
                chain.broker.signal(signal.SIGCONT)
                for one in range(MESSAGES):
                    job = chain.job(f'message {one}')
                    chain.reply(job, f'answer {one}')
                self.check(chain, [f'answer {one}' for one in range(MESSAGES)])
                self.assertIsNone(chain.worker.try_job())
                self.end(chain)

    def test_between_a_send_and_its_answer(self):
        for number in range(ROUNDS):
            chance = random.Random(number)
            with self.subTest(round=number):
                chain = self.chain()
                chain.say('message 0')
                job = chain.job('message 0')
                # Carried out and answered late, or late and carried out: the host does not live to see it.
                when = 'after' if number % 2 else 'before'
                chain.tg.fault('sendMessage', 'slow', when=when, seconds=0.3)
                host = chain.host()['pid']
                chain.reply(job, 'answer 0')
                chain.asked('sendMessage')
                chain.rest(chance.random() * 0.1)
                os.kill(host, signal.SIGKILL)
                wait(lambda chain=chain: self.unknown(chain), 'it is recorded as unknown', PATIENCE_S)
                chain.say('message 1')
                chain.reply(chain.job('message 1'), 'answer 1')
                chain.texts(1 + (when == 'after'), seconds=PATIENCE_S)
                self.check(chain, ['answer 0', 'answer 1'])
                self.assertEqual(len(self.unknown(chain)), 1)
                self.end(chain)

    def end(self, chain):
        """A round leaves nothing behind, so that a hundred fit into one test."""
        chain.broker.close()
        self.assertEqual(chain.tg.lints(), [])


if __name__ == '__main__':
    unittest.main()
