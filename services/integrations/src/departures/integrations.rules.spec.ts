import { describe, it, expect, beforeAll, afterAll } from '@jest/globals';
import { RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { ResolvedAction, ResolvedRules } from '#libs/contracts';
import { Directory, type Clock, type Ids } from '#libs/database';
import { preview, proof } from '#libs/lifecycle';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  RuleBench,
  type Person,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { eventually } from '#libs/test-kit';
import { Encryption } from '#libs/platform';
import { AppController } from '../app/app.controller.js';
import { App, type AppRow } from '../app/app.entity.js';
import { IntegrationsConfig } from '../integrations.config.js';
import { entities, migrations } from '../integrations.module.js';
import { Deliveries } from '../webhook/deliveries.js';
import { WebhookController } from '../webhook/webhook.controller.js';
import { Webhook } from '../webhook/webhook.entity.js';
import { integrationsRules } from './integrations.rules.js';
import { kept } from './kept.js';

const integrations: ServiceUnderTest = { name: 'integrations', entities, rules: integrationsRules, migrations };

const config = Object.assign(new IntegrationsConfig(), {
  integrationsSecret: 'a-secret-for-tests-that-is-long-enough',
});

class Apps extends AppController {
  constructor(em: EntityManager, directory: Directory, ids: Ids, clock: Clock) {
    super(
      em,
      directory,
      ids,
      clock,
      new Encryption(config.integrationsSecret, 'integrations', ids),
      new Deliveries(em, ids, clock),
    );
  }
}

class Webhooks extends WebhookController {
  constructor(em: EntityManager, directory: Directory, ids: Ids, clock: Clock) {
    super(
      em,
      directory,
      ids,
      clock,
      new Encryption(config.integrationsSecret, 'integrations', ids),
      new Deliveries(em, ids, clock),
      config,
    );
  }
}

const anApp = (em: EntityManager, bench: RuleBench, { accountId, userId }: Person, shared: boolean) =>
  em.create(App, {
    id: bench.ids.next(),
    accountId,
    appId: 'dialer',
    installedBy: userId,
    shared,
    status: 'installed',
    accessToken: 'sealed',
    createdAt: bench.clock.now(),
    uninstalledAt: null,
  });

const aWebhook = (em: EntityManager, bench: RuleBench, { accountId, userId }: Person) =>
  em.create(Webhook, {
    id: bench.ids.next(),
    accountId,
    url: 'https://example.com/hook',
    events: [],
    ownerId: userId,
    active: true,
    secret: 'sealed',
    createdAt: bench.clock.now(),
  });

behavesLikeARule(integrations, 'integrations.apps', {
  row: (em, owner, bench) => anApp(em, bench, owner, false),
  write: (bench, owner) => bench.create(Apps, owner, { appId: 'dialer', accessToken: 'of-the-dialer' }),
});

behavesLikeARule(integrations, 'integrations.shared-apps', {
  manager: true,
  row: (em, owner, bench) => anApp(em, bench, owner, true),
  write: (bench, owner) => bench.create(Apps, owner, { appId: 'dialer', shared: true }),
});

behavesLikeARule(integrations, 'integrations.webhooks', {
  row: (em, owner, bench) => aWebhook(em, bench, owner),
  write: (bench, owner) => bench.create(Webhooks, owner, { url: 'https://example.com/hook', events: [] }),
});

coversEveryPersonalColumn(integrations, kept);

describe('the integrations of a leaver', () => {
  let bench: RuleBench;
  let leaver: Person;
  let other: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(integrations);
  });
  afterAll(() => bench.close());

  /** The leaver and another manager have each installed a shared app and an app of their own. */
  async function given(isManager: boolean): Promise<void> {
    leaver = await bench.person({ profile: { isManager } });
    other = await bench.admin(leaver.accountId);
    const em = bench.em();
    for (const person of [leaver, other]) for (const shared of [true, false]) anApp(em, bench, person, shared);
    await em.flush();
    bench.clock.advance(1);
  }

  const policy = (sharedApps: ResolvedAction): ResolvedRules => ({
    'integrations.apps': { deactivated: { action: 'uninstall' } },
    'integrations.shared-apps': { deactivated: sharedApps },
  });

  /** Applies the departure and checks that preview and receipt agree. @returns the counts by rule */
  async function leave(rules: ResolvedRules, wasManager: boolean): Promise<Record<string, number>> {
    const request = { ...leaver, steps: ['deactivated' as const], activeSince: 1, wasManager, rules };
    const lines = await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
    const event = bench.leaving(leaver, 'deactivated', rules, { departure: { wasManager } });
    const [receipt] = await bench.processor.apply([event]);
    const counts = Object.fromEntries(receipt!.rules.map(({ rule, affected }) => [rule, affected]));
    expect(Object.fromEntries(lines.map(({ rule, count }) => [rule, count]))).toEqual(counts);
    return counts;
  }

  const installed = async (): Promise<Pick<AppRow, 'installedBy' | 'shared'>[]> => {
    const where = { accountId: leaver.accountId, status: 'installed' as const };
    const apps = await bench.em().find(App, where, { orderBy: { id: 'asc' } });
    return apps.map(({ installedBy, shared }) => ({ installedBy, shared }));
  };

  const broken = async () => {
    const users = [{ userId: leaver.userId, lifecycleVersion: 2 }];
    return (await proof(bench.em().getKysely(), bench.rules, { users })).broken;
  };

  it('include all shared apps of the account when a manager leaves', async () => {
    await given(true);
    const counts = await leave(policy({ action: 'uninstall' }), true);
    expect(counts).toEqual({ 'integrations.apps': 1, 'integrations.shared-apps': 2 });
    expect(await installed()).toEqual([{ installedBy: other.userId, shared: false }]);
  });

  it("leave apps installed by others alone if the policy's scope says so", async () => {
    await given(true);
    const counts = await leave(policy({ action: 'uninstall', scope: 'installed-by-leaver' }), true);
    expect(counts).toEqual({ 'integrations.apps': 1, 'integrations.shared-apps': 1 });
    expect(await installed()).toEqual([
      { installedBy: other.userId, shared: true },
      { installedBy: other.userId, shared: false },
    ]);
  });

  it("are limited to the leaver's own apps when the leaver is no manager", async () => {
    await given(false);
    const counts = await leave(policy({ action: 'uninstall', scope: 'all' }), false);
    expect(counts).toEqual({ 'integrations.apps': 2, 'integrations.shared-apps': 0 });
    expect(await installed()).toHaveLength(2);
    expect((await installed()).map((app) => app.installedBy)).toEqual([other.userId, other.userId]);
  });

  it('are transferred if the leaver, a manager, installed them; apps of others stay with their installers', async () => {
    await given(true);
    const heir = await bench.person({ accountId: leaver.accountId });
    expect(await leave(policy({ action: 'transfer', to: heir.userId }), true)).toMatchObject({
      'integrations.shared-apps': 1,
    });
    expect(await installed()).toEqual([
      { installedBy: heir.userId, shared: true },
      { installedBy: other.userId, shared: true },
      { installedBy: other.userId, shared: false },
    ]);
  });

  it('count all shared apps of the account when they are kept', async () => {
    await given(true);
    expect(await leave(policy({ action: 'keep' }), true)).toMatchObject({ 'integrations.shared-apps': 2 });
    expect(await installed()).toHaveLength(3);
  });

  it('lose their tokens when they are uninstalled', async () => {
    await given(true);
    await leave(policy({ action: 'uninstall' }), true);
    const gone = await bench.em().find(App, { accountId: leaver.accountId, status: 'uninstalled' });
    expect(gone.map((app) => app.accessToken)).toEqual([null, null, null]);
    expect(gone.every((app) => app.uninstalledAt)).toBe(true);
  });

  it('do not include shared apps installed after the departure', async () => {
    await given(true);
    await leave(policy({ action: 'uninstall' }), true);
    bench.clock.advance(1);
    await bench.create(Apps, other, { appId: 'calendar', shared: true });
    expect(await broken()).toEqual([]);
    expect(await installed()).toHaveLength(2);
  });

  it('include an app that another user is sharing at that moment', async () => {
    await given(true);
    const em = bench.orm.em as EntityManager;
    const departed = await RequestContext.create(em, () =>
      em.transactional(async () => {
        const principal = { ...other, roles: ['admin'] as const };
        const apps = new Apps(em, new Directory(em), bench.ids, bench.clock);
        await apps.create({ principal, params: {}, query: {}, body: { appId: 'calendar', shared: true } });
        bench.clock.advance(1);
        const departing = leave(policy({ action: 'uninstall' }), true).catch(() => 'counted too early');
        await eventually(() => someTransactionWaits());
        return { departing };
      }),
    );
    await departed.departing;
    expect(await broken()).toEqual([]);
    expect(await installed()).toEqual([{ installedBy: other.userId, shared: false }]);
  });

  const someTransactionWaits = async (): Promise<boolean> => {
    const { rows } = await sql`
      select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
      bench.em().getKysely(),
    );
    return rows.length > 0;
  };

  it('send nothing more, including queued deliveries', async () => {
    await given(false);
    const { id } = await bench.create(Webhooks, leaver, {
      url: 'https://example.com/hook',
      events: ['app.installed'],
    });
    await bench.create(Apps, other, { appId: 'calendar' });
    const waiting = async () =>
      (await sql`select 1 from webhook_delivery where webhook_id = ${id}`.execute(bench.em().getKysely())).rows.length;
    expect(await waiting()).toBe(1);
    await leave({ 'integrations.webhooks': { deactivated: { action: 'disable' } } }, false);
    expect(await waiting()).toBe(0);
    await bench.create(Apps, other, { appId: 'dialer' });
    expect(await waiting()).toBe(0);
    const [back] = await bench.processor.apply([bench.reactivation(leaver, 3, 'all')]);
    const webhooks = back!.rules.find(({ rule, affected }) => rule === 'integrations.webhooks' && affected > 0);
    // The webhook is active again; its delivery is lost.
    expect(webhooks).toMatchObject({ notRestored: 1, warning: 'cannot-be-restored' });
  });

  it('show a warning before a manager leaves', async () => {
    await given(true);
    const rules = policy({ action: 'uninstall' });
    const request = { ...leaver, steps: ['deactivated' as const], activeSince: 1, wasManager: true, rules };
    const lines = await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
    expect(lines[1]).toMatchObject({ warning: true, detail: expect.stringContaining('2 shared app(s) stop working') });
  });

  it('reject a scope that the rule does not offer', async () => {
    await given(true);
    const rules = { 'integrations.apps': { deactivated: { action: 'uninstall' as const, scope: 'all' as const } } };
    await expect(leave(rules, true)).rejects.toThrow('does not offer');
  });
});
