import { defaultOf, type Preset, type Principal, type ResolvedRules, type UserEventType } from '#libs/contracts';
import { EventProcessor, RuleSet } from '#libs/lifecycle';
import type { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';

interface Choices {
  preset?: Preset;
  /** Instead of what the preset says. */
  overrides?: ResolvedRules;
}

/** Somebody leaves or returns, as the event tells it: under the policy of a preset, with all of the service's rules. */
export async function departs(
  messaging: TestService,
  person: Principal,
  to: 'deactivated' | 'deleted' | 'active',
  choices: Choices = {},
): Promise<void> {
  const type: UserEventType = to === 'active' ? 'user.reactivated' : `user.${to}`;
  const version = await nextVersion(messaging, person);
  const now = messaging.clock.now().toISOString();
  const steps = {
    active: [],
    deactivated: ['deactivated' as const],
    deleted: ['deactivated' as const, 'deleted' as const],
  };
  const { accountId, userId } = person;
  const profile = {
    name: to === 'deleted' ? null : 'Robin Example',
    staffId: null,
    status: to,
    isManager: false,
    teamIds: [],
    createdAt: now,
    redactionLabel: 'plain' as const,
    legalHold: false,
  };
  const departure = {
    id: messaging.ids.next(),
    steps: steps[to],
    activeSince: 1,
    wasManager: false,
    policy: { preset: choices.preset ?? 'crm', version: 1, rules: resolved(messaging, choices) },
    round: 0,
  };
  await messaging.get(EventProcessor).apply([
    {
      specversion: '1.0',
      id: messaging.ids.next(),
      source: '/leaver/identity',
      type,
      subject: userId,
      time: now,
      datacontenttype: 'application/json',
      data: { accountId, userId, seq: version, lifecycleVersion: version, profile, departure },
    },
  ]);
}

async function nextVersion(messaging: TestService, { userId }: Principal): Promise<number> {
  const { rows } = await sql<{ next: string }>`
    select lifecycle_version + 1 as next from directory where user_id = ${userId}`.execute(messaging.em().getKysely());
  return Number(rows[0]!.next);
}

function resolved(messaging: TestService, { preset = 'crm', overrides = {} }: Choices): ResolvedRules {
  const rules = messaging.get(RuleSet).describe();
  const defaults = rules.map(({ id, transitions }) => [
    id,
    Object.fromEntries(Object.entries(transitions).map(([name, transition]) => [name, defaultOf(transition, preset)])),
  ]);
  return { ...(Object.fromEntries(defaults) as ResolvedRules), ...overrides };
}
