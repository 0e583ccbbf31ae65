import type { EntityManager } from '@mikro-orm/postgresql';
import type { Person, RuleBench, ServiceUnderTest } from '#libs/lifecycle/testing';
import { telephonyRules } from '../departures/telephony.rules.js';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { entities, migrations } from '../telephony.module.js';

/** The service under test for the rule tests, with its own database. */
export const telephony: ServiceUnderTest = { name: 'telephony', entities, rules: telephonyRules, migrations };

let issued = 0;
/** A number that is unique within this process. */
export const anE164 = () => `+1415${String(++issued).padStart(7, '0')}`;

/** Creates a number without an owner unless the overrides say otherwise. */
export function aNumber(em: EntityManager, bench: RuleBench, { accountId }: Person, more: Partial<PhoneNumberRow>) {
  const unowned = {
    ownerId: null,
    destinationUserId: null,
    quarantinedFromId: null,
    releaseAt: null,
    movedToId: null,
    verifiedAt: null,
  };
  const base = { id: bench.ids.next(), accountId, e164: anE164(), createdAt: bench.clock.now(), ...unowned };
  return em.create(PhoneNumber, { ...base, kind: more.ownerId ? 'personal' : 'shared', state: 'assigned', ...more });
}
