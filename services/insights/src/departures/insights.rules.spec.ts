import type { EntityManager } from '@mikro-orm/postgresql';
import type { ResolvedRules } from '#libs/contracts';
import { preview } from '#libs/lifecycle';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  overlap,
  RuleBench,
  type Person,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { Dashboard, PublicLink } from '../dashboard/dashboard.entity.js';
import { DashboardController } from '../dashboard/dashboard.controller.js';
import { PublicLinkController } from '../dashboard/public-link.controller.js';
import { GoalController } from '../goal/goal.controller.js';
import { Goal } from '../goal/goal.entity.js';
import { InsightFilterController } from '../insight-filter/insight-filter.controller.js';
import { InsightFilter, InsightFilterCondition } from '../insight-filter/insight-filter.entity.js';
import { entities, migrations } from '../insights.module.js';
import { GoalParticipant, ReportParticipant, ReportShare, type Membership } from '../membership/membership.entity.js';
import { ReportController } from '../report/report.controller.js';
import { Report } from '../report/report.entity.js';
import { insightsRules } from './insights.rules.js';
import { kept } from './kept.js';

const insights: ServiceUnderTest = { name: 'insights', entities, rules: insightsRules, migrations };

const aDashboard = (bench: RuleBench, { accountId, userId }: Person) => ({
  id: bench.ids.next(),
  accountId,
  ownerId: userId,
  name: 'Pipeline',
  shared: true,
  layout: {},
  createdAt: bench.clock.now(),
});

const aLink = (bench: RuleBench, { accountId, userId }: Person, dashboardId: string) => ({
  id: bench.ids.next(),
  accountId,
  dashboardId,
  createdById: userId,
  token: bench.ids.secret(),
  active: true,
  createdAt: bench.clock.now(),
});

const aReport = (bench: RuleBench, { accountId, userId }: Person) => ({
  id: bench.ids.next(),
  accountId,
  ownerId: userId,
  name: 'Win rate',
  definition: {},
  sharing: 'nobody' as const,
  withdrawn: false,
  createdAt: bench.clock.now(),
});

behavesLikeARule(insights, 'insights.shared-dashboards', {
  row: (em, owner, bench) => em.create(Dashboard, aDashboard(bench, owner)),
  write: (bench, owner) => bench.create(DashboardController, owner, { name: 'Pipeline', shared: true }),
});

behavesLikeARule(insights, 'insights.public-links', {
  ways: {
    'publishing a dashboard': {
      given: (bench, owner) => made(bench.create(DashboardController, owner, { name: 'Pipeline' })),
      write: (bench, owner, dashboardId) => bench.create(PublicLinkController, owner, { dashboardId }),
    },
  },
  row: async (em, owner, bench) => {
    const dashboard = em.create(Dashboard, aDashboard(bench, owner));
    await em.flush();
    em.create(PublicLink, aLink(bench, owner, dashboard.id));
  },
});

behavesLikeARule(insights, 'insights.private-dashboards', {
  row: async (em, owner, bench) => {
    const dashboard = em.create(Dashboard, { ...aDashboard(bench, owner), shared: false });
    await em.flush();
    em.create(PublicLink, aLink(bench, owner, dashboard.id));
  },
  write: (bench, owner) => bench.create(DashboardController, owner, { name: 'My numbers' }),
});

behavesLikeARule(insights, 'insights.shared-reports', {
  row: (em, owner, bench) => em.create(Report, { ...aReport(bench, owner), sharing: 'everyone' }),
  ways: {
    'creating a shared report': (bench, owner) =>
      bench.create(ReportController, owner, { name: 'Win rate', sharedWith: 'everyone' }),
    'sharing a report': {
      given: (bench, owner) => made(bench.create(ReportController, owner, { name: 'Win rate' })),
      write: share,
    },
  },
});

/** Returns the id of the created row. */
async function made(answer: Promise<unknown>): Promise<string> {
  return ((await answer) as { id: string }).id;
}

function share(bench: RuleBench, owner: Person, id: string) {
  return bench.call(ReportController, 'share', owner, { params: { id }, body: { sharedWith: 'everyone' } });
}

/** Another user, whose own status does not matter, names the person. */
const namedBy = async (
  bench: RuleBench,
  { accountId }: Person,
  controller: Parameters<RuleBench['create']>[0],
  body: object,
) => bench.create(controller, await bench.person({ accountId }), body);

const inAReport = (entity: Membership) => async (em: EntityManager, person: Person, bench: RuleBench) => {
  const report = em.create(Report, aReport(bench, { ...person, userId: bench.ids.next() }));
  await em.flush();
  em.create(entity, { id: bench.ids.next(), accountId: person.accountId, wholeId: report.id, userId: person.userId });
};

behavesLikeARule(insights, 'insights.participation', {
  part: 'reports',
  row: inAReport(ReportParticipant),
  write: (bench, person) =>
    namedBy(bench, person, ReportController, { name: 'Win rate', participantIds: [person.userId] }),
});

behavesLikeARule(insights, 'insights.participation', {
  part: 'reports-to-read',
  row: inAReport(ReportShare),
  write: (bench, person) => namedBy(bench, person, ReportController, { name: 'Win rate', sharedWith: [person.userId] }),
});

