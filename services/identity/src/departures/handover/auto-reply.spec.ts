import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { autoReplyFor, policyPut, usersDeactivate, usersReactivate, type AutoReply } from '#libs/contracts';
import { ownerOf, TestIdentity } from '../../testing/identity.js';

const MINUTE = 60_000;
const DAY = 86_400_000;

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.stop());

it('contacts are answered as the policy says, for so many days after the user has left', async () => {
  const principal = ownerOf(await identity.anAccount());
  const { id: userId } = await identity.aUser(principal);
  const ask = async (accountId = principal.accountId) =>
    (await identity.client.ask(autoReplyFor, { accountId, userId })).reply;
  const choose = (autoReply: AutoReply | null) => identity.call(policyPut, { principal, body: { autoReply } });
  const autoReply = { text: 'The user has left.', days: 3 };
  expect(await choose(autoReply)).toMatchObject({ autoReply });
  expect(await ask()).toBeNull();
  const before = identity.clock.millis();
  await identity.call(usersDeactivate, { principal, params: { id: userId }, body: {} });
  const reply = await ask();
  expect(reply).toMatchObject({ text: autoReply.text });
  expect(Math.abs(Date.parse(reply!.until) - before - 3 * DAY)).toBeLessThan(MINUTE);
  expect(await ask(ownerOf(await identity.anAccount()).accountId)).toBeNull();
  await choose(null);
  expect(await ask()).toBeNull();
  await choose(autoReply);
  identity.clock.advanceDays(3);
  expect(await ask()).toBeNull();
  await choose({ ...autoReply, days: 4 });
  expect(await ask()).not.toBeNull();
  await identity.call(usersReactivate, { principal, params: { id: userId }, body: {} });
  expect(await ask()).toBeNull();
});
