import type { Principal, ResolvedAction, ResolvedRules } from '#libs/contracts';
import { EventProcessor } from '#libs/lifecycle';
import { TestService } from '#libs/platform/testing';
import { buildUserEvent } from '#libs/test-kit';
import { InsightsModule, migrations } from '../insights.module.js';

/** The service, to be called as the gateway calls it. */
export const startInsights = () => TestService.start({ name: 'insights', module: InsightsModule, migrations });

/** A departure or a return reaches the service, under a policy of just these rules. */
export async function hears(
  insights: TestService,
  person: Principal,
  transition: 'deactivated' | 'deleted' | 'reactivated',
  rules: ResolvedRules = {},
  lifecycleVersion = 2,
): Promise<void> {
  const departure = { policy: { preset: 'crm' as const, version: 1, rules } };
  const event = buildUserEvent(insights, `user.${transition}`, person, { lifecycleVersion, departure });
  await insights.get(EventProcessor).apply([event]);
}

/** A policy of one rule. */
export const policy = (rule: string, deactivated?: ResolvedAction, deleted?: ResolvedAction): ResolvedRules => ({
  [rule]: { ...(deactivated && { deactivated }), ...(deleted && { deleted }) },
});
