import {
  defaultOf,
  type Conversion,
  type Preset,
  type Principal,
  type Profile,
  type ReceiptLine,
  type ResolvedRules,
  type UserEvent,
  type UserEventType,
} from '#libs/contracts';
import { EventProcessor, RuleSet } from '#libs/lifecycle';
import type { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';

interface Choices {
  preset?: Preset;
  /** Instead of what the preset says. */
  overrides?: ResolvedRules;
  conversion?: Conversion;
  profile?: Partial<Profile>;
}

/** Somebody leaves or returns, as the event tells it: under the policy of a preset, with all of the service's rules. */
export async function departs(
  messaging: TestService,
  person: Principal,
  to: 'deactivated' | 'deleted' | 'active',
  choices: Choices = {},
): Promise<ReceiptLine[]> {
  const event = await departureOf(messaging, person, to, choices);
  const receipts = await messaging.get(EventProcessor).apply([event]);
  return receipts.find(({ userId }) => userId === person.userId)!.rules;
}

export async function departureOf(
  messaging: TestService,
  person: Principal,
  to: 'deactivated' | 'deleted' | 'active',
  choices: Choices = {},
): Promise<UserEvent> {
  const type: UserEventType = to === 'active' ? 'user.reactivated' : `user.${to}`;
  const steps = {
    active: [],
    deactivated: ['deactivated' as const],
    deleted: ['deactivated' as const, 'deleted' as const],
  };
  const event = await eventOf(messaging, person, type, {
    status: to,
    ...(to === 'deleted' && { name: null }),
    ...choices.profile,
  });
  event.data.departure = {
    id: messaging.ids.next(),
    steps: steps[to],
    activeSince: 1,
    wasManager: false,
    policy: { preset: choices.preset ?? 'crm', version: 1, rules: resolved(messaging, choices) },
    ...(choices.conversion && { conversion: choices.conversion }),
    round: 0,
  };
  return event;
}

/** Identity has made somebody the caretaker of a person's inbox, or nobody any more. */
export async function isCaredFor(
  messaging: TestService,
  person: Principal,
  { by, until }: { by: Principal | null; until?: Date },
): Promise<void> {
  const { rows } = await sql<Pick<Profile, 'status'>>`
    select status from directory where user_id = ${person.userId}`.execute(messaging.em().getKysely());
  const care = { caretakerId: by?.userId ?? null, caretakerUntil: until?.toISOString() ?? null };
  const event = await eventOf(messaging, person, 'user.updated', { ...rows[0]!, ...care });
  await messaging.get(EventProcessor).apply([event]);
}

async function eventOf(
  messaging: TestService,
  person: Principal,
  type: UserEventType,
  profile: Partial<Profile>,
): Promise<UserEvent> {
  const { seq, version } = await nextOf(messaging, person);
  const now = messaging.clock.now().toISOString();
  const { accountId, userId } = person;
  return {
    specversion: '1.0',
    id: messaging.ids.next(),
    source: '/leaver/identity',
    type,
    subject: userId,
    time: now,
    datacontenttype: 'application/json',
    data: {
      accountId,
      userId,
      seq,
      lifecycleVersion: type === 'user.updated' ? version - 1 : version,
      profile: {
        name: 'Robin Example',
        staffId: null,
        status: 'active',
        isManager: false,
        teamIds: [],
        createdAt: now,
        redactionLabel: 'plain',
        legalHold: false,
        ...profile,
      },
    },
  };
}

async function nextOf(messaging: TestService, { userId }: Principal): Promise<{ seq: number; version: number }> {
  const { rows } = await sql<{ seq: number; version: number }>`
    select (seq + 1)::float8 as seq, (lifecycle_version + 1)::float8 as version
    from directory where user_id = ${userId}`.execute(messaging.em().getKysely());
  return rows[0]!;
}

function resolved(messaging: TestService, { preset = 'crm', overrides = {} }: Choices): ResolvedRules {
  const rules = messaging.get(RuleSet).describe();
  const defaults = rules.map(({ id, transitions }) => [
    id,
    Object.fromEntries(Object.entries(transitions).map(([name, transition]) => [name, defaultOf(transition, preset)])),
  ]);
  return { ...(Object.fromEntries(defaults) as ResolvedRules), ...overrides };
}
