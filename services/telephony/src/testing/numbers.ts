import type { EntityManager } from '@mikro-orm/postgresql';
import type { Person, RuleBench, ServiceUnderTest } from '#libs/lifecycle/testing';
import { telephonyRules } from '../departures/telephony.rules.js';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { entities, migrations } from '../telephony.module.js';

/** The service's rules on tables of their own. */
export const telephony: ServiceUnderTest = { name: 'telephony', entities, rules: telephonyRules, migrations };

let issued = 0;
/** A number that nothing else in this file has. */
export const anE164 = () => `+1415${String(++issued).padStart(7, '0')}`;

export function aNumber(em: EntityManager, bench: RuleBench, { accountId }: Person, more: Partial<PhoneNumberRow>) {
  const nobodys = { ownerId: null, destinationUserId: null, quarantinedFromId: null, releaseAt: null, movedToId: null };
  const base = { id: bench.ids.next(), accountId, e164: anE164(), createdAt: bench.clock.now(), ...nobodys };
  return em.create(PhoneNumber, { ...base, kind: more.ownerId ? 'personal' : 'shared', state: 'assigned', ...more });
}
