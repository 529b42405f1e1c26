#!/usr/bin/env node
// A worker in JavaScript: palaver-exec --services exec -- node plain.mjs

import { createInterface } from 'node:readline'

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line)
  if (job.type !== 'job') continue
  const asked = (job.state.asked ?? 0) + 1
  say({ type: 'reply', id: job.id, response_text: `${job.message_text}? That is question ${asked}.`, state: { asked } })
}
