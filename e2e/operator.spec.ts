import { ServiceClient } from '#libs/broker';
import { declareRulesOf, SCOPES } from '#libs/contracts';
import { RuleSet } from '#libs/lifecycle';
import { eventually } from '#libs/test-kit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pastTheRules } from './around-a-departure/past-the-rules.js';
import type { Json } from './support/api.js';
import { anAccount, type Cast, type Member } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { leaver } from './support/program.js';
import { System } from './support/system.js';

/** What an operator sees of a departure that does not come to an end, and what can be done about it. */
describe('an operator', () => {
  let system: System;
  let cast: Cast;
  let folder: string;
  let token: string;

  const run = (...args: string[]) =>
    leaver(args, {
      LEAVER_HOME: folder,
      LEAVER_URL: system.url,
      LEAVER_TOKEN: token,
      ...system.operator,
    });
  // Other than a session, an API token outlasts the jumps of the clock.
  const owner = () => system.api(token);
  const start = ({ id }: Member) => owner().post<Departure>(`/v1/users/${id}/deactivate`);
  const partOf = async ({ id }: Departure, service: string) => {
    const { services } = await owner().get<Departure>(`/v1/departures/${id}`);
    return services.find((one) => one.service === service) as unknown as Json;
  };
  const inAutomations = (statement: string) => pastTheRules(system, 'automations', (client) => client.query(statement));
  /** Makes a rule of automations fail for everybody with an active automation. */
  const breakRule = () => inAutomations('alter table automation add constraint stays_active check (active) not valid');
  const mendRule = () => inAutomations('alter table automation drop constraint stays_active');

  /** A user whom no other test uses. */
  const newcomer = async (name: string) =>
    (await owner().post('/v1/users', {
      name,
      email: `${name}@operator.example`,
      staffId: name,
      roles: ['agent'],
    })) as unknown as Member;

  beforeAll(async () => {
    system = await System.start();
    folder = await mkdtemp(join(tmpdir(), 'leaver-operator-'));
    cast = await anAccount(system, 'helpdesk');
    for (const { api } of [cast.ada, cast.cleo, cast.dan])
      await api.post('/v1/automations', { name: 'Welcome Grace', trigger: { kind: 'any' } });
    token = (await cast.owner.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES })).token as string;
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await rm(folder, { recursive: true });
  });

  it('sees which rule fails, where and until when, in the departure, on the command line and in the log', async () => {
    const { ada } = cast;
    await breakRule();
    const departure = await start(ada);
    const failure = {
      rule: 'automations.owned',
      error: '23514',
      sqlState: '23514',
      table: 'automation',
      constraint: 'stays_active',
      attempts: expect.any(Number),
      nextTryAt: expect.any(String),
    };
    await eventually(async () => expect(await partOf(departure, 'automations')).toMatchObject({ failure }));
    const shown = await run('status', departure.id);
    expect(shown).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(
        /automations: automations\.owned failed \(23514, constraint stays_active, table automation\) after \d+ tr(y|ies), next try at 20/,
      ),
    });
    const watched = await run('status', departure.id, '--watch', '--timeout', '4');
    expect(watched.messages).toMatch(/automations:? automations\.owned failed \(23514, constraint stays_active/);
    const { nextTryAt: _next, sqlState: _state, attempts: _attempts, error: _error, ...names } = failure;
    const lines = system.logged.map((line) => JSON.parse(line) as Json);
    expect(lines).toContainEqual(
      expect.objectContaining({
        service: 'automations',
        departureId: departure.id,
        level: 40,
        ...names,
        code: '23514',
      }),
    );
    expect(system.logged.filter((line) => /Failing row|Welcome Grace/.test(line))).toEqual([]);
    await mendRule();
    system.advanceDays(1);
    expect((await over(owner(), departure)).status).toBe('completed');
    expect(JSON.stringify(await partOf(departure, 'automations'))).not.toContain('failure');
  }, 90_000);

  it('finds in the certificate of a deletion what the deactivation before it did', async () => {
    const user = await newcomer('Grace');
    const deactivation = await over(owner(), await start(user));
    const deletion = await over(owner(), await owner().post<Departure>(`/v1/users/${user.id}/delete`));
    const { payload } = await owner().get<{ payload: { earlier: Json[] } }>(
      `/v1/departures/${deletion.id}/certificate`,
    );
    const rules = (of: Json) =>
      (of.services as Departure['services']).flatMap((one) => one.rules.map(({ rule }) => rule));
    expect(payload.earlier).toMatchObject([
      { departureId: deactivation.id, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(rules(payload.earlier[0]!)).toContain('automations.owned');
    expect(rules(payload as unknown as Json)).not.toContain('automations.owned');
  });

  it('has what waits for its next try tried at once, on the command line', async () => {
    const { dan, cleo } = cast;
    await breakRule();
    const [dans, cleos] = [await start(dan), await start(cleo)];
    await eventually(async () => {
      for (const departure of [dans, cleos]) {
        const { failure } = await partOf(departure, 'automations');
        // The next try is a minute away.
        if (!failure || (failure as Json).attempts !== 4) system.advanceDays(30 / 86_400);
        expect(failure).toMatchObject({ attempts: expect.any(Number) });
        expect(Number((failure as Json).attempts)).toBeGreaterThanOrEqual(4);
      }
    });
    await mendRule();
    expect(await run('retry', dans.id, '--watch')).toMatchObject({
      exitCode: 0,
      messages: expect.stringMatching(/^These services try again now: automations\.\n/),
    });
    expect(await run('replay', cleos.id)).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(new RegExp(`automations +${cleos.id} +is tried now`)),
    });
    expect((await over(owner(), cleos)).status).toBe('completed');
  }, 90_000);

  it('sees which service has not answered, and for how long', async () => {
    await system.stopOne('insights');
    const departure = await start(cast.ben);
    await eventually(async () => {
      const { services } = await owner().get<Departure>(`/v1/departures/${departure.id}`);
      expect(services.filter(({ status }) => status !== 'completed').map(({ service }) => service)).toEqual([
        'insights',
      ]);
    });
    expect(await partOf(departure, 'insights')).toMatchObject({
      status: 'pending',
      awaited: { since: expect.any(String), attempts: expect.any(Number), nextTryAt: expect.any(String) },
    });
    const watched = await run('status', departure.id, '--watch', '--timeout', '4');
    expect(watched).toMatchObject({
      exitCode: 4,
      messages: expect.stringMatching(
        /\d\/\d running, not finished: insights\n(.*\n)* +… insights: has not answered since 20/,
      ),
    });
    const previewOf = ({ id }: Member) => owner().get(`/v1/users/${id}/departure-preview?transition=deactivated`);
    expect((await previewOf(cast.owner)).uncounted).toMatchObject([{ service: 'insights' }]);
    await system.startOne('insights');
    expect((await over(owner(), departure)).status).toBe('completed');
  }, 90_000);

  it('confirms that a rule ends which a service does not declare any more', async () => {
    const { app } = system.services.get('insights')!;
    const rules = app.get(RuleSet, { strict: false }).describe();
    const declare = (declared: typeof rules) =>
      app
        .get(ServiceClient, { strict: false })
        .ask(declareRulesOf('insights'), { service: 'insights', rules: declared });
    const { id } = rules.at(-1)!;
    expect(await run('services', 'confirm', 'insights', '--yes')).toMatchObject({ exitCode: 1 });
    await declare(rules.slice(0, -1));
    const { out } = await run('services');
    expect(out).toMatch(new RegExp(`^insights has not declared ${id.replace('.', '\\.')} since 20`, 'm'));
    expect(await run('services', 'confirm', 'insights')).toMatchObject({ exitCode: 2 });
    expect(await run('services', 'confirm', 'insights', '--yes')).toMatchObject({
      exitCode: 0,
      out: `Confirmed: departures do not wait for ${id}.\n`,
    });
    expect((await run('services')).out).not.toContain('has not declared');
    await declare(rules);
  });

  it('retires a service that will not come back, after which nothing waits for it', async () => {
    const previewOf = ({ id }: Member) => owner().get(`/v1/users/${id}/departure-preview?transition=deactivated`);
    await system.stopOne('messaging');
    // A rule of messaging destroys something.
    await expect(previewOf(cast.owner)).rejects.toMatchObject({ status: 503, body: { service: 'messaging' } });
    await system.startOne('messaging');
    await system.stopOne('insights');
    const departure = await start(await newcomer('Fay'));
    await eventually(async () => {
      const { progress } = await owner().get<Departure>(`/v1/departures/${departure.id}`);
      expect(progress).toEqual({ done: 6, total: 7 });
    });
    expect((await run('services')).out).toMatch(/^ +insights +\d+ +\S+ +20\S+ +1 +20\S+$/m);
    expect(await run('services', 'retire', 'insights')).toMatchObject({ exitCode: 2 });
    expect(await run('services', 'retire', 'insights', '--yes')).toMatchObject({
      exitCode: 0,
      out: 'insights is retired. 1 open departures do not wait for it any more.\n',
    });
    expect(await over(owner(), departure)).toMatchObject({ status: 'completed', progress: { done: 6, total: 6 } });
    expect(await partOf(departure, 'insights')).toMatchObject({ status: 'retired' });
    expect((await previewOf(cast.owner)).uncounted).toEqual([]);
    expect((await run('services')).out).toMatch(/insights +0 +retired/);
  }, 90_000);
});