behavesLikeARule(insights, 'insights.participation', {
  part: 'goals',
  row: async (em, { accountId, userId }, bench) => {
    const createdAt = bench.clock.now();
    const goal = { id: bench.ids.next(), accountId, ownerId: bench.ids.next(), name: 'Deals', target: 12, createdAt };
    em.create(Goal, goal);
    await em.flush();
    em.create(GoalParticipant, { id: bench.ids.next(), accountId, wholeId: goal.id, userId });
  },
  write: (bench, person) =>
    namedBy(bench, person, GoalController, { name: 'Deals', target: 12, participantIds: [person.userId] }),
});

// No write here: a new filter may name a deactivated user. The tests below cover who may be named.
behavesLikeARule(insights, 'insights.filters', {
  row: async (em, { accountId, userId }, bench) => {
    const filter = { id: bench.ids.next(), accountId, name: 'Ours', createdAt: bench.clock.now() };
    em.create(InsightFilter, filter);
    await em.flush();
    const condition = { field: 'owner', op: 'is' as const, userId, value: null };
    em.create(InsightFilterCondition, { id: bench.ids.next(), accountId, filterId: filter.id, ...condition });
  },
});

coversEveryPersonalColumn(insights, kept);

describe('departures from insights', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(insights);
  });
  afterAll(() => bench.close());

  describe('leave no filter created for a user already deleted', () => {
    let leaver: Person;
    beforeEach(async () => {
      leaver = await bench.person();
    });
    const contested = () => ({
      adminUrl: bench.database.adminUrl,
      row: 'directory where user_id = $1',
      id: leaver.userId,
    });
    const name = () => {
      const conditions = [{ field: 'owner', op: 'is', userId: leaver.userId }];
      return namedBy(bench, leaver, InsightFilterController, { name: 'Ours', conditions });
    };
    const leave = async () => {
      const rules = { 'insights.filters': { deleted: { action: 'keep' as const } } };
      const [receipt] = await bench.processor.apply([bench.leaving(leaver, 'deleted', rules)]);
      return receipt!.rules.find(({ rule }) => rule === 'insights.filters');
    };

    it('counts a filter created just before', async () => {
      const { first, second, hasWaited } = await overlap(contested(), name, leave);
      expect([first.status, hasWaited]).toEqual(['fulfilled', true]);
      expect(second).toMatchObject({ status: 'fulfilled', value: { affected: 1 } });
      await expect(name()).rejects.toMatchObject({ code: 'inactive-user' });
    });

    it('refuses a filter created just after', async () => {
      const { first, second, hasWaited } = await overlap(contested(), leave, name);
      expect(first).toMatchObject({ status: 'fulfilled', value: { affected: 0 } });
      expect(second).toMatchObject({ status: 'rejected', reason: { code: 'inactive-user' } });
      expect(hasWaited).toBe(true);
    });
  });

  it.each(['hands over', 'shares'])(
    'transfer a dashboard that somebody %s just before, and none just after',
    async (how) => {
      const leaver = await bench.person();
      const { accountId, userId } = leaver;
      const colleague = await bench.person({ accountId });
      const { userId: to } = await bench.admin(accountId);
      const owner = how === 'shares' ? leaver : colleague;
      const body = how === 'shares' ? { shared: true } : { ownerId: userId };
      const [early, late] = [
        await made(bench.create(DashboardController, owner, { name: 'Early', shared: owner === colleague })),
        await made(bench.create(DashboardController, owner, { name: 'Late', shared: owner === colleague })),
      ];
      const change = (id: string) => bench.call(DashboardController, 'update', owner, { params: { id }, body });
      const rules: ResolvedRules = { 'insights.shared-dashboards': { deactivated: { action: 'transfer', to } } };
      const leave = () => bench.processor.apply([bench.leaving(leaver, 'deactivated', rules)]);
      const contested = { adminUrl: bench.database.adminUrl, row: 'directory where user_id = $1', id: userId };
      const { first, hasWaited } = await overlap(contested, () => change(early), leave);
      expect([first.status, hasWaited]).toEqual(['fulfilled', true]);
      await expect(change(late)).rejects.toMatchObject({ code: 'inactive-user' });
      expect(await bench.em().findOneOrFail(Dashboard, { id: early })).toMatchObject({ ownerId: to, shared: true });
    },
  );

  it('count public links correctly, including those of dashboards deleted in the same departure', async () => {
    const leaver = await bench.person();
    const dashboard = { name: 'My numbers' };
    const { id } = await bench.create(DashboardController, leaver, dashboard);
    await bench.create(PublicLinkController, leaver, { dashboardId: id });
    const rules: ResolvedRules = {
      'insights.public-links': { deactivated: { action: 'disable' } },
      'insights.private-dashboards': { deactivated: { action: 'delete' } },
    };
    const request = { ...leaver, steps: ['deactivated' as const], activeSince: 1, wasManager: false, rules };
    const previewed = await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
    const [receipt] = await bench.processor.apply([bench.leaving(leaver, 'deactivated', rules)]);
    expect(previewed.map(({ rule, count }) => [rule, count])).toEqual([
      ['insights.public-links', 1],
      ['insights.private-dashboards', 1],
    ]);
    expect(receipt!.rules.map(({ rule, affected }) => [rule, affected])).toEqual(
      previewed.map(({ rule, count }) => [rule, count]),
    );
  });
});
