import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '#libs/test-kit';
import { Client } from 'pg';
import type { Json } from './support/api.js';
import { anAccount, type Cast, type Member } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { NinthService } from './support/ninth-service.js';
import { story } from './support/story.js';
import { System } from './support/system.js';

const RULE = 'billing.approvals';

/** Onboards `examples/billing` in a running system in which users have already left, without restarting other services. */
describe('an external service', () => {
  let system: System;
  let billing: NinthService;
  let database: Client;
  let cast: Cast;
  let deactivated: Departure;
  let deleted: Departure;

  const owner = () => cast.owner.api;
  const leave = async ({ id }: Member, how: 'deactivate' | 'delete') =>
    over(owner(), await owner().post<Departure>(`/v1/users/${id}/${how}`));
  const answerOf = ({ services }: Departure) => services.find(({ service }) => service === 'billing');
  const answered = (departure: Departure) =>
    eventually(
      async () => {
        const now = await over(owner(), departure);
        expect(answerOf(now)?.status).toBe('completed');
        return now;
      },
      { timeout: 30_000 },
    );
  const toApprove = async ({ id }: Member, status: string, count: number) => {
    await database.query(
      `insert into approval (id, account_id, invoice, approver_id, status)
      select gen_random_uuid(), a.id, 'Invoice ' || n, $1, $2
      from generate_series(1, $3::int) n cross join (select $4::uuid as id) a`,
      [id, status, count, accountId],
    );
  };
  const approvals = async ({ id }: Member) => {
    const { rows } = await database.query(
      'select status, count(*)::int from approval where approver_id = $1 group by status order by status',
      [id],
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  };
  let accountId: string;

  beforeAll(async () => {
    [system, billing] = await Promise.all([System.start({ externalServices: ['billing'] }), NinthService.install()]);
    database = new Client(billing.databaseUrl);
    await database.connect();
    cast = await anAccount(system, 'helpdesk');
    accountId = (await owner().get('/v1/account')).id as string;
    deactivated = await leave(cast.dan, 'deactivate');
    deleted = await leave(cast.cleo, 'delete');
    await toApprove(cast.dan, 'pending', 2);
    await toApprove(cast.dan, 'approved', 1);
    await toApprove(cast.cleo, 'pending', 3);
    await toApprove(cast.ben, 'pending', 4);
    await billing.start(system.brokerUrl('billing'));
  }, 240_000);
  afterAll(async () => {
    await database?.end();
    await billing?.remove();
    await system?.stop();
  });

  it('depends only on the published libraries, not on this repository', async () => {
    const files = await readdir(join(billing.folder, 'src'));
    const texts = await Promise.all(files.map((name) => readFile(join(billing.folder, 'src', name), 'utf8')));
    const asked = texts.flatMap((text) => [...text.matchAll(/from '(.*)'/g)].map(([, from]) => from));
    expect(
      asked.filter((from) => !/^(\.\/[a-z.-]+|@leaver\/service-kit\/[a-z]+|@mikro-orm\/postgresql)$/.test(from!)),
    ).toEqual([]);
    expect(await billing.typeFaults()).toBe('');
    expect(await billing.otherVersions()).toEqual([]);
  }, 60_000);

  it('passes its own tests with the tools in the package', async () => {
    const { passed, output } = await billing.test();
    expect(passed ? '' : output).toBe('');
    expect(output).toContain('billing.approvals behaves like a rule');
  }, 60_000);

  const step = story(180_000);

  step('has its rule in the catalogue', async () => {
    await eventually(async () => {
      const { items } = await owner().get<{ items: Json[] }>('/v1/rules');
      expect(items.at(-1)).toMatchObject({ id: RULE, service: 'billing', allowed: ['transfer', 'unassign', 'keep'] });
    });
  });

  step('applies its rule to users who left before its onboarding, and to no others', async () => {
    const [dans, cleos] = [await answered(deactivated), await answered(deleted)];
    expect(answerOf(dans)!.rules).toMatchObject([{ rule: RULE, transition: 'deactivated', affected: 2, remaining: 0 }]);
    expect(answerOf(cleos)!.rules).toMatchObject([
      { rule: RULE, transition: 'deactivated', affected: 3, remaining: 0 },
      { rule: RULE, transition: 'deleted', affected: 0, remaining: 0 },
    ]);
    expect([dans.status, cleos.status]).toEqual(['completed', 'completed']);
    expect(await approvals(cast.owner)).toEqual({ pending: 5 });
    expect(await approvals(cast.dan)).toEqual({ approved: 1 });
    expect(await approvals(cast.ben)).toEqual({ pending: 4 });
  });

  step('is in the certificate of a deletion from before its onboarding', async () => {
    await answered(deleted);
    const { payload } = await owner().get<{ payload: { services: Json[] } }>(
      `/v1/departures/${deleted.id}/certificate`,
    );
    expect(payload.services.map(({ service }) => service)).toContain('billing');
  });

  step('leaves nothing for a verification to find', async () => {
    await Promise.all([answered(deactivated), answered(deleted)]);
    const { id } = await owner().post('/v1/departures/verify');
    await eventually(async () => {
      const found = await owner().get(`/v1/departures/verify/${id as string}`);
      expect(found).toMatchObject({ status: 'completed', checked: 2, broken: [] });
    });
  });

  step('takes part in new departures: preview, receipt and proof', async () => {
    const preview = await owner().get<{ rules: Json[] }>(
      `/v1/users/${cast.ben.id}/departure-preview?transition=deactivated`,
    );
    expect(preview.rules.find(({ rule }) => rule === RULE)).toMatchObject({ action: 'transfer', count: 4 });
    const rows = `/v1/users/${cast.ben.id}/departure-preview/rows?rule=${RULE}&transition=deactivated&limit=3`;
    const counted = await owner().get<{ items: Json[]; nextCursor: string }>(rows);
    const rest = await owner().get<{ items: Json[] }>(`${rows}&cursor=${counted.nextCursor}`);
    const labels = [...counted.items, ...rest.items].map(({ type, label }) => `${String(type)} ${String(label)}`);
    expect(labels.sort()).toEqual([1, 2, 3, 4].map((n) => `invoice Invoice ${n}`));
    const departure = await leave(cast.ben, 'deactivate');
    expect(departure.status).toBe('completed');
    expect(answerOf(departure)!.rules).toMatchObject([{ rule: RULE, affected: 4, remaining: 0 }]);
    expect(await approvals(cast.ben)).toEqual({});
    const affected = await owner().get<{ items: Json[] }>(`/v1/departures/${departure.id}/rows?rule=${RULE}`);
    expect(affected.items).toHaveLength(4);
    for (const { now } of affected.items) expect(now).toMatchObject({ user: { id: cast.owner.id } });
  });
});
