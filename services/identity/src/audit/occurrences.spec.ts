import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  auditVerify,
  authLogin,
  departurePreview,
  NOBODY,
  recordAccess,
  type OpenedAccount,
  type Principal,
} from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../testing/identity.js';
import { Occurrences } from './occurrences.js';

let identity: TestIdentity;
let opened: OpenedAccount;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start({ silent: false });
});
beforeEach(async () => {
  opened = await identity.anAccount();
  owner = ownerOf(opened);
});
afterAll(() => identity.stop());

const list = async (action: string) => {
  await identity.get(Occurrences).drain();
  return (await identity.call(auditList, { principal: owner, query: { action } })).items;
};
const signIn = (password: string) => {
  const body = { email: opened.user.email!, password };
  return outcomeOf(identity.call(authLogin, { principal: NOBODY, body }));
};
const times = async (count: number, work: () => Promise<unknown>) => {
  for (let n = 0; n < count; n++) await work();
};

it('every sign-in has an entry', async () => {
  await times(2, () => signIn(PASSWORD));
  const entry = { actor: { id: owner.userId }, subject: { id: owner.userId }, detail: null };
  expect(await list('user.signed-in')).toMatchObject([entry, entry]);
});

it('failed sign-ins have an entry for the first in an hour, the tenth and so on, so that nobody floods the trail', async () => {
  await signIn('wrong password');
  expect(await list('user.sign-in-failed')).toMatchObject([
    { actor: null, system: 'system (sign-in)', subject: { id: owner.userId }, detail: { attempts: 1 } },
  ]);
  await times(12, () => signIn('wrong password'));
  const attempts = async () => (await list('user.sign-in-failed')).map((entry) => entry.detail!.attempts);
  expect(await attempts()).toEqual([13, 1]);
  identity.clock.advance(3_600_000);
  await signIn('wrong password');
  expect(await attempts()).toEqual([1, 13, 1]);
  expect(await identity.query(sql`select from audit_window where hour < now() - interval '2 hours'`)).toEqual([]);
  expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
});

it('a preview of another user has one entry an hour for the reader', async () => {
  const { id } = await identity.aUser(owner);
  const preview = () =>
    identity.call(departurePreview, { principal: owner, params: { id }, query: { transition: 'deactivated' } });
  await times(3, preview);
  await list('preview.read');
  await preview();
  const [entry, ...others] = await list('preview.read');
  expect(entry).toMatchObject({ actor: { id: owner.userId }, subject: { id }, detail: null });
  expect(others).toEqual([]);
});

it('what other services report is recorded in the same way', async () => {
  const { accountId, userId: actorId } = owner;
  const exported = { action: 'message-activity.exported', accountId, actorId } as const;
  await identity.client.ask(recordAccess, { accesses: [exported, exported] });
  expect(await list('message-activity.exported')).toMatchObject([
    { actor: { id: actorId }, subject: null, detail: null },
  ]);
});
