import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { CallDirection, PastCallOutcome } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** A call or text in the past. */
export const PhoneCall = defineEntity({
  name: 'PhoneCall',
  tableName: 'phone_call',
  properties: {
    ...tenantRow(),
    direction: p.text().$type<CallDirection>(),
    numberId: p.uuid().nullable(),
    from: p.text().name('from_e164').nullable(),
    to: p.text().name('to_e164'),
    outcome: p.text().$type<PastCallOutcome>(),
    /** The user who answered an inbound call or placed an outbound one; null if nobody answered. */
    userId: userRef().nullable(),
    createdAt: p.datetime(),
  },
});
export type PhoneCallRow = InferEntity<typeof PhoneCall>;
