import type { Principal, ReceiptLine, ResolvedRules, Restore, Transition } from '#libs/contracts';
import { choiceOf, EventProcessor } from '#libs/lifecycle';
import type { TestService } from '#libs/platform/testing';
import { buildUserEvent } from '#libs/test-kit';
import { sql } from 'kysely';
import { contactsRules } from '../departures/contacts.rules.js';

/** The default policy. */
const DEFAULTS: ResolvedRules = Object.fromEntries(
  contactsRules.map(({ id, choices }) => [
    id,
    Object.fromEntries(Object.entries(choices).map(([transition, { actions }]) => [transition, choiceOf(actions[0]!)])),
  ]),
);

/** Applies a departure under the default policy, overridden by `rules`. @returns the receipt's lines */
export function leaves(
  service: TestService,
  person: Principal,
  transition: Transition,
  rules: ResolvedRules = {},
): Promise<ReceiptLine[]> {
  return happens(service, person, transition, { ...DEFAULTS, ...rules });
}

export const returns = (service: TestService, person: Principal, restore?: Restore) =>
  happens(service, person, 'reactivated', {}, restore);

async function happens(
  service: TestService,
  person: Principal,
  what: Transition | 'reactivated',
  rules: ResolvedRules,
  restore?: Restore,
): Promise<ReceiptLine[]> {
  const { rows } = await sql<{ seq: string; name: string }>`
    select seq, name from directory where user_id = ${person.userId}`.execute(service.em().getKysely());
  const event = buildUserEvent(service, `user.${what}`, person, {
    lifecycleVersion: Number(rows[0]!.seq) + 1,
    profile: what === 'deleted' ? {} : { name: rows[0]!.name },
    departure: {
      policy: { preset: 'crm', version: 1, rules },
      ...(what === 'deleted' && { hasAddress: true }),
      ...(restore && { restore }),
    },
  });
  const [receipt] = await service.get(EventProcessor).apply([event]);
  return receipt!.rules;
}
