#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""The advisor with Claude: tools, structured answers, streams, caching, grounding, and what leaves for the model."""

import json
import unittest

import wireclient
from advisor import PROFILE, AdvisorTest, answer, at_once, said, tool


class Answers(AdvisorTest):
    def test_a_recommendation_with_tools(self):
        self.begin()
        self.fake.script(tool('search', ('detail', {'symbols': ['BND', 'NOSUCH']}), query='world stocks'),
                         answer('A world fund spreads widely, and bonds calm it.', VT='It holds the whole world.',
                                BND='It falls less.'))
        body = self.by_claude(self.ask(PROFILE))
        self.assertIn('A world fund spreads widely', body['response_text'])
        self.assertEqual([one['symbol'] for one in body['recommendations']], ['VT', 'BND'])
        first = body['recommendations'][0]
        self.assertEqual((first['name'], first['fee']), ('Vanguard Total World Stock ETF', '0.06 % a year'))
        self.assertTrue(all(first[key] for key in ('risk_level', 'expected_return', 'why')))
        self.assertTrue(body['sources'] and body['processing_time'] > 0 and 0.5 < body['confidence'] <= 0.9)
        metadata = body['metadata']
        self.assertEqual((len(metadata['request_ids']), metadata['model'], metadata['model_rounds']),
                         (2, 'claude-sonnet-5-5', 2))
        self.assertTrue(metadata['input_tokens'] > 0 and metadata['cost_usd'] > 0)
        self.assertEqual(metadata['request_ids'], [one['request_id'] for one in self.fake.requests()])
        self.assertEqual((self.fake.state()['calls'], self.problems()), (2, []))


if __name__ == '__main__':
    unittest.main()
