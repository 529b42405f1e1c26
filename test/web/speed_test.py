#!/usr/bin/python3
# RUN: timeout=300 variants=release label=slow alone
"""How fast the gateway is, everything on this machine, every message on disk before it is taken: round trips with 64
clients that keep their connections, the median of one client, both with TLS as well, the memory of 10,000 idle
WebSockets."""

import os
import re
import shutil
import subprocess
import unittest

from gateway import BUILD, WebTest, wait

LOAD = f'{BUILD}/test/bench/web_load'
ROUND_TRIPS, ROUND_TRIPS_TLS, MEDIAN_MS, IDLE, IDLE_MIB = 5000, 3500, 2.0, 10000, 200


def rss_mib(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return int(re.search(r'VmRSS:\s+(\d+)', file.read())[1]) / 1024


class Speed(WebTest):
    def chain(self, tls=False):
        web = (self.web_over_tls if tls else self.web)(worker=False, conf={'log.level': 'info'})
        self.agent(web, 'palaver-echo', '--services', 'advisor', '--threads', '2', '--credit', '256')
        return web

    def talk(self, web, clients, seconds):
        told = subprocess.run([LOAD, str(web.port), 'talk', str(clients), str(seconds), *(['tls'] if web.tls else [])],
                              check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout.split()
        return [float(word) for word in told]

    def test_round_trips(self):
        web = self.chain()
        answers, failures, rate, median, p99 = self.talk(web, 64, 6)
        print(f'64 clients: {rate:.0f} round trips/s, p50 {median} ms, p99 {p99} ms, {answers:.0f} answers')
        self.assertEqual(failures, 0)
        self.assertGreaterEqual(rate, ROUND_TRIPS)

    def test_one_client(self):
        web = self.chain()
        _, failures, rate, median, p99 = self.talk(web, 1, 4)
        print(f'1 client: {rate:.0f} round trips/s, p50 {median} ms, p99 {p99} ms')
        self.assertEqual(failures, 0)
        self.assertLess(median, MEDIAN_MS)

    @unittest.skipUnless(shutil.which('openssl'), 'there is no openssl to make a certificate with')
    def test_round_trips_over_tls(self):
        web = self.chain(tls=True)
        answers, failures, rate, median, p99 = self.talk(web, 64, 6)
        print(f'64 clients, TLS: {rate:.0f} round trips/s, p50 {median} ms, p99 {p99} ms, {answers:.0f} answers')
        self.assertEqual(failures, 0)
        self.assertGreaterEqual(rate, ROUND_TRIPS_TLS)
        _, failures, rate, median, p99 = self.talk(web, 1, 4)
        print(f'1 client, TLS: {rate:.0f} round trips/s, p50 {median} ms, p99 {p99} ms')
        self.assertEqual(failures, 0)
        self.assertLess(median, MEDIAN_MS)

    def test_idle_sockets(self):
        web = self.chain()
        pid = wait(web.pid, 'the host')
        before = rss_mib(pid)
        child = subprocess.Popen([LOAD, str(web.port), 'idle', str(IDLE)], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.kill)
        opened = int(child.stdout.readline())
        after = rss_mib(pid)
        print(f'{opened} idle WebSockets: {after:.0f} MiB in the host, {(after - before) * 1024 / IDLE:.1f} KiB each')
        self.assertEqual(opened, IDLE)
        self.assertLess(after, IDLE_MIB)
        waiting = web.say('still quick?')
        self.assertEqual(web.wait(waiting).status, 200)
        child.stdin.close()
        child.wait(30)
        wait(lambda: len(os.listdir(f'/proc/{pid}/fd')) < 100, 'the host has let them go', 30)


if __name__ == '__main__':
    unittest.main()
