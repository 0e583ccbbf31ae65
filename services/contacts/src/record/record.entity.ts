import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { RecordType } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** An item that the team works on: a lead, deal, product, activity, project or task. */
export const CrmRecord = defineEntity({
  name: 'CrmRecord',
  tableName: 'record',
  properties: {
    ...tenantRow(),
    type: p.text().$type<RecordType>(),
    title: p.text(),
    ownerId: userRef().nullable(),
    contactId: p.uuid().nullable(),
    createdAt: p.datetime(),
  },
});
export type CrmRecordRow = InferEntity<typeof CrmRecord>;
