import {
  defaultOf,
  type Conversion,
  type Preset,
  type Principal,
  type Profile,
  type ReceiptLine,
  type ResolvedRules,
  type Telling,
  type UserEvent,
  type UserEventType,
} from '#libs/contracts';
import { EventProcessor, RuleSet } from '#libs/lifecycle';
import type { TestService } from '#libs/platform/testing';
import { buildUserEvent } from '#libs/test-kit';
import { sql } from 'kysely';

interface Choices {
  preset?: Preset;
  /** Override actions of the preset. */
  overrides?: ResolvedRules;
  conversion?: Conversion;
  tellContacts?: Telling;
  profile?: Partial<Profile>;
}

/**
 * Applies a departure or reactivation event under a preset's policy with all rules of the service.
 * @returns the receipt's lines
 */
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
  const { preset = 'crm', conversion, tellContacts, profile } = choices;
  return buildUserEvent(messaging, type, person, {
    ...(await nextVersions(messaging, person)),
    profile,
    departure: {
      policy: { preset, version: 1, rules: resolved(messaging, choices) },
      ...(conversion && { conversion }),
      ...(tellContacts && { tellContacts }),
    },
  });
}

/** Applies an event that sets or removes the caretaker of a person's inbox. */
export async function isCaredFor(
  messaging: TestService,
  person: Principal,
  { by, until }: { by: Principal | null; until?: Date },
): Promise<void> {
  const { rows } = await sql<Pick<Profile, 'status'>>`
    select status from directory where user_id = ${person.userId}`.execute(messaging.em().getKysely());
  const care = { caretakerId: by?.userId ?? null, caretakerUntil: until?.toISOString() ?? null };
  const { seq, lifecycleVersion } = await nextVersions(messaging, person);
  const event = buildUserEvent(messaging, 'user.updated', person, {
    seq,
    lifecycleVersion: lifecycleVersion - 1,
    profile: { ...rows[0]!, ...care },
  });
  await messaging.get(EventProcessor).apply([event]);
}

async function nextVersions(messaging: TestService, { userId }: Principal) {
  const { rows } = await sql<{ seq: number; lifecycleVersion: number }>`
    select (seq + 1)::float8 as seq, (lifecycle_version + 1)::float8 as "lifecycleVersion"
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
