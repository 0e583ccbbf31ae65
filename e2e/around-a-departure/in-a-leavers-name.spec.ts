import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import { CustomerServer } from '../../services/contacts/src/testing/importing-from.js';
import type { Api, Json } from '../support/api.js';
import { anAccount, signIn, type Cast } from '../support/cast.js';
import { linesOf, over, type Departure } from '../support/departures.js';
import { ScimApi } from '../support/scim-api.js';
import { System } from '../support/system.js';
import { trail } from './people.js';

const DAY = 86_400_000;

/** Nothing acts in the name of a user who has left unless the policy says so, and then the account is told. */
let system: System;
let cast: Cast;
let owner: Api;
beforeAll(async () => {
  system = await System.start();
  await system.stopOne('contacts');
  await system.startOne('contacts', { IMPORT_SOURCES_ALLOW_PRIVATE: 'true' });
}, 60_000);
beforeEach(async () => {
  cast = await anAccount(system, 'crm');
  owner = cast.owner.api;
});
afterAll(() => system?.stop());

const inDays = (days: number) => new Date(system.clock.millis() + days * DAY).toISOString();
const adaLeaves = async (rules: Json = {}, more: Json = {}) =>
  over(owner, await owner.post<Departure>(`/v1/users/${cast.ada.id}/deactivate`, { overrides: rules, ...more }));
const lineOf = (departure: Departure, rule: string) => linesOf(departure).find((line) => line.rule === rule);
const previewed = async (rule: string) => {
  const { warnings, rules } = await owner.get<{ warnings: Json[]; rules: Json[] }>(
    `/v1/users/${cast.ada.id}/departure-preview?transition=deactivated`,
  );
  const of = (lines: Json[]) => lines.find((line) => line.rule === rule);
  return { warning: of(warnings)?.detail, line: of(rules) };
};

describe('the SCIM token of an admin who leaves', () => {
  it('opens nothing from then on; the preview warns, the receipt counts it', async () => {
    const scim = await ScimApi.madeBy(system, cast.owner, cast.ada);
    expect((await scim.get('/Users?count=0')).status).toBe(200);
    expect(await previewed('identity.provisioning-tokens')).toMatchObject({
      warning: expect.stringContaining('provisioning with them stops: “Directory”'),
      line: { action: 'revoke', count: 1 },
    });
    const departure = await adaLeaves();
    expect((await scim.get('/Users?count=0')).status).toBe(401);
    expect(lineOf(departure, 'identity.provisioning-tokens')).toMatchObject({ affected: 1, remaining: 0 });
    expect((await owner.get<{ items: Json[] }>('/v1/account/scim-tokens')).items).toEqual([]);
    expect(await trail(owner, 'action=scim-token.revoked')).toHaveLength(1);
  });

  it('stays under `keep`, with a flag for the owners', async () => {
    const scim = await ScimApi.madeBy(system, cast.owner, cast.ada);
    await adaLeaves({ 'identity.provisioning-tokens': 'keep' });
    expect((await scim.get('/Users?count=0')).status).toBe(200);
    const { items } = await owner.get<{ items: Json[] }>('/v1/account/scim-tokens');
    expect(items).toMatchObject([{ creatorHasLeft: true, createdBy: { id: cast.ada.id, status: 'deactivated' } }]);
    expect(await trail(owner, 'action=scim-token.creator-left')).toHaveLength(1);
  });
});

describe('departures that an admin who leaves has scheduled', () => {
  let scheduled: Departure;
  beforeEach(async () => {
    scheduled = await cast.ada.api.post<Departure>(`/v1/users/${cast.dan.id}/deactivate`, { effectiveAt: inDays(3) });
  });
  const current = () => owner.get<Departure>(`/v1/departures/${scheduled.id}`);

  it('are named in the preview, and marked in the list and in the trail', async () => {
    expect(await previewed('identity.scheduled-departures')).toMatchObject({
      warning: expect.stringContaining(cast.dan.name),
      line: { action: 'keep', count: 1 },
    });
    await adaLeaves();
    expect(await current()).toMatchObject({ status: 'scheduled', requesterHasLeft: true });
    expect(await trail(owner, `subjectId=${cast.dan.id}&action=departure.requester-left`)).toHaveLength(1);
  });

  it('are cancelled or handed over where the policy says so', async () => {
    const departure = await adaLeaves({ 'identity.scheduled-departures': 'cancel' });
    expect(lineOf(departure, 'identity.scheduled-departures')).toMatchObject({ affected: 1, remaining: 0 });
    expect(await current()).toMatchObject({ status: 'cancelled' });
    const { ben, cleo } = cast;
    scheduled = await ben.api.post<Departure>(`/v1/users/${cleo.id}/deactivate`, { effectiveAt: inDays(3) });
    const successors = { 'identity.scheduled-departures': cast.owner.id };
    await over(owner, await owner.post<Departure>(`/v1/users/${ben.id}/deactivate`, { successors }));
    expect(await current()).toMatchObject({ status: 'scheduled', requestedBy: cast.owner.id });
    system.advanceDays(3);
    owner = await signIn(system, cast.owner.email);
    await eventually(async () => expect(await current()).toMatchObject({ status: 'completed' }));
  });
});

describe('the import source of an admin who leaves', () => {
  let server: CustomerServer;
  let source: Json;
  beforeEach(async () => {
    server = await CustomerServer.start('sftp');
    source = await cast.ada.api.post('/v1/import-sources', { ...server.login(), everyMinutes: 1 });
    await polled(null);
  });
  afterEach(() => server.stop());

  const path = () => `/v1/import-sources/${String(source.id)}`;
  const current = () => owner.get(path());
  const run = () => owner.post(`${path()}/run`);
  const polled = (before: unknown) =>
    eventually(async () => {
      const { lastRunAt } = await current();
      if (lastRunAt === before) throw new Error('it has not been polled');
    });

  it('is imported for the first admin; the preview says whose password opens the folder', async () => {
    expect(await previewed('contacts.import-sources')).toMatchObject({
      warning: expect.stringMatching(/new owner.*the password of “campus”/),
      line: { action: 'transfer', count: 1 },
    });
    const departure = await adaLeaves();
    expect(lineOf(departure, 'contacts.import-sources')).toMatchObject({
      ...{ affected: 1, remaining: 0, transferredTo: cast.owner.id },
    });
    expect(await current()).toMatchObject({ active: true, ownerId: cast.owner.id });
    await server.put('contacts.csv', 'Id\nfrom-the-folder\n');
    const { lastRunAt } = await run();
    await polled(lastRunAt);
    // A file is imported once it has not changed for 30 seconds.
    system.clock.advance(31_000);
    await run();
    await eventually(async () => expect(await server.files('processed')).toEqual(['contacts.csv']));
    expect((await owner.get<{ items: Json[] }>('/v1/contacts')).items).toMatchObject([
      { externalId: 'from-the-folder' },
    ]);
  });

  it('is not polled any more where the policy disables it', async () => {
    await adaLeaves({ 'contacts.import-sources': 'disable' });
    const { lastRunAt, active } = await current();
    expect(active).toBe(false);
    await server.put('contacts.csv', 'Id\nnever\n');
    expect(await owner.refusal(run())).toMatchObject({ status: 409, code: 'conflict' });
    const activate = owner.patch(path(), { active: true });
    expect(await owner.refusal(activate)).toMatchObject({ code: 'inactive-user' });
    system.clock.advance(3_600_000);
    owner = await signIn(system, cast.owner.email);
    expect((await current()).lastRunAt).toBe(lastRunAt);
    expect(await server.files()).toEqual(['contacts.csv']);
  });
});
