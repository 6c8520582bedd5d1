// SPDX-License-Identifier: Apache-2.0
// imapflow-pickup PORT tls|plain USER ARCHIVE: a contestant (bench_peers). Fetches, parses, stores a
// raw file and a line of JSON for each message, flushes every hundred, and moves them all.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import fs from 'node:fs';

const require = createRequire(process.env.BENCH_NPM + '/');
const { ImapFlow } = require('imapflow');
const { simpleParser } = require('mailparser');
const [port, link, user, archive] = process.argv.slice(2);
const BATCH = 100;

const client = new ImapFlow({
  host: 'localhost', port: Number(port), secure: link === 'tls', doSTARTTLS: false,
  auth: { user, pass: process.env.BENCH_PASSWORD }, logger: false,
});
await client.connect();
const lock = await client.getMailboxLock('INBOX');
fs.mkdirSync('raw');
const entries = fs.openSync('entries', 'w');
let waiting = [];

function flush() {
  for (const fd of waiting) {
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  }
  fs.fsyncSync(entries);
  waiting = [];
}

for await (const message of client.fetch('1:*', { uid: true, source: true }, { uid: true })) {
  const mail = await simpleParser(message.source);
  const attachments = mail.attachments.map(
    (a) => createHash('sha256').update(a.content).digest('hex'));
  const fd = fs.openSync(`raw/${message.uid}`, 'w');
  fs.writeSync(fd, message.source);
  waiting.push(fd);
  fs.writeSync(entries, JSON.stringify({
    uid: message.uid, from: mail.from?.text, subject: mail.subject, body: mail.text, attachments,
  }) + '\n');
  if (waiting.length === BATCH) flush();
}
flush();
await client.messageMove('1:*', archive, { uid: true });
lock.release();
await client.logout();
