import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ResolvedAction } from '#libs/contracts';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { sql } from 'kysely';
import { telephonyRules } from '../departures/telephony.rules.js';
import { migrations, entities } from '../telephony.module.js';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { addContacts } from './number-contacts.js';

describe('the contacts of a leaver’s numbers', () => {
  let bench: RuleBench;
  let robin: Person;
  let heir: Person;
  let issued = 0;
  beforeAll(async () => {
    bench = await RuleBench.open({ name: 'telephony', entities, rules: telephonyRules, migrations });
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    robin = await bench.person();
    heir = await bench.person({ accountId: robin.accountId });
    await bench.admin(robin.accountId);
  });

  async function aNumber(more: Partial<PhoneNumberRow>): Promise<string[]> {
    const em = bench.em();
    const [id, contactId] = [bench.ids.next(), bench.ids.next()];
    const { accountId } = robin;
    const fresh = { kind: 'personal', state: 'assigned', createdAt: bench.clock.now() } as const;
    em.create(PhoneNumber, { id, accountId, e164: `+1415${String(++issued).padStart(7, '0')}`, ...fresh, ...more });
    await em.flush();
    await addContacts(em.getKysely(), { id, accountId }, [contactId], bench.clock.now());
    return [contactId];
  }
  const owned = ({ userId }: Person) => aNumber({ ownerId: userId, destinationUserId: userId });
  const leaves = (numbers: ResolvedAction, callRouting: ResolvedAction = { action: 'keep' }) =>
    bench.processor.apply([
      bench.leaving(robin, 'deleted', {
        'telephony.numbers': { deleted: numbers },
        'telephony.call-routing': { deleted: callRouting },
      }),
    ]);
  const moves = async () => {
    const { rows } = await sql<Record<string, unknown>>`
      select contact_ids, user_id, after_user_id, after_version::int as after_version from contacts_moved
      where account_id = ${robin.accountId} order by id`.execute(bench.em().getKysely());
    return rows;
  };
  const transfer = () => ({ action: 'transfer' as const, to: heir.userId });
  const moved = (contactIds: string[]) => ({
    contact_ids: contactIds,
    user_id: heir.userId,
    after_user_id: robin.userId,
    after_version: 2,
  });

  it('go to the user who takes over the numbers, once the departure is applied', async () => {
    const [first, second] = [await owned(robin), await owned(robin)];
    await owned(heir);
    await leaves(transfer());
    const all = await moves();
    expect(all).toHaveLength(2);
    expect(all).toEqual(expect.arrayContaining([moved(first), moved(second)]));
  });

  it('go to the user who takes over answering, if another user owns the number', async () => {
    const contacts = await aNumber({ ownerId: heir.userId, destinationUserId: robin.userId });
    await leaves({ action: 'keep' }, transfer());
    expect(await moves()).toEqual([moved(contacts)]);
  });

  it.each(['keep', 'release-after'] as const)('stay where they are when the action is %s', async (action) => {
    await owned(robin);
    await leaves({ action, ...(action === 'release-after' && { days: 7 }) });
    expect(await moves()).toEqual([]);
  });

  it('are moved once, however often the event is delivered', async () => {
    await owned(robin);
    const event = bench.leaving(robin, 'deleted', { 'telephony.numbers': { deleted: transfer() } });
    await bench.processor.apply([event]);
    await bench.processor.apply([event]);
    expect(await moves()).toHaveLength(1);
  });
});
