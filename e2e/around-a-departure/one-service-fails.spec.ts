import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import { anAccount, signIn, type Cast } from '../support/cast.js';
import { over, type Departure } from '../support/departures.js';
import { PARTICIPANTS } from '../support/foundation.js';
import { System } from '../support/system.js';
import { trail } from './people.js';
import { pastTheRules } from './past-the-rules.js';

let system: System;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
}, 60_000);
afterAll(() => system?.stop());

const owner = () => cast.owner.api;
const inAutomations = (statement: string) => pastTheRules(system, 'automations', (client) => client.query(statement));
const partOf = (departure: Departure, service: string) => departure.services.find((one) => one.service === service)!;
const others = ({ services }: Departure) => services.filter(({ service }) => service !== 'automations');
const finished = (departure: Departure) =>
  others(departure).map(({ service, rules }) => [service, rules.map(({ rule, finishedAt }) => [rule, finishedAt])]);
const written = () =>
  pastTheRules(system, 'messaging', async (client) => {
    const receipts = 'select lines, finished_at from inbox where user_id = $1 order by lifecycle_version';
    return (await client.query(receipts, [cast.ada.id])).rows as unknown[];
  });

it('a failing service retries automatically, is then shown as failed, and a retry runs it alone', async () => {
  const { ada } = cast;
  const { id } = await ada.api.post('/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } });
  const chat = await ada.api.post('/v1/live-chats', { visitor: 'A visitor', operatorId: ada.id });
  await inAutomations(
    `create function refuse() returns trigger language plpgsql as 'begin raise exception ''broken''; end'`,
  );
  await inAutomations('create trigger broken before update on automation for each row execute function refuse()');
  const started = await owner().post<Departure>(`/v1/users/${ada.id}/deactivate`);
  await eventually(async () => {
    const { services } = await owner().get<Departure>(`/v1/departures/${started.id}`);
    expect(others({ services } as Departure).every(({ status }) => status === 'completed')).toBe(true);
  });
  await eventually(
    async () => {
      // The delays between attempts grow.
      system.advanceDays(1);
      cast.owner.api = await signIn(system, cast.owner.email);
      expect((await owner().get<Departure>(`/v1/departures/${started.id}`)).status).toBe('failed');
    },
    { timeout: 30_000, interval: 300 },
  );
  const failed = await owner().get<Departure>(`/v1/departures/${started.id}`);
  expect(partOf(failed, 'automations')).toMatchObject({ status: 'failed', error: 'P0001' });
  expect(await owner().get(`/v1/automations/${id}`)).toMatchObject({ active: true });
  const before = await written();

  // Reverts what another service has done, to check that the retry does not run that service again.
  const chatIs = (operator: string | null, status: string) =>
    pastTheRules(system, 'messaging', (client) =>
      client.query('update live_chat set operator_id = $1, status = $2 where id = $3', [operator, status, chat.id]),
    );
  await chatIs(ada.id, 'open');
  await inAutomations('drop trigger broken on automation');
  const retry = () => owner().post<Departure>(`/v1/departures/${started.id}/retry`);
  const retried = await retry();
  expect(retried).toMatchObject({
    status: 'running',
    progress: { done: PARTICIPANTS.length - 1, total: PARTICIPANTS.length },
  });
  expect(others(retried)).toEqual(others(failed));
  const counted = await over(owner(), started);
  expect(partOf(counted, 'automations')).toMatchObject({ status: 'completed' });
  expect(await owner().get(`/v1/automations/${id}`)).toMatchObject({ active: false });
  expect(await written()).toEqual(before);
  expect(await owner().get(`/v1/live-chats/${chat.id}`)).toMatchObject({ status: 'open', operatorId: ada.id });
  // Only the proof finds the reverted row.
  expect(counted.status).toBe('failed');
  const chats = partOf(counted, 'messaging').rules.find(({ rule }) => rule === 'messaging.live-chats');
  expect(chats).toMatchObject({ affected: 1, remaining: 1 });
  await chatIs(null, 'queued');
  await retry();
  const completed = await over(owner(), started);
  expect(completed.status).toBe('completed');
  expect(finished(completed)).toEqual(finished(failed));
  expect(await written()).toEqual(before);
  expect(await trail(owner(), 'action=departure.retried')).toMatchObject([
    ...[1, 2].map(() => ({ actor: { id: cast.owner.id }, detail: { departureId: started.id } })),
  ]);
}, 60_000);
