#!/usr/bin/python3
# RUN: timeout=900 variants=debug,release label=slow
"""The console with 100,000 dead letters: pages and groups come at once, and a plan of them all is made and kept."""

import json
import os
import unittest

import browser
from gateway import BUILD, WebTest, wait
from wireclient import frame, pack

KEY = 'beta-2'
LETTERS, SESSIONS, PIECE = 100000, 1000, 500
MS = 500  # of a first page with its groups, in the page
# Three rules, so three groups; nobody is told.
CONF = {'plugins.operators': ['web'], 'rate_limit.on': False, 'fallback.rejected': '', 'agents.timeout_ms': 600000,
        'agents.heartbeat_ms': 60000, 'content.rules': ['alpha', 'beta', 'gamma'], 'limits.session_queue': 1000000}
WORDS = ('alpha', 'alpha', 'alpha', 'beta', 'beta', 'gamma')


@unittest.skipIf(browser.FOUND is None, browser.ABSENT)
class Many(WebTest):
    def fill(self, broker):
        adapter = broker.adapter('slack', platform='slack')
        for begin in range(0, LETTERS, PIECE):
            events = [adapter.event(f'{WORDS[at % len(WORDS)]} {at}', session=str(at % SESSIONS))
                      for at in range(begin, begin + PIECE)]
            adapter.send(*(frame('PUBLISH', begin + at + 1, envelope, pack(body))
                           for at, (envelope, body) in enumerate(events)))
            adapter.stored(PIECE, 60)
        wait(lambda: broker.ask('status')['counts']['dead'] == LETTERS, 'the letters', 120)

    def shown(self, page, view):
        """Milliseconds until the view has what it asked for, the best of some."""
        took = []
        for number in range(5):
            page.eval('location.hash = "#/overview"')
            page.until('document.querySelector(".view-overview")', 'the overview')
            page.eval(f'location.hash = "#/{view}"')
            page.until('document.querySelector(".view-dead")?.dataset.ms', view, 60)
            took.append(int(page.eval('document.querySelector(".view-dead").dataset.ms')))
            if number and min(took) < MS:
                break
        return min(took)

    def test_it_stays_fast(self):
        it = self.web(api_keys=f'{KEY} operate ops\n', conf=CONF, worker=False)
        self.fill(it.broker)
        page = self.page()
        page.open(f'http://127.0.0.1:{it.port}/console#key={KEY}')
        page.until('document.querySelector("#status").dataset.state === "open"', 'the broker is looked at')
        first = self.shown(page, 'dead')
        self.assertEqual(page.text('.group-count').split(), ['50,001', '33,333', '16,666'])
        page.picture(os.path.join(BUILD, 'test', 'web', 'pictures', 'console-many.png'))
        rare = page.eval('document.querySelectorAll("a.group")[2].hash.slice(2)')
        group, middle = self.shown(page, rare), self.shown(page, 'dead?after=50000')
        print(json.dumps({'first_page_ms': first, 'one_group_ms': group, 'middle_page_ms': middle}), flush=True)
        for took in (first, group, middle):
            self.assertLess(took, MS)
        page.eval('document.querySelector(".panel-head .button.main").click()')
        page.until('document.querySelector(".hash")?.textContent.length === 64', 'the plan of them all', 300)
        self.assertIn('100,000 letters in 1,000 sessions', page.text('h2'))
        self.assertEqual(page.faults(), [])

    def page(self):
        chromium = browser.Browser()
        self.addCleanup(chromium.close)
        page = chromium.page()
        self.addCleanup(page.close)
        page.look_like()
        page.size(1280, 860)
        os.makedirs(os.path.join(BUILD, 'test', 'web', 'pictures'), exist_ok=True)
        return page


if __name__ == '__main__':
    unittest.main()
