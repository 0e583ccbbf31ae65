import {
  TRANSITIONS,
  type LifecycleEventType,
  type Principal,
  type ReceiptLine,
  type ResolvedRules,
  type Transition,
} from '#libs/contracts';
import { choiceOf, EventProcessor } from '#libs/lifecycle';
import type { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { contactsRules } from '../departures/contacts.rules.js';

/** What every account has unless it chooses otherwise. */
const DEFAULTS: ResolvedRules = Object.fromEntries(
  contactsRules.map(({ id, choices }) => [
    id,
    Object.fromEntries(Object.entries(choices).map(([transition, { actions }]) => [transition, choiceOf(actions[0]!)])),
  ]),
);

/** Somebody leaves under the default policy, with other actions for some of the rules. @returns the receipt's lines */
export function leaves(
  service: TestService,
  person: Principal,
  transition: Transition,
  rules: ResolvedRules = {},
): Promise<ReceiptLine[]> {
  return happens(service, person, transition, { ...DEFAULTS, ...rules });
}

export const returns = (service: TestService, person: Principal) => happens(service, person, 'reactivated', {});

async function happens(
  service: TestService,
  { accountId, userId }: Principal,
  what: Transition | 'reactivated',
  rules: ResolvedRules,
): Promise<ReceiptLine[]> {
  const { rows } = await sql<{ seq: string; name: string }>`
    select seq, name from directory where user_id = ${userId}`.execute(service.em().getKysely());
  const version = Number(rows[0]!.seq) + 1;
  const time = service.clock.now().toISOString();
  const gone = what === 'deleted';
  const profile = {
    name: gone ? null : rows[0]!.name,
    staffId: null,
    status: what === 'reactivated' ? ('active' as const) : what,
    isManager: false,
    teamIds: [],
    createdAt: time,
    redactionLabel: 'plain' as const,
    legalHold: false,
  };
  const departure = {
    id: service.ids.next(),
    steps: what === 'reactivated' ? [] : TRANSITIONS.slice(0, TRANSITIONS.indexOf(what) + 1),
    activeSince: 1,
    wasManager: false,
    policy: { preset: 'crm' as const, version: 1, rules },
    round: 0,
  };
  const [receipt] = await service.get(EventProcessor).apply([
    {
      specversion: '1.0',
      id: service.ids.next(),
      source: '/leaver/identity',
      type: `user.${what}` as LifecycleEventType,
      subject: userId,
      time,
      datacontenttype: 'application/json',
      data: { accountId, userId, seq: version, lifecycleVersion: version, profile, departure },
    },
  ]);
  return receipt!.rules;
}
