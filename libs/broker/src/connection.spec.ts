import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, TcpProxy, testBroker, type TestBroker } from '#libs/test-kit';
import { closeNats, connectNats, isConnected, whenConnected } from './connection.js';

let broker: TestBroker;
let proxy: TcpProxy;
beforeAll(async () => {
  broker = await testBroker();
  proxy = await TcpProxy.before(Number(new URL(broker.url).port));
});
afterAll(async () => {
  await proxy.close();
  await broker.stop();
});

it('a server that has vanished without closing the connection is noticed by unanswered pings', async () => {
  const url = new URL(broker.url);
  url.port = String(proxy.port);
  const nats = await connectNats({ url: url.href, name: 'tests', pingIntervalMs: 50 });
  try {
    await nats.flush();
    proxy.stall();
    await eventually(() => expect(isConnected(nats)).toBe(false), { timeout: 5_000 });
    proxy.flow();
    expect(await whenConnected(nats, 10_000)).toBe(true);
    await nats.flush();
  } finally {
    proxy.flow();
    await closeNats(nats);
  }
});
