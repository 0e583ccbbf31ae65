import type { Principal, ResolvedAction, ResolvedRules } from '#libs/contracts';
import { EventProcessor } from '#libs/lifecycle';
import { TestService } from '#libs/platform/testing';
import { buildUserEvent } from '#libs/test-kit';
import { InsightsModule, migrations } from '../insights.module.js';

/** Starts the service; tests call it as the gateway does. */
export const startInsights = () => TestService.start({ name: 'insights', module: InsightsModule, migrations });

/** Applies a departure or reactivation under a policy of only these rules. */
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

/** A policy with one rule. */
export const policy = (rule: string, deactivated?: ResolvedAction, deleted?: ResolvedAction): ResolvedRules => ({
  [rule]: { ...(deactivated && { deactivated }), ...(deleted && { deleted }) },
});
