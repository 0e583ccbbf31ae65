import type { Principal, ResolvedAction, ResolvedRules } from '#libs/contracts';
import { EventProcessor } from '#libs/lifecycle';
import { TestService } from '#libs/platform/testing';
import { InsightsModule } from '../insights.module.js';
import { migrations } from '../migrations/migrations.js';

/** The service, to be called as the gateway calls it. */
export const startInsights = () => TestService.start({ name: 'insights', module: InsightsModule, migrations });

type Lifecycle = 'deactivated' | 'deleted' | 'reactivated';

/** The event of a departure, or of a return, arrives: under a policy of just these rules. */
export async function hears(
  insights: TestService,
  { accountId, userId }: Principal,
  transition: Lifecycle,
  rules: ResolvedRules = {},
  version = 2,
): Promise<void> {
  const status = transition === 'reactivated' ? 'active' : transition;
  const name = transition === 'deleted' ? null : 'Robin Example';
  const time = insights.clock.now().toISOString();
  await insights.get(EventProcessor).apply([
    {
      specversion: '1.0',
      id: insights.ids.next(),
      source: '/leaver/identity',
      type: `user.${transition}`,
      subject: userId,
      time,
      datacontenttype: 'application/json',
      data: {
        accountId,
        userId,
        seq: version,
        lifecycleVersion: version,
        profile: {
          name,
          staffId: null,
          status,
          isManager: false,
          teamIds: [],
          createdAt: time,
          redactionLabel: 'plain',
          legalHold: false,
        },
        departure: {
          id: insights.ids.next(),
          steps:
            transition === 'deleted' ? ['deactivated', 'deleted'] : transition === 'deactivated' ? [transition] : [],
          activeSince: 1,
          wasManager: false,
          policy: { preset: 'crm', version: 1, rules },
          round: 0,
        },
      },
    },
  ]);
}

/** A policy of one rule. */
export const policy = (rule: string, deactivated?: ResolvedAction, deleted?: ResolvedAction): ResolvedRules => ({
  [rule]: { ...(deactivated && { deactivated }), ...(deleted && { deleted }) },
});
