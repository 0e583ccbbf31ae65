import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import { anAccount, PASSWORD, signIn, type Cast } from './support/cast.js';
import { System } from './support/system.js';

/** What is stored for good goes by users as they are now, although other services learn of changes by events. */
describe('right after a change of a user', () => {
  let system: System;
  let cast: Cast;
  beforeAll(async () => {
    system = await System.start();
    cast = await anAccount(system, 'crm');
    await cast.owner.api.patch('/v1/account', { seats: 100 });
  }, 60_000);
  afterAll(() => system?.stop());

  const ROUNDS = 40;
  const domain = 'latest.example';
  const owner = () => cast.owner.api;
  const invite = async (n: number, more: { password?: string } = {}) => {
    const body = { name: `Nora ${n}`, email: `nora-${n}@${domain}`, staffId: `NORA-${n}` };
    return { ...body, id: (await owner().post('/v1/users', { ...body, ...more })).id as string };
  };
  const importFor = (externalId: string, staffId: string) =>
    owner().upload('/v1/contact-imports', `ContactId,StaffId\n${externalId},${staffId}`);

  it('an import finds the staff ids of new users, and changed staff ids', async () => {
    const results: unknown[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      const { id } = await invite(n);
      results.push(await importFor(`NEW-${n}`, `NORA-${n}`));
      await owner().patch(`/v1/users/${id}`, { staffId: `CHANGED-${n}` });
      results.push(await importFor(`CHANGED-${n}`, `CHANGED-${n}`));
    }
    expect(results).toHaveLength(2 * ROUNDS);
    for (const result of results) expect(result).toMatchObject({ status: 'completed', assigned: 1, unmatched: [] });
  }, 120_000);

  it('a message counts for the team that its sender has just joined', async () => {
    const { email, id } = await invite(ROUNDS, { password: PASSWORD });
    const api = await signIn(system, email);
    const contactIds = [(await owner().post('/v1/contacts', { name: 'Ada', phone: '+14155550100' })).id];
    const teams: string[] = [];
    for (let n = 0; n < 20; n++) {
      const teamId = (await owner().post('/v1/teams', { name: `Team ${n}` })).id as string;
      await owner().put(`/v1/teams/${teamId}/members/${id}`);
      await api.post('/v1/messages', { contactIds, text: 'Hello' });
      teams.push(teamId);
    }
    const sent = async (teamId: string) => (await owner().get(`/v1/reports/message-activity?teamId=${teamId}`)).sent;
    await eventually(async () => expect(await sent(teams.at(-1)!)).toBe(1));
    await eventually(async () => expect(await Promise.all(teams.map(sent))).toEqual(teams.map((_, n) => 20 - n)));
  }, 60_000);
});
