import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  departureDraftDelete,
  departureDraftGet,
  departureDraftPut,
  usersDeactivate,
  usersDelete,
  type DraftChoices,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { outcomeOf, ownerOf, TestIdentity } from '../../testing/identity.js';
import { DraftExpiryWorker } from './draft-expiry.worker.js';

const DAY = 86_400_000;

let identity: TestIdentity;
let owner: Principal;
let admin: Principal;
let leaver: string;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  const { id, roles } = await identity.aUser(owner, { roles: ['admin'] });
  admin = { accountId: owner.accountId, userId: id, roles };
  leaver = (await identity.aUser(owner)).id;
});
afterAll(() => identity.stop());

const put = (body: DraftChoices, principal = owner, id = leaver) =>
  identity.call(departureDraftPut, { principal, params: { id }, body });
const get = (principal = owner, id = leaver) => identity.call(departureDraftGet, { principal, params: { id } });
const stored = async () =>
  (await identity.query(sql`select from departure_draft where account_id = ${owner.accountId}`)).length;
const choices = (): DraftChoices => ({
  transition: 'deactivated',
  successors: { default: owner.userId },
  overrides: { 'identity.invitations': 'keep' },
  effectiveAt: new Date(identity.clock.millis() + DAY).toISOString(),
  reason: 'Moving on',
});

describe('a draft', () => {
  it('is kept for the managers of the account, with who saved it last', async () => {
    const wanted = choices();
    await put({ transition: 'deleted' });
    const saved = await put(wanted, admin);
    expect(saved).toMatchObject({ ...wanted, userId: leaver, savedBy: admin.userId });
    expect(Date.parse(saved.expiresAt) - Date.parse(saved.savedAt)).toBe(7 * DAY);
    expect(await get()).toEqual(saved);
    await identity.call(departureDraftDelete, { principal: owner, params: { id: leaver } });
    expect(await outcomeOf(get())).toBe('not-found');
    expect(await outcomeOf(identity.call(departureDraftDelete, { principal: owner, params: { id: leaver } }))).toBe(
      'not-found',
    );
  });

  it('is private to those who may decide about the user', async () => {
    await put(choices());
    await put({ transition: 'deactivated' }, owner, owner.userId);
    const agent: Principal = { accountId: owner.accountId, userId: leaver, roles: ['agent'] };
    const stranger = ownerOf(await identity.anAccount());
    expect(await outcomeOf(get(agent))).toBe('forbidden');
    expect(await outcomeOf(get(stranger))).toBe('not-found');
    expect(await outcomeOf(get(admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(put(choices(), admin, owner.userId))).toBe('forbidden');
  });

  it('is refused for choices that no rule allows, and about a deleted user', async () => {
    const refused: [string, DraftChoices][] = [
      ['unknown-rule', { transition: 'deleted', overrides: { 'no.rule': 'keep' } }],
      ['invalid-action', { transition: 'deleted', overrides: { 'identity.sessions': 'keep' } }],
      ['invalid-successor', { transition: 'deleted', successors: { default: leaver } }],
      ['validation', { transition: 'reactivated', successors: { default: owner.userId } }],
      ['unknown-rule', { transition: 'reactivated', restore: ['no.rule'] }],
    ];
    for (const [code, body] of refused) expect(await outcomeOf(put(body))).toBe(code);
    await identity.call(usersDelete, { principal: owner, params: { id: leaver }, body: {} });
    expect(await outcomeOf(put(choices()))).toBe('conflict');
  });

  it.each([
    ['a departure', usersDeactivate, {}],
    ['a deletion', usersDelete, {}],
    ['a departure on a later day', usersDeactivate, { effectiveAt: '2099-01-01T00:00:00Z' }],
  ])('is gone after %s', async (_decision, operation, body) => {
    await put(choices());
    await identity.call(operation, { principal: owner, params: { id: leaver }, body });
    expect(await outcomeOf(get())).toBe('not-found');
    expect(await stored()).toBe(0);
  });

  it('expires after 7 days', async () => {
    await put(choices());
    identity.clock.advanceDays(7);
    expect(await outcomeOf(get())).toBe('not-found');
    identity.get(DraftExpiryWorker).wake();
    await eventually(async () => expect(await stored()).toBe(0));
  });
});
