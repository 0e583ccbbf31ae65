import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { NumberKind, NumberState } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const PhoneNumber = defineEntity({
  name: 'PhoneNumber',
  tableName: 'phone_number',
  properties: {
    ...tenantRow(),
    e164: p.text(),
    kind: p.text().$type<NumberKind>(),
    state: p.text().$type<NumberState>(),
    ownerId: userRef().nullable(),
    /** The user who answers calls and texts. */
    destinationUserId: userRef().nullable(),
    quarantinedFromId: userRef().nullable(),
    releaseAt: p.datetime().nullable(),
    /** The shared inbox that receives texts; null if the user who answers receives them. */
    inboxId: p.uuid().nullable(),
    movedToId: p.uuid().nullable(),
    /** When the carrier confirmed that the number is the account's. */
    verifiedAt: p.datetime().nullable(),
    createdAt: p.datetime(),
  },
});
export type PhoneNumberRow = InferEntity<typeof PhoneNumber>;
