import { defineEntity, p } from '@mikro-orm/postgresql';
import { userRef } from '#libs/database';

/** The columns of departures by which the rule about scheduled ones finds and changes them. */
export const DepartureEntity = defineEntity({
  name: 'Departure',
  tableName: 'departure',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    userId: userRef(),
    status: p.text(),
    requestedBy: userRef().nullable(),
  },
});
