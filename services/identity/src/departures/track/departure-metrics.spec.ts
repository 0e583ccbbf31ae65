import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Principal } from '#libs/contracts';
import { Metrics } from '#libs/observability';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../testing/departures.js';
import { ownerOf } from '../../testing/identity.js';

let departures: TestDepartures;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  owner = ownerOf(await departures.identity.anAccount());
  leaver = await departures.identity.aPerson(owner);
  await departures.peer.give(owner.accountId, leaver.userId, 'call', 3);
});
afterAll(() => departures.stop());

const valueIn = (text: string, name: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(' ')[1]);
};

/** Reads the metrics page after the cached measurement has expired. */
const scrape = async () => {
  departures.identity.clock.advance(10_000);
  const page = await fetch(`http://127.0.0.1:${departures.identity.service.port}/metrics`);
  const text = await page.text();
  return { text, value: (name: string) => valueIn(text, name) };
};

describe('the metrics of departures', () => {
  it('show an open departure, its age and the services without an answer, until it ends', async () => {
    const before = await scrape();
    expect([before.value('leaver_departures_open'), before.value('leaver_departure_oldest_seconds')]).toEqual([0, 0]);
    await departures.peer.pause();
    const started = await departures.deactivate(owner, leaver.userId);
    departures.identity.clock.advance(120_000);
    const during = await scrape();
    expect(during.value('leaver_departures_open')).toBe(1);
    expect(during.value('leaver_departure_oldest_seconds')).toBeGreaterThanOrEqual(130);
    expect(during.value('leaver_receipts_pending{participant="telephony"}')).toBe(1);
    expect(during.text).not.toContain(leaver.userId);
    await departures.peer.start();
    await departures.until(owner, started, 'completed');
    const after = await scrape();
    expect([after.value('leaver_departures_open'), after.value('leaver_departure_oldest_seconds')]).toEqual([0, 0]);
    expect(after.value('leaver_receipts_pending{participant="telephony"}')).toBeUndefined();
    expect(after.value('leaver_measurement_failures_total')).toBe(0);
    const peer = await departures.peer.get(Metrics).render();
    expect(peer).toMatch(/leaver_rule_rows_total\{rule="telephony\.[^}]+\} 3/);
    expect(peer).toMatch(/leaver_batch_messages_count\{handler="[^"]+"\} [1-9]/);
  });

  it('show that a service will retry an event', async () => {
    const stuck = await departures.identity.aPerson(owner);
    await departures.peer.give(owner.accountId, stuck.userId, 'stuck');
    await departures.deactivate(owner, stuck.userId);
    await eventually(async () => {
      departures.identity.clock.advance(10_000);
      const text = await departures.peer.get(Metrics).render();
      expect(Number(valueIn(text, 'leaver_inbox_retry')) + Number(valueIn(text, 'leaver_inbox_failed'))).toBe(1);
    });
  });
});
