import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { bulkDeparturesGet, departuresBulk, policyPut, type Preset, type Principal } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../testing/identity.js';
import { BulkWorker } from '../decide/bulk/bulk.worker.js';
import { GroupPreflight } from './group-preflight.js';
import { Preflight } from './preflight.js';

describe('a policy change while other services are asked', () => {
  let departures: TestDepartures;
  let identity: TestIdentity;
  let owner: Principal;
  let leaver: Principal;
  let restore: () => void;
  beforeAll(async () => {
    departures = await TestDepartures.start();
    ({ identity } = departures);
  });
  beforeEach(async () => {
    owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    leaver = await identity.aPerson(owner);
    await departures.peer.give(owner.accountId, leaver.userId, 'number');
  });
  afterEach(() => restore());
  afterAll(() => departures.stop());

  /** Once the services have answered, the account takes the next of these presets. @returns how often they were asked */
  const changing = (asks: Preflight | GroupPreflight, presets: Preset[]) => {
    const { prepare } = asks;
    let times = 0;
    asks.prepare = async (...given: never[]) => {
      const prepared = await Reflect.apply(prepare, asks, given);
      times += 1;
      const preset = presets.shift();
      if (preset) await identity.call(policyPut, { principal: owner, body: { preset } });
      return prepared;
    };
    restore = () => Reflect.deleteProperty(asks, 'prepare');
    return () => times;
  };
  const remove = () => outcomeOf(departures.delete(owner, leaver.userId));
  const status = async () =>
    (await identity.query(sql<{ status: string }>`select status from users where id = ${leaver.userId}`))[0]!.status;

  it('makes the call ask them again, and the departure uses the new policy', async () => {
    const asked = changing(identity.get(Preflight), ['calls']);
    expect(await remove()).toBe('numbers-assigned');
    expect(asked()).toBe(2);
    await departures.peer.query(sql`update thing set owner = null where owner = ${leaver.userId}`);
    expect(await remove()).toBe('ok');
    expect(asked()).toBe(3);
  });

  it('makes the departure fail if the policy changes each time', async () => {
    const asked = changing(identity.get(Preflight), ['calls', 'helpdesk', 'calls', 'helpdesk', 'calls']);
    expect(await remove()).toBe('conflict');
    expect(asked()).toBe(4);
    expect(await status()).toBe('active');
  });

  it('has a bulk departure prepared again', async () => {
    const asked = changing(identity.get(GroupPreflight), ['calls']);
    const { id } = await identity.call(departuresBulk, {
      principal: owner,
      body: { transition: 'deleted', users: [{ userId: leaver.userId }] },
    });
    await eventually(async () => {
      identity.clock.advance(2_001);
      await identity.get(BulkWorker).drain();
      const { rows } = await identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
      expect(rows).toMatchObject([{ code: 'numbers-assigned' }]);
    });
    expect(asked()).toBe(2);
    expect(await status()).toBe('active');
  });
});
