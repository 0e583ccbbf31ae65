import { defineEntity, p } from '@mikro-orm/postgresql';
import { userRef } from '#libs/database';

/** The columns of bulk departures by which the rule about scheduled departures finds and changes them. */
export const BulkDepartureEntity = defineEntity({
  name: 'BulkDeparture',
  tableName: 'bulk_departure',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    requestedBy: userRef(),
    /** `open` or `cancelled`. */
    status: p.text(),
    decided: p.boolean().default(false),
  },
});
