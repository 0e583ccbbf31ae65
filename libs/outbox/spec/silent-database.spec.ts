import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TcpProxy } from '#libs/test-kit';
import { RelaySession } from '../src/relay-session.js';
import { testOutbox, type TestOutbox } from './test-outbox.js';

let test: TestOutbox;
let proxy: TcpProxy;
beforeAll(async () => {
  test = await testOutbox();
  proxy = await TcpProxy.before(Number(new URL(test.database.url).port));
});
afterAll(async () => {
  await proxy.close();
  await test.close();
});

it('a session whose database has vanished without closing the connection fails, and can be closed', async () => {
  const url = new URL(test.database.url);
  url.port = String(proxy.port);
  const session = await RelaySession.open(url.href, () => undefined, { answerMs: 300 });
  expect(await session.lead()).toBe(true);
  proxy.stall();
  await expect(session.claim(test.clock.now(), [1_000], 10)).rejects.toThrow('timeout');
  await session.close();
  proxy.flow();
  const next = await RelaySession.open(url.href, () => undefined);
  expect(await next.claim(test.clock.now(), [1_000], 10)).toEqual([]);
  await next.close();
});
