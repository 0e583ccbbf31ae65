import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { MOST_TO_TELL } from '#libs/contracts';
import type { Json } from '../support/api.js';
import { anAccount, type Cast } from '../support/cast.js';
import { over, type Departure } from '../support/departures.js';
import { System } from '../support/system.js';
import { fillEveryService } from './rows-in-every-service.js';

/** With `LEAVER_E2E_ROWS=1000000 LEAVER_E2E_ONE_IN=1000` the test prints how long a preview takes. */
const ROWS = Number(process.env.LEAVER_E2E_ROWS ?? 4_000);
/** One row in this many belongs to the leaver. */
const ONE_IN = Number(process.env.LEAVER_E2E_ONE_IN ?? 100);
const TIMES = 15;

interface Line extends Json {
  rule: string;
  part?: string;
  transition: string;
  count: number;
}

let system: System;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'helpdesk');
  const { id: accountId } = await cast.owner.api.get<{ id: string }>('/v1/account');
  await fillEveryService(system, { accountId, leaverId: cast.ada.id, othersId: cast.dan.id }, ROWS, ONE_IN);
}, 900_000);
afterAll(() => system?.stop());

const previewOf = (transition: string) =>
  cast.owner.api.get<{ rules: Line[]; contactsToTell: Json[]; contactsToTellTotal: number; planToken: string }>(
    `/v1/users/${cast.ada.id}/departure-preview?transition=${transition}`,
  );
const counted = (lines: readonly Line[]) =>
  new Map(lines.map((line) => [`${line.rule} ${line.part ?? ''} ${line.transition}`, line.count]));

it(`a preview counts one user's rows among ${ROWS.toLocaleString('en')} rows in every service`, async () => {
  const { rules, contactsToTell, contactsToTellTotal } = await previewOf('deactivated');
  const own = ROWS / ONE_IN;
  expect(Object.fromEntries(counted(rules))).toMatchObject({
    'contacts.assignments  deactivated': own / 2,
    'messaging.conversations  deactivated': own / 2,
    'telephony.call-history  deactivated': own,
    'automations.owned  deactivated': own,
    'automations.any-triggers  deactivated': own,
    'integrations.webhooks  deactivated': own,
  });
  expect(contactsToTellTotal).toBe(own / 2);
  expect(contactsToTell).toHaveLength(Math.min(own / 2, MOST_TO_TELL));
  for (const transition of process.env.LEAVER_E2E_ROWS ? ['deactivated', 'deleted'] : []) {
    const times: number[] = [];
    for (let n = 0; n < TIMES; n++) {
      const started = performance.now();
      await previewOf(transition);
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const [median, slowest] = [times[TIMES >> 1]!, times.at(-1)!].map((ms) => `${ms.toFixed(0)} ms`);
    process.stdout.write(`preview, ${transition}: ${median} in the median, ${slowest} at most\n`);
  }
}, 300_000);

it('the receipts match the preview', async () => {
  const { rules, planToken } = await previewOf('deleted');
  const body = { planToken };
  const departure = await over(
    cast.owner.api,
    await cast.owner.api.post<Departure>(`/v1/users/${cast.ada.id}/delete`, body),
    300_000,
  );
  expect(departure).toMatchObject({ status: 'completed' });
  const done = departure.services.flatMap((service) => service.rules as unknown as (Line & { affected: number })[]);
  expect(counted(done.map((line) => ({ ...line, count: line.affected })))).toEqual(counted(rules));
}, 300_000);

interface Row extends Json {
  id: string;
}
interface Rows {
  items: Row[];
  nextCursor: string | null;
  gone?: number;
  reason?: string;
}

it('the rows behind a count are listed before and after, page by page, as far as the asker sees them', async () => {
  const { owner, cleo, dan } = cast;
  const titles = ['First', 'Second', 'Third', 'Fourth', 'Fifth'].map((title) => `${title} deal`);
  const deals: Json[] = [];
  for (const title of titles)
    deals.push(await owner.api.post('/v1/records', { type: 'deal', title, ownerId: cleo.id }));
  await cleo.api.post('/v1/dashboards', { name: 'Nobody’s business', shared: false });
  const holds = ({ id, name }: Cast['cleo'], status: string) => ({ user: { id, name, status } });

  const preview = `/v1/users/${cleo.id}/departure-preview/rows?transition=deactivated`;
  const deal = `${preview}&rule=contacts.records&part=deal`;
  const first = await owner.api.get<Rows>(`${deal}&limit=3`);
  const second = await owner.api.get<Rows>(`${deal}&limit=3&cursor=${first.nextCursor}`);
  expect(second.nextCursor).toBeNull();
  expect([...first.items, ...second.items]).toEqual(
    deals.map(({ id, title }) => ({ id, type: 'deal', label: title, now: holds(cleo, 'active') })),
  );
  const { items: hidden } = await owner.api.get<Rows>(`${preview}&rule=insights.private-dashboards`);
  expect(hidden).toMatchObject([{ type: 'dashboard', label: null, hidden: true }]);

  const stranger = (await anAccount(system, 'crm')).owner.api;
  const { id } = await over(
    owner.api,
    await owner.api.post<Departure>(`/v1/users/${cleo.id}/deactivate`, {
      overrides: { 'contacts.records': 'transfer' },
      successors: { 'contacts.records': dan.id },
    }),
  );
  const departure = `/v1/departures/${id}/rows?rule=contacts.records&part=deal`;
  const refused = async (api: Cast['owner']['api'], path: string) => (await api.refusal(api.get(path))).code;
  for (const path of [deal, departure]) {
    expect(await refused(dan.api, path)).toBe('forbidden');
    expect(await refused(stranger, path)).toBe('not-found');
    const unknown = path.replace('contacts.records', 'contacts.nothing');
    expect(await refused(owner.api, unknown)).toBe('unknown-rule');
    const cursor = Buffer.from("' or true --").toString('base64url');
    expect(await refused(owner.api, `${path}&cursor=${cursor}`)).toBe('invalid-cursor');
  }

  await owner.api.delete(`/v1/records/${String(deals[1]!.id)}`);
  const after = await owner.api.get<Rows>(`${departure}&limit=3`);
  expect(after.items.map(({ label, now }) => ({ label, now }))).toEqual(
    [titles[0], titles[2]].map((label) => ({ label, now: holds(dan, 'active') })),
  );
  expect(after.gone).toBe(1);
  const rest = await owner.api.get<Rows>(`${departure}&limit=3&cursor=${after.nextCursor}`);
  expect(rest).toMatchObject({ items: [{ label: titles[3] }, { label: titles[4] }], gone: 0, nextCursor: null });
  const kept = await owner.api.get<Rows>(`/v1/departures/${id}/rows?rule=insights.private-dashboards`);
  expect(kept.items).toMatchObject([{ label: null, hidden: true, now: holds(cleo, 'deactivated') }]);

  await over(owner.api, await owner.api.post<Departure>(`/v1/users/${cleo.id}/reactivate`));
  expect(await owner.api.get<Rows>(departure)).toEqual({
    ...{ items: [], nextCursor: null, gone: 0 },
    reason: 'user-returned',
  });
}, 120_000);
